"""The Lua commands: read, include, load into Redis, call; and turn what Redis says into our errors."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any

import redis
from redis import exceptions as rx

from jobs_core import errors
from jobs_core.keys import Keys
from jobs_core.text import writable

Call = tuple[str, Sequence[Any]]
"""A command's name and its arguments after the board."""

VERSION = "3"
"""The version of the data layout and of the commands."""

_INCLUDE = re.compile(r'^--- @include "(\w+)"$', re.MULTILINE)
_CODES: dict[str, type[errors.JobsError]] = {
    "OPTION": errors.OptionError,
    "PAYLOAD": errors.PayloadError,
    "NOTFOUND": errors.NotFoundError,
    "EXISTS": errors.ExistsError,
    "STALE": errors.StaleError,
    "AGAIN": errors.AgainError,
    "FAULT": errors.FaultError,
}


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its name (`JSET`), flags, own body, included fragments in order, and whole script."""

    name: str
    flags: str
    body: str
    includes: tuple[str, ...]
    script: str
    sha: str


def _read(path: str) -> str:
    return resources.files("jobs_core").joinpath("lua", path).read_text("utf-8")


def _collect(text: str, found: dict[str, str]) -> None:
    """Add the fragments that `text` includes, each once and after what it includes itself."""
    for name in _INCLUDE.findall(text):
        if name not in found:
            _collect(_read(f"include/{name}.lua"), found)
            found[name] = _fragment(name)


@cache
def commands() -> dict[str, Command]:
    """All commands by name, as they go to Redis."""
    names = sorted(
        entry.name.removesuffix(".lua")
        for entry in resources.files("jobs_core").joinpath("lua").iterdir()
        if entry.name.endswith(".lua")
    )
    return {name.upper(): _build(name) for name in names}


def _build(name: str) -> Command:
    shebang, _, text = _read(f"{name}.lua").partition("\n")
    found: dict[str, str] = {}
    _collect(text, found)
    body = _INCLUDE.sub("", text).strip()
    script = "\n".join((shebang, *found.values(), body)) + "\n"
    sha = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
    flags = shebang.partition("flags=")[2]
    return Command(name.upper(), flags, body, tuple(found), script, sha)


def functions_library() -> str:
    """The commands as one library for FUNCTION LOAD: `FCALL JSET 1 {jobs} …`.

    Fragments that several commands share come first. What one alone uses is within it, since a chunk of Lua
    may have 200 local names.
    """
    users = Counter(name for command in commands().values() for name in command.includes)
    shared = [name for name in _all_fragments() if users[name] > 1]
    parts = ["#!lua name=jobs", *map(_fragment, shared)]
    for command in commands().values():
        own = "\n".join(_fragment(name) for name in command.includes if users[name] == 1)
        flags = ", ".join(f"'{flag}'" for flag in command.flags.split(",") if flag)
        parts.append(
            f"redis.register_function{{ function_name = '{command.name}', flags = {{ {flags} }},\n"
            f"callback = function(KEYS, ARGV)\n{own}\n{command.body}\nend }}"
        )
    return "\n".join(parts) + "\n"


def _all_fragments() -> list[str]:
    """Every fragment once, after what it includes."""
    return list(dict.fromkeys(name for command in commands().values() for name in command.includes))


def _fragment(name: str) -> str:
    return _INCLUDE.sub("", _read(f"include/{name}.lua")).strip()


class Commands:
    """Calls the commands of one board over a redis-py client. Thread-safe.

    Scripts that Redis has lost (SCRIPT FLUSH, a restart, a fail-over) are loaded again without the caller
    noticing. Commands are not repeated when the connection breaks: Redis may have run them.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self.client = client
        self.keys = keys
        self._published = False

    def call(self, name: str, *args: Any) -> Any:
        """Call one command and return its reply. Raises what `jobs_core.errors` draws.

        While a board file is being put in place, that is done first.
        """
        while True:
            (reply,) = self.batch([(name, args)])
            if not isinstance(reply, errors.JobsError):
                return reply
            if not isinstance(reply, errors.AgainError):
                raise reply
            self.settle()

    def settle(self) -> None:
        """Put the rest of a board file in place that was committed, if there is one."""
        while self.call("JAPPLY", "roll"):
            pass

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Call several commands in one round trip. A refused one gives its error in place of a reply.

        That may be an AgainError, as long as a board file is being put in place: see `settle`.
        """
        with self._connection() as connection:
            self._publish_once(connection)
            self._send(connection, calls)
            return self._finish(connection, calls, _read_replies(connection, calls))

    def stream(self, calls: Iterable[Call], size: int = 500) -> Iterator[Any]:
        """Call any number of commands, and yield their replies in order, as `batch` gives them.

        Redis works on one batch while the next is being written.
        """
        with self._connection() as connection:
            self._publish_once(connection)
            waiting: Sequence[Call] = ()
            remaining = iter(calls)
            while chunk := list(islice(remaining, size)):
                self._send(connection, chunk)
                replies = _read_replies(connection, waiting)
                if _lost(replies):
                    # Nothing may be under way on the connection while scripts are loaded over it.
                    replies += _read_replies(connection, chunk)
                    yield from self._finish(connection, [*waiting, *chunk], replies)
                    waiting = ()
                else:
                    yield from self._finish(connection, waiting, replies)
                    waiting = chunk
            yield from self._finish(connection, waiting, _read_replies(connection, waiting))

    def load(self) -> dict[str, str]:
        """Load the scripts and write the board's `commands` hash. Returns name → SHA."""
        with self._connection() as connection:
            return self._load(connection)

    def publish(self) -> None:
        """See to it that the board's `commands` hash is there."""
        with self._connection() as connection:
            self._publish_once(connection)

    def load_functions(self) -> None:
        """Load the commands as a Redis Functions library named `jobs`."""
        with self._connection() as connection:
            connection.send_command("FUNCTION", "LOAD", "REPLACE", functions_library())
            connection.read_response()

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """Lend a pooled connection; drop it when something is left unread on it."""
        pool = self.client.connection_pool
        with translated():
            connection = pool.get_connection()
            try:
                yield connection
            except BaseException:
                connection.disconnect()  # type: ignore[no-untyped-call]
                raise
            finally:
                pool.release(connection)

    def _send(self, connection: Any, calls: Sequence[Call]) -> None:
        if calls:
            packed = [("EVALSHA", commands()[name].sha, 1, self.keys.tag, *args) for name, args in calls]
            connection.send_packed_command(_pack(connection, packed))

    def _finish(self, connection: Any, calls: Sequence[Call], replies: list[Any]) -> list[Any]:
        """Call again what Redis had no script for, and make its refusals our errors."""
        lost = _lost(replies)
        if lost:
            self._load(connection)
            again = [calls[i] for i in lost]
            self._send(connection, again)
            for i, reply in zip(lost, _read_replies(connection, again), strict=True):
                replies[i] = reply
        return [_with_our_errors(reply) for reply in replies]

    def _load(self, connection: Any) -> dict[str, str]:
        shas = {command.name: command.sha for command in commands().values()}
        packed = [("SCRIPT", "LOAD", command.script) for command in commands().values()]
        connection.send_packed_command(connection.pack_commands(packed))
        for reply in _read_replies(connection, packed):
            if isinstance(reply, Exception):
                raise reply
        if self._found_version(connection) <= int(VERSION):
            flat = [text for pair in shas.items() for text in pair]
            connection.send_command("HSET", self.keys.commands, *flat, "version", VERSION)
            connection.read_response()
        return shas

    def _publish_once(self, connection: Any) -> None:
        """Write the board's `commands` hash unless it is there, from this version or a newer one."""
        if not self._published and self._found_version(connection) < int(VERSION):
            self._load(connection)
        self._published = True

    def _found_version(self, connection: Any) -> int:
        connection.send_command("HGET", self.keys.commands, "version")
        return int(connection.read_response() or 0)


