"""Bring the engine to Redis: the library of functions, and the scripts of the board's `commands` hash.

A client asks for the library's version before its first call, and again now and then. A library that is
missing or older is replaced; a newer one never is: its functions answer the calls of the version before.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis import exceptions as rx

from jobs_core.engine import build
from jobs_core.engine.keys import Keys
from jobs_core.engine.redis_errors import is_denial, is_read_only
from jobs_core.errors import DeniedError

VERSION = "5"
"""The version of the board's layout, as `{board}:layout` has it."""

MAY_NOT_LOAD = (
    "Redis does not have the functions of this version of Jobs, and this user may not load them: "
    "run `jobs init` as a user who may"
)

REPLICA_LACKS = (
    "Redis is a read-only replica, and does not have the functions of this version of Jobs: "
    "run `jobs init` on its primary"
)
_TRIES = 3
_ASK = ("FCALL_RO", "JVERSION", 0)


def prepare(connection: Any, keys: Keys) -> bool:
    """See to it that Redis has this library or a newer one, and the board its `commands` hash.

    Returns whether the library was there. Where this user may not publish scripts, that is left to those who
    may: functions do without.
    """
    known, published, mark, old = _exchange(
        connection,
        ("SCRIPT", "EXISTS", build.commands()["JSET"].sha),
        ("HGET", keys.commands, "version"),
        ("GET", keys.layout),
        ("EXISTS", keys.job, keys.stats),
    )
    was_there = restore(connection)
    # A board of another layout is left as it is.
    is_ours = mark == VERSION or (mark is None and old == 0)
    if is_ours and _lacks_scripts(known, published) and _may_publish(connection, keys):
        _try_to_publish(connection, keys)
    return was_there


def restore(connection: Any) -> bool:
    """Load the library, unless this one or a newer one is there. Returns whether it was.

    Raises DeniedError for a user who may not load it.
    """
    (version,) = _exchange(connection, _ASK)
    if _is_current(version):
        return True
    _load(connection)
    return False


def replace_older(connection: Any) -> bool:
    """Load the library in place of an older one. Returns whether there was none.

    Another build of the same version may stay, so that two of them do not replace each other forever.
    """
    (version,) = _exchange(connection, _ASK)
    if not _is_older(version):
        return True
    _load(connection)
    return False


def _load(connection: Any) -> None:
    """Load the library in place of whatever is there. Raises DeniedError for a user who may not.

    FUNCTION LOAD cannot compare: two versions of Jobs that load at the same moment may leave the older one.
    So each reads the version again, now and with its next call, and the newer one restores its own.
    """
    for _ in range(_TRIES):
        loaded, version = _exchange(connection, ("FUNCTION", "LOAD", "REPLACE", build.library()), _ASK)
        if isinstance(loaded, rx.ResponseError) and is_read_only(loaded):
            raise DeniedError(REPLICA_LACKS) from loaded
        if isinstance(loaded, rx.NoPermissionError):
            raise DeniedError(MAY_NOT_LOAD) from loaded
        if isinstance(loaded, Exception):
            raise loaded
        if not _is_older(version):
            return


def publish(connection: Any, keys: Keys) -> dict[str, str]:
    """Load the scripts, and write the `commands` hash unless a newer version has. Returns name → SHA."""
    shas = {command.name: command.sha for command in build.commands().values()}
    loads = [("SCRIPT", "LOAD", command.script) for command in build.commands().values()]
    *loaded, published = _exchange(connection, *loads, ("HGET", keys.commands, "version"))
    refused = next((reply for reply in (*loaded, published) if isinstance(reply, Exception)), None)
    if refused is not None:
        raise refused
    if _number(published) <= build.LIBRARY_VERSION:
        flat = [text for pair in shas.items() for text in pair]
        (reply,) = _exchange(connection, ("HSET", keys.commands, *flat, "version", build.LIBRARY_VERSION))
        if isinstance(reply, Exception):
            raise reply
    return shas


def _may_publish(connection: Any, keys: Keys) -> bool:
    """Whether this user may, so that trying leaves no line in the ACL LOG of those who may only read."""
    (denied,) = _exchange(connection, ("FCALL_RO", "JPERMIT", 1, keys.tag, "SCRIPT|LOAD", "HSET"))
    return denied == [] or (isinstance(denied, Exception) and not is_denial(denied))


def _try_to_publish(connection: Any, keys: Keys) -> None:
    """Publish, unless this user may not, or nobody may on this server: functions need no hash."""
    with suppress(rx.ResponseError):
        publish(connection, keys)


def _is_current(version: Any) -> bool:
    """Whether a reply to JVERSION is of this library or a newer one, or of a user who may not ask."""
    if _is_older(version):
        return False
    if isinstance(version, Exception):
        return True
    number, digest = version
    return bool(number > build.LIBRARY_VERSION or f"'{digest}'" in build.library())


def _is_older(version: Any) -> bool:
    """Whether a reply to JVERSION is of an older library, or of none."""
    if isinstance(version, Exception):
        return not isinstance(version, rx.NoPermissionError)
    return bool(version[0] < build.LIBRARY_VERSION)


def _number(published: Any) -> int:
    """The version that the board's hash names; 0 for what is none, so that it is written again."""
    return int(published) if str(published).isdecimal() else 0


def _lacks_scripts(known: Any, published: Any) -> bool:
    """Whether the board's hash is older, or of this version while Redis has lost its scripts."""
    if isinstance(known, Exception) or isinstance(published, Exception):
        return False
    version = _number(published)
    return version < build.LIBRARY_VERSION or (version == build.LIBRARY_VERSION and not known[0])


def _exchange(connection: Any, *calls: Sequence[Any]) -> list[Any]:
    """Send some commands at once, and read their replies; what Redis refuses is an exception among them."""
    connection.send_packed_command(connection.pack_commands(calls))
    return [read_reply(connection) for _ in calls]


def read_reply(connection: Any) -> Any:
    """Read one reply; an error that Redis answered is returned, a broken connection is raised."""
    try:
        return connection.read_response()
    except rx.ResponseError as error:
        return error
