"""The roles viewer, client, worker and admin, as ACL rules.

Redis checks the commands inside a function against the caller's ACL. So a role also permits these commands on
the keys of its board, and `caveats` says what else that allows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache

from jobs_core.engine import build
from jobs_core.engine.permissions import DIRECT, READS, call_of, in_words, inner_commands, refusal
from jobs_core.errors import OptionError

ROLE_NAMES = ("viewer", "client", "worker", "admin")

PLACEHOLDER = ">PASSWORD"

_CLIENT_CALLS = (
    *(
        "JACK",
        "JALERT",
        "JAPPLY",
        "JBACKFILL",
        "JCANCEL",
        "JDEAD",
        "JDEL",
        "JEDIT",
        "JINBOX",
        "JMSET",
        "JOUTBOX",
        "JPAUSE",
        "JPUSH",
        "JRESUME",
    ),
    *("JSET", "JSETNX", "JSTAGE", "JZONES"),
)
_WORKER_CALLS = (
    *(
        "JACK",
        "JAPPLY",
        "JBEAT",
        "JINBOX",
        "JMACK",
        "JOUTBOX",
        "JOUTPUT",
        "JPOP",
        "JREGISTER",
        "JTICK",
        "JZONES",
    ),
)

_READING = (DIRECT & READS) | {"CLUSTER|NODES", "CLUSTER|SLOTS", "SCRIPT|EXISTS"}
"""The commands that Python runs directly to read a board, or to examine its server."""

_HANDSHAKE = ("CLIENT|SETNAME", "PING", "SELECT")
"""Commands that redis-py sends on a new connection, except HELLO and AUTH, which need no permission."""

_SETINFO = ("CLIENT|SETINFO", (7, 2))
"""A further command that redis-py sends, and the first version of Redis that knows it. Older versions reject
its name in an ACL."""


@dataclass(frozen=True, slots=True)
class Role:
    """A set of permissions on a board."""

    name: str
    summary: str
    own: frozenset[str]
    """The commands of Jobs that the role may call, besides those that only read."""
    own_direct: frozenset[str]
    """The Redis commands that Python runs directly for them."""
    caveats: tuple[str, ...]

    @property
    def calls(self) -> frozenset[str]:
        return self.own | _reads()

    @property
    def only_reads(self) -> bool:
        return self.own <= _reads()

    @property
    def commands(self) -> frozenset[str]:
        """The Redis commands that the role needs, without functions: HGET, SCRIPT|EXISTS."""
        return _READING.union(self.own_direct, *(inner_commands(name) for name in self.calls))

    @property
    def functions(self) -> frozenset[str]:
        """The function calls that the role needs: FCALL|JSET, FCALL_RO|JGET."""
        return frozenset((*(call_of(name) for name in self.calls), "FCALL_RO|JVERSION"))

    def missing(self, denied: Collection[str]) -> frozenset[str]:
        """Return the denied commands that the role needs."""
        return (self.commands | self.functions) & frozenset(denied)

    def refusal(self, denied: Collection[str], tag: str) -> str | None:
        """Return a sentence that says what this role lacks, or None if it lacks nothing."""
        found = (refusal(name, denied, tag, self.name) for name in sorted(self.own))
        sentence = next(filter(None, found), None)
        missing = self.own_direct & frozenset(denied)
        if sentence or not missing:
            return sentence
        return (
            f"This user may not run {in_words(missing)} on {tag}:*, which the role {self.name} needs: "
            f"`jobs acl {self.name}` prints the permissions to grant"
        )


def _reads() -> frozenset[str]:
    return frozenset(name for name, command in build.commands().items() if command.only_reads)


_EVERYONE = (
    "Redis checks each command inside a function against its caller, so this user may also run these read "
    "commands directly: it can read payloads and what tasks print, raw",
    "INFO, CLUSTER NODES, CLUSTER SLOTS and SCRIPT EXISTS tell about the whole server, "
    "not about the board alone",
)
_WRITERS = (
    "it may also run the write commands directly on the board's keys: it can write raw records, past every "
    "check and the ledger",
)


@cache
def role(name: str) -> Role:
    """Return the role with this name, one of ROLE_NAMES."""
    return {found.name: found for found in _roles()}[name]


def _roles() -> Iterator[Role]:
    yield Role("viewer", "reads jobs, tasks and history", _reads(), frozenset(), _EVERYONE)
    yield Role(
        "client",
        "puts, pushes, pauses, cancels, and reads",
        frozenset(_CLIENT_CALLS),
        frozenset(("WAIT",)),
        (*_EVERYONE, *_WRITERS, "JACK takes any token: it can report on a task that a worker holds"),
    )
    yield Role(
        "worker",
        "takes, runs and reports tasks, and ticks",
        frozenset(_WORKER_CALLS),
        frozenset(("BLPOP", "RPUSH", "WAIT")),
        (*_EVERYONE, *_WRITERS, "JPOP takes any queue: it can take tasks of runners that it does not have"),
    )
    loads = "it can replace the functions, which every other user then runs with their own permissions"
    yield Role(
        "admin",
        "does all of this, and loads the functions",
        frozenset(build.commands()),
        DIRECT,
        (*_EVERYONE, *_WRITERS, loads),
    )


def role_for(name: str) -> str:
    """Return the role with the fewest permissions that may call a command."""
    return next(each for each in ROLE_NAMES if name in role(each).calls)


def roles_of(denied: Collection[str]) -> list[str]:
    """Return the roles for which a user with these denials has all permissions."""
    return [name for name in ROLE_NAMES if not role(name).missing(denied)]


def as_version(text: str) -> tuple[int, int]:
    """Parse a server's version: 7.0, or 7.2.4 as in redis_version of `INFO server`."""
    found = re.match(r"(\d+)\.(\d+)", text)
    if found is None:
        raise OptionError(
            f"server-version: expected a version such as 7.0, got {text!r}", option="server-version"
        )
    version = int(found[1]), int(found[2])
    if version < (7, 0):
        raise OptionError(
            f"server-version: Jobs needs Redis 7.0 or later, or Valkey, got {text!r}", option="server-version"
        )
    return version


def acl_rules(
    found: Role, board: str, version: tuple[int, int], *, has_partitions: bool = False
) -> list[str]:
    """Return the rules of a role on a board, for a server of this version: the arguments of ACL SETUSER.

    With `has_partitions`, they also permit the keys of `{board.0}`, `{board.1}` and so on.
    """
    keys = "%R~" if found.only_reads else "~"
    tags = [_escaped(f"{{{board}}}"), *([_escaped(f"{{{board}.") + "*}"] if has_partitions else [])]
    patterns = [f"{keys}{tag}{rest}" for tag in tags for rest in ("", ":*")]
    handshake = {*_HANDSHAKE, *([_SETINFO[0]] if version >= _SETINFO[1] else [])}
    names = sorted(found.commands | handshake) + sorted(found.functions)
    commands = (f"+{name.lower()}" for name in names)
    return ["reset", "on", PLACEHOLDER, *patterns, *commands]


def acl_line(user: str, rules: Collection[str]) -> str:
    """Return a complete ACL SETUSER, quoted for redis-cli."""
    return " ".join(("ACL SETUSER", *(_quoted(word) for word in (user, *rules))))


def _escaped(text: str) -> str:
    """Escape text for a key pattern, so that it matches only itself."""
    return re.sub(r"([\\*?\[\]])", r"\\\1", text)


def _quoted(word: str) -> str:
    if not re.search(r"""["'\\]""", word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
