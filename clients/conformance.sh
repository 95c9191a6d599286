#!/bin/sh
# Play conformance.json with redis-cli, and print the results as TAP: `ok 1 name`, or `not ok 1 name` and the
# reason. Exits with 1 if a case failed.
#
#   clients/conformance.sh                              # the Redis on this machine
#   clients/conformance.sh redis://user:secret@host/0   # a URL, or unix:///path/to/socket
#   clients/conformance.sh -h host -p 6380              # options of redis-cli (7.0 or later)
#   clients/conformance.sh --evalsha ...                # call scripts with EVALSHA instead of functions with FCALL
#
# Run `jobs init` first: it loads the functions and scripts. With --evalsha, JOBS_BOARD names a board that has the
# SHAs of the scripts (default jobs). Each case runs on a board of its own, whose keys are removed at the end.
#
# One redis-cli makes all calls. python3 reads the file and compares.
set -eu

way=FCALL
[ "${1-}" != --evalsha ] || { way=EVALSHA && shift; }
case ${1-} in
  unix://*\?*) echo "$1: expected unix:///path without options" >&2 && exit 2 ;;
  unix://*) set -- -s "${1#unix://}" ;;
  redis://* | rediss://*) set -- -u "$1" ;;
esac
set -- --no-auth-warning "$@"
[ "$(redis-cli "$@" PING)" = PONG ] || { echo "Redis does not answer. Pass its URL." >&2 && exit 1; }

pipes=$(mktemp -d)
trap 'rm -r "$pipes"' EXIT
mkfifo "$pipes/calls" "$pipes/replies"
redis-cli "$@" --json <"$pipes/calls" >"$pipes/replies" &

python3 - "$(dirname "$0")/conformance.json" "$pipes" $way <<'PYTHON'
import json, os, re, sys

FILE, PIPES, WAY = sys.argv[1:]
OURS = "{conformance-%d-" % os.getpid()
calls = open(PIPES + "/calls", "w")
replies = open(PIPES + "/replies", encoding="utf-8", errors="surrogateescape")


def quoted(word):
    """Quote a word for redis-cli: bytes other than plain characters become \\xHH."""
    plain = (chr(b) if 32 <= b < 127 and b not in b"\"\\" else "\\x%02x" % b for b in word.encode(errors="surrogateescape"))
    return '"%s"' % "".join(plain)


def decoded(line):
    """Decode a reply that redis-cli wrote as JSON, in which errors are error:"…"."""
    text = re.compile(r'(error:)?("(?:\\.|[^"\\])*")')
    return json.loads(text.sub(lambda found: '{"error": %s}' % found[2] if found[1] else found[2], line))


def call(*words):
    calls.write(" ".join(map(quoted, words)) + "\n")
    calls.flush()
    return decoded(replies.readline() or sys.exit("Redis no longer answers"))


def scripts():
    """Map each command to the first words of its call with EVALSHA."""
    home = "{%s}:commands" % os.environ.get("JOBS_BOARD", "jobs")
    shas = call("HGETALL", home)
    if "JSET" not in shas or call("SCRIPT", "EXISTS", shas["JSET"]) != [1]:
        sys.exit("%s has no scripts: run `jobs init`, or set JOBS_BOARD" % home)
    return {name: ("EVALSHA", sha) for name, sha in shas.items()}


def functions():
    """Map each command to the first words of its call with FCALL, or FCALL_RO if it only reads."""
    libraries = call("FUNCTION", "LIST", "LIBRARYNAME", "jobs")
    if not libraries:
        sys.exit("Redis does not have the functions of Jobs: run `jobs init`")
    found = {one["name"]: one["flags"] for one in libraries[0]["functions"]}
    return {name: ("FCALL_RO" if "no-writes" in flags else "FCALL", name) for name, flags in found.items()}


class Player:
    """Plays a case, and stores what its steps save."""

    def __init__(self, board, partitions):
        self.board, self.saved = board, {}
        self.parts = ["%s.%d}" % (board[:-1], number) for number in range(partitions)]
        for number, part in enumerate(self.parts):
            call("SET", part + ":layout", "5 %d/%d" % (number, partitions))

    def why_not(self, steps):
        """Return the first step that fails, with its reply, or None."""
        for step in steps:
            reply = self.reply(step)
            if not self.fits(step if "error" in step else step["reply"], reply):
                return "%s returned %s" % (json.dumps(step), json.dumps(reply))

    def reply(self, step):
        if "read" in step:
            names = {"board": self.board, **self.saved}
            return call(*(word.format_map(names) for word in step["read"]))
        board = self.parts[step["partition"]] if "partition" in step else self.board
        while True:
            reply = self.send(board, step["command"], *map(self.known, step["args"]))
            if not is_again(reply):
                return reply
            while self.send(board, "JAPPLY", "roll"):
                pass

    def send(self, board, command, *words):
        return call(*ways[command], "1", board, *words)

    def known(self, value):
        return self.saved[value[1:]] if isinstance(value, str) and value[:1] == "$" else value

    def fits(self, expected, reply):
        words = expected if isinstance(expected, dict) else ()
        kind = next((word for word in ("error", "save", "like", "json", "map") if word in words), None)
        if isinstance(expected, list):
            same = isinstance(reply, list) and len(reply) == len(expected)
            return same and all(map(self.fits, expected, reply))
        if kind is None and words:
            same = isinstance(reply, dict) and reply.keys() == expected.keys()
            return same and all(self.fits(value, reply[name]) for name, value in expected.items())
        if kind is None:
            return reply == self.known(expected)
        if "error" in expected:
            text = reply["error"] if isinstance(reply, dict) else ""
            return text.startswith("JOBS %s " % expected["error"]) and expected.get("says", "") in text
        if kind == "save":
            self.saved[expected["save"]] = reply
            return isinstance(reply, str) and ("like" not in expected or reply == exactly(expected["like"]))
        if kind == "like":
            return reply == exactly(expected["like"])
        if not isinstance(reply, str if kind == "json" else list):
            return False
        found = json.loads(reply) if kind == "json" else dict(zip(reply[::2], reply[1::2]))
        return all(self.fits(value, found.get(name)) for name, value in expected[kind].items())


def exactly(text):
    """Return a text in which <1> stands for 1."""
    return re.sub("<([0-9]+)>", r"\1", text)


def is_again(reply):
    return isinstance(reply, dict) and reply.get("error", "").startswith("JOBS AGAIN ")


def clean_up():
    cursor = "0"
    while True:
        cursor, keys = call("SCAN", cursor, "MATCH", OURS + "*", "COUNT", "1000")
        if keys:
            call("UNLINK", *keys)
        if cursor == "0":
            return


ways = scripts() if WAY == "EVALSHA" else functions()
failed = 0
cases = json.load(open(FILE, encoding="utf-8"))["cases"]
print("1..%d" % len(cases))
for number, case in enumerate(cases, 1):
    why = Player("%s%d}" % (OURS, number), case.get("partitions", 0)).why_not(case["steps"])
    print("%s %d %s" % ("not ok" if why else "ok", number, case["name"]))
    if why:
        failed += 1
        print("# " + why)
clean_up()
sys.exit(1 if failed else 0)
PYTHON
