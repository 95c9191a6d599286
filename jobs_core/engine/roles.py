"""What a viewer, a client, a worker and an admin may do, as rules of an ACL.

Redis checks the commands inside a function against its caller. So a role permits these too, on the keys of
its board, and `caveats` says what that leaves open.
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
    *("JACK", "JAPPLY", "JCANCEL", "JDEAD", "JDEL", "JMSET", "JPAUSE", "JPUSH", "JRESUME", "JSET", "JSETNX"),
    *("JSTAGE", "JZONES"),
)
_WORKER_CALLS = ("JACK", "JAPPLY", "JBEAT", "JMACK", "JOUTPUT", "JPOP", "JREGISTER", "JTICK", "JZONES")

_READING = (DIRECT & READS) | {"CLUSTER|NODES", "SCRIPT|EXISTS"}
"""What Python runs beside the functions to read a board, or to examine its server."""

_HANDSHAKE = ("CLIENT|SETNAME", "PING", "SELECT")
"""What redis-py sends on a new connection, beside HELLO and AUTH, which Redis permits everybody."""

_SETINFO = ("CLIENT|SETINFO", (7, 2))
"""What it sends, too, where the server knows it: other servers refuse the name in an ACL."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a user of a board may do."""

    name: str
    summary: str
    own: frozenset[str]
    """The commands of Jobs that it is for; all roles may call those that only read."""
    own_direct: frozenset[str]
    """Those of Redis that go with them."""
    caveats: tuple[str, ...]

    @property
    def calls(self) -> frozenset[str]:
        return self.own | _reads()

    @property
    def only_reads(self) -> bool:
        return self.own <= _reads()

    @property
    def commands(self) -> frozenset[str]:
        """The commands of Redis that the role needs, without functions: HGET, SCRIPT|EXISTS."""
        return _READING.union(self.own_direct, *(inner_commands(name) for name in self.calls))

    @property
    def functions(self) -> frozenset[str]:
        """How it calls functions: FCALL|JSET, FCALL_RO|JGET."""
        return frozenset((*(call_of(name) for name in self.calls), "FCALL_RO|JVERSION"))

    def missing(self, denied: Collection[str]) -> frozenset[str]:
        """What the role needs, of what a user is denied."""
        return (self.commands | self.functions) & frozenset(denied)

    def refusal(self, denied: Collection[str], tag: str) -> str | None:
        """Say in one sentence what keeps a user from acting in this role, if anything does."""
        found = (refusal(name, denied, tag, self.name) for name in sorted(self.own))
        sentence = next(filter(None, found), None)
        missing = self.own_direct & frozenset(denied)
        if sentence or not missing:
            return sentence
        return (
            f"This user may not run {in_words(missing)} on {tag}:*, which the role {self.name} needs: "
            f"`jobs acl {self.name}` prints what to permit"
        )


def _reads() -> frozenset[str]:
    return frozenset(name for name, command in build.commands().items() if command.only_reads)


_EVERYONE = (
    "Redis checks each command inside a function against its caller, so this user may also run these read "
    "commands directly: it can read payloads and what tasks print, raw",
    "INFO, CLUSTER NODES and SCRIPT EXISTS tell about the whole server, not about the board alone",
)
_WRITERS = (
    "it may also run the write commands directly on the board's keys: it can write raw records, past every "
    "check and the ledger",
)


@cache
def role(name: str) -> Role:
    """A role by its name, of ROLE_NAMES."""
    return {found.name: found for found in _roles()}[name]


def _roles() -> Iterator[Role]:
    yield Role("viewer", "reads jobs, tasks and history", _reads(), frozenset(), _EVERYONE)
    yield Role(
        "client",
        "puts, pushes, pauses, cancels, and reads",
        frozenset(_CLIENT_CALLS),
        frozenset(),
        (*_EVERYONE, *_WRITERS, "JACK takes any token: it can report on a task that a worker holds"),
    )
    yield Role(
        "worker",
        "takes, runs and reports tasks, and ticks",
        frozenset(_WORKER_CALLS),
        frozenset(("BLPOP", "RPUSH")),
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
    """The role with the fewest permissions that may call a command."""
    return next(each for each in ROLE_NAMES if name in role(each).calls)


def roles_of(denied: Collection[str]) -> list[str]:
    """The roles that a user may act in, who is denied this."""
    return [name for name in ROLE_NAMES if not role(name).missing(denied)]


def as_version(text: str) -> tuple[int, int]:
    """Read a server's version: 7.0, or 7.2.4 as `INFO server` has it in redis_version."""
    found = re.match(r"(\d+)\.(\d+)", text)
    if found is None:
        raise OptionError(
            f"server-version: expected a version such as 7.0, got {text!r}", option="server-version"
        )
    version = int(found[1]), int(found[2])
    if version < (7, 0):
        raise OptionError(
            f"server-version: Jobs needs Redis 7.0 or later, or Valkey, got {text}", option="server-version"
        )
    return version


def acl_rules(found: Role, board: str, version: tuple[int, int]) -> list[str]:
    """The rules of a role on one board, for a server of this version: what follows ACL SETUSER and a name."""
    keys = "%R~" if found.only_reads else "~"
    tag = _escaped(f"{{{board}}}")
    handshake = {*_HANDSHAKE, *([_SETINFO[0]] if version >= _SETINFO[1] else [])}
    names = sorted(found.commands | handshake) + sorted(found.functions)
    commands = (f"+{name.lower()}" for name in names)
    return ["reset", "on", PLACEHOLDER, f"{keys}{tag}", f"{keys}{tag}:*", *commands]


def acl_line(user: str, rules: Collection[str]) -> str:
    """A whole ACL SETUSER, quoted as redis-cli reads it."""
    return " ".join(("ACL SETUSER", *(_quoted(word) for word in (user, *rules))))


def _escaped(text: str) -> str:
    """A pattern of keys that matches just this text."""
    return re.sub(r"([\\*?\[\]])", r"\\\1", text)


def _quoted(word: str) -> str:
    if not re.search(r"""["'\\]""", word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