def _read_reply(connection: Any) -> Any:
    """Read one reply; an error that Redis answered is returned, a broken connection is raised."""
    try:
        return connection.read_response()
    except rx.ResponseError as error:
        return error


def _with_our_errors(reply: Any) -> Any:
    """A reply, or one of several in it, that is a refusal becomes one of our errors."""
    if isinstance(reply, rx.ResponseError):
        return _as_ours(reply)
    if isinstance(reply, list) and any(isinstance(part, rx.ResponseError) for part in reply):
        return [_with_our_errors(part) for part in reply]
    return reply


def _pack(connection: Any, calls: Sequence[Sequence[Any]]) -> Any:
    """Write calls as Redis reads them. Text that was not UTF-8 when it came goes back as the bytes it was."""
    try:
        return connection.pack_commands(calls)
    except (UnicodeEncodeError, rx.DataError):
        as_bytes = [
            [
                writable(part).encode("utf-8", "surrogateescape") if isinstance(part, str) else part
                for part in call
            ]
            for call in calls
        ]
        return connection.pack_commands(as_bytes)


def _read_replies(connection: Any, calls: Sequence[Any]) -> list[Any]:
    return [_read_reply(connection) for _ in calls]


def _lost(replies: Sequence[Any]) -> list[int]:
    """The places of replies to scripts that Redis does not have."""
    return [place for place, reply in enumerate(replies) if isinstance(reply, rx.NoScriptError)]


