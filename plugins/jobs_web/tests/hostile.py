"""A board on which everything that users and workers choose is hostile."""

from __future__ import annotations

from typing import Any

from jobs_core import Board, OptionError

MARKUP = '"><script>window.pwned=1</script><img src=x onerror="window.pwned=1">{{7919*7907}}'
"""What a page must show as text."""

CONTROL = "\x00\x1b[31m\x07\r\n\t\u202egpj.exe\u2028\u0085😀\U000e0041"
"""Characters that control a terminal, end or reorder a line, are invisible, or have four bytes."""

PAYLOAD = f"marker-of-the-payload {MARKUP}"

IDS = (
    '"><script>window.pwned=1</script>',
    "<img/src=x/onerror=window.pwned=1>",
    "</title><svg/onload=window.pwned=1>",
    "'onmouseover='window.pwned=1",
    "javascript:window.pwned=1",
    "{{7919*7907}}{%raw%}",
    "../x",
    "..",
    "//elsewhere.example/x",
    "a?b&c=d;id=e",
    "%2e%2e%2f",
    "100%",
    "%0d%0aSet-Cookie:x=1",
    "&lt;b&gt;",
    "a+b@1@2",
    "\u202efdp.exe",
    "😀\U0001f3f4\U000e0067",
    "x" * 256,
)
"""Ids that a job can have, or could have: see `put`."""

QUEUE = f"q{MARKUP.replace(' ', '/')}"
LONG = "a long line of output " * 4500  # 99 kB


WORD = "w" * 600
"""A word that is longer than any line."""


def put(board: Board, id: str, runner: str, payload: str, **options: Any) -> None:
    """Put a job, also one whose id only older versions accepted: such jobs are still on boards."""
    try:
        board.put(id, runner, payload, **options)
    except OptionError as error:
        assert error.option == "id"
        board.put("new", runner, payload, **options)
        _copy(board, "job", "new", id)
        due = board.client.zscore(board.keys.schedule, "new")
        if due is not None:
            board.client.zadd(board.keys.schedule, {id: due})
        board.remove("new")


def _copy(board: Board, name: str, field: str, other: str) -> None:
    """Copy a field of a hash, whose value need not be text."""
    script = "redis.call('HSET', KEYS[1], ARGV[2], redis.call('HGET', KEYS[1], ARGV[1]))"
    board.client.eval(script, 1, f"{board.keys.tag}:{name}", field, other)


def fill(board: Board) -> list[str]:
    """Fill a board. Returns the ids of some of its tasks: dead, done, running, held, waiting."""
    author = board.with_author(f"ann{MARKUP}")
    for number, id in enumerate(IDS):
        put(
            author,
            id,
            "test",
            PAYLOAD,
            queue=QUEUE if number % 2 else "test",
            description=f"{MARKUP} {LONG[:200]} {WORD}",
            label=[f"team={MARKUP.replace(' ', '/')[:60]}", "link=javascript:window.pwned=1"],
            every="1h",
            because=MARKUP,
        )
    pattern = MARKUP.replace(" ", "/").replace("=", ":")  # what has an equals sign is a label
    terms = ["team=<b>", "queue:q*<i>", f"*{pattern}*", *(id for id in IDS[:2] if "=" not in id), "*"]
    author.alert_put(
        "watch", "tell", PAYLOAD, when="failed, dead", for_=terms, because=MARKUP, queue=QUEUE + "s"
    )
    author.put("follower", "test", PAYLOAD, after=",".join(IDS[:5]), policy="ack")
    author.edit(IDS[0], description=f"{MARKUP}, edited", payload=PAYLOAD + "2", because=MARKUP)
    author.pause(IDS[1], because=MARKUP)
    author.limit("queue", QUEUE, concurrency=1, because=MARKUP)
    worker = f"worker{MARKUP.replace(' ', '/')}"
    board.commands.call(
        "JREGISTER",
        worker,
        "test",
        "--",
        "host",
        MARKUP,
        "pid",
        "1",
        "state",
        "serving",
        "concurrency",
        "9",
        "running",
        "2",
    )
    _copy(board, "workers", worker, f"{worker}\u202e")
    tasks = [board.push(id) for id in IDS]
    verbs = ("dead", "done", "dead", "done", "dead")
    for verb, held in zip(verbs, board.pop("test", count=5, lease=600, worker=worker), strict=True):
        board.ack(held.token, verb, code='<i>"', note=f"{MARKUP}{CONTROL}", tail=f"{MARKUP}{CONTROL}\n{LONG}")
    for held in board.pop("test", count=1, lease=600, worker=worker):
        board.ack(held.token, "update", progress=40, note=MARKUP)
    board.pop(QUEUE, count=2, lease=600, worker=worker)
    return tasks