def _as_ours(error: rx.ResponseError) -> errors.JobsError:
    """Turn an error that Redis answered into one of ours."""
    text = str(error)
    if text.startswith("JOBS "):
        _, code, sentence = text.split(" ", 2)
        return _CODES.get(code, errors.FaultError)(sentence)
    return errors.ServerError(_explain(error) or f"Redis refused the command: {text}")


_FULL = "Redis is full: raise its maxmemory or remove something, then try again"
_LOADING = "Redis is still loading its data: try again in a moment"
_LOGIN = "Redis wants another user name or password: put them in the URL, redis://user:password@host"
_OLD = "this Redis is too old: Jobs needs Redis 7.0 or later, or Valkey"
_REPLICA = "Redis is a read-only replica: connect to the primary"
_DISK = "Redis cannot write to its disk and refuses changes: make room there, or see its log"

_SAYINGS = {
    "OOM": _FULL,
    "maxmemory": _FULL,
    "READONLY": _REPLICA,
    "read only replica": _REPLICA,
    "MISCONF": _DISK,
    "NOAUTH": _LOGIN,
    "WRONGPASS": _LOGIN,
    "no permissions": "Redis does not permit this user what Jobs does: see its ACL",
    "BUSY": "Redis is busy with a long script: try again in a moment",
    "Error compiling script": _OLD,
    "unknown command": _OLD,
}
"""What Redis says when it refuses a command, and what that means to people."""

_KINDS: dict[type[Exception], str] = {
    rx.OutOfMemoryError: _FULL,
    rx.ReadOnlyError: _REPLICA,
    rx.BusyLoadingError: _LOADING,
    rx.AuthenticationError: _LOGIN,
}


def _explain(error: Exception) -> str | None:
    """Say in one sentence what state of the server an error tells of, if it is a known one."""
    for kind, sentence in _KINDS.items():
        if isinstance(error, kind) or isinstance(error.__cause__, kind):  # which redis.asyncio wraps
            return sentence
    return next((sentence for saying, sentence in _SAYINGS.items() if saying in str(error)), None)


@contextmanager
def translated() -> Iterator[None]:
    """Raise redis-py's errors as ours: one sentence, with no traceback of the network."""
    try:
        yield
    except rx.ResponseError as error:
        raise _as_ours(error) from error
    except rx.DataError as error:  # None where text belongs, for instance
        raise errors.OptionError(f"an argument is neither text nor a number: {error}") from None
    except (rx.ConnectionError, rx.TimeoutError, OSError) as error:
        raise errors.ServerError(
            _explain(error)
            or f"cannot reach Redis ({error}): start one with `jobs up`, or name another with --url"
        ) from error
    except rx.InvalidResponse as error:
        raise errors.ServerError("what answers there is no Redis: see the URL") from error
