"""Bring the engine to Redis: the library of functions, and the scripts of the board's `commands` hash.

A client asks for the library's version before its first call. A library that is missing or older is replaced;
a newer one never is, since its functions answer the calls of the version before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis import exceptions as rx

from jobs_core.engine import build
from jobs_core.engine.redis_errors import is_denial, is_read_only
from jobs_core.errors import DeniedError
from jobs_core.keys import Keys

VERSION = "4"
"""The version of the board's layout: `{board}:commands` has it beside the SHAs."""

MAY_NOT_LOAD = (
    "Redis has not the functions of this version of Jobs, and this user may not load them: "
    "run `jobs init` as a user who may"
)

REPLICA_LACKS = (
    "Redis is a read-only replica, and has not the functions of this version of Jobs: "
    "run `jobs init` on its primary"
)


def prepare(connection: Any, keys: Keys) -> bool:
    """See to it that Redis has this library or a newer one, and the board its `commands` hash.

    Returns whether nothing had to be loaded. What this user may not do is left to those who may: a call then
    says what is missing.
    """
    version, published = _exchange(
        connection, ("FCALL_RO", "JVERSION", 0), ("HGET", keys.commands, "version")
    )
    is_current = _is_current(version)
    if not is_current:
        load_library(connection)
    if _is_older(published) and _may_publish(connection, keys):
        _try_to_publish(connection, keys)
    return is_current


def load_library(connection: Any) -> None:
    """Load the library in place of one that is missing or older. Raises DeniedError for a user who may not.

    FUNCTION LOAD replaces whatever is there, so two versions of Jobs that load at the same moment may leave
    the older one: each reads the version again, and the newer one restores its own.
    """
    for _ in range(3):
        (reply,) = _exchange(connection, ("FUNCTION", "LOAD", "REPLACE", build.library()))
        if isinstance(reply, Exception):
            if is_denial(reply) or is_read_only(reply):
                raise DeniedError(MAY_NOT_LOAD if is_denial(reply) else REPLICA_LACKS) from reply
            raise reply
        (version,) = _exchange(connection, ("FCALL_RO", "JVERSION", 0))
        if _is_current(version):
            return


def publish(connection: Any, keys: Keys) -> dict[str, str]:
    """Load the scripts, and write the `commands` hash unless a newer version has. Returns name → SHA."""
    shas = {command.name: command.sha for command in build.commands().values()}
    loads = [("SCRIPT", "LOAD", command.script) for command in build.commands().values()]
    *loaded, published = _exchange(connection, *loads, ("HGET", keys.commands, "version"))
    refused = next((reply for reply in (*loaded, published) if isinstance(reply, Exception)), None)
    if refused is not None:
        raise refused
    if published is None or int(published) <= int(VERSION):
        flat = [text for pair in shas.items() for text in pair]
        (reply,) = _exchange(connection, ("HSET", keys.commands, *flat, "version", VERSION))
        if isinstance(reply, Exception):
            raise reply
    return shas


def _may_publish(connection: Any, keys: Keys) -> bool:
    """Whether this user may, so that trying leaves no line in the ACL LOG of those who may only read."""
    (denied,) = _exchange(connection, ("FCALL_RO", "JPERMIT", 1, keys.tag, "SCRIPT|LOAD", "HSET"))
    return denied == [] or (isinstance(denied, Exception) and not is_denial(denied))


def _try_to_publish(connection: Any, keys: Keys) -> None:
    """Publish, unless this user may not, or nobody may on this server: functions need no hash."""
    try:
        publish(connection, keys)
    except (rx.NoPermissionError, rx.ReadOnlyError, rx.OutOfMemoryError, rx.ResponseError):
        return


def _is_current(version: Any) -> bool:
    """Whether a reply to JVERSION is of this library or a newer one, or of a user who may not ask."""
    if isinstance(version, rx.NoPermissionError):
        return True
    if isinstance(version, Exception):
        return False
    number, digest = version
    if number == build.LIBRARY_VERSION:
        return bool(f"'{digest}'" in build.library())
    return bool(number > build.LIBRARY_VERSION)


def _is_older(published: Any) -> bool:
    return not isinstance(published, Exception) and int(published or 0) < int(VERSION)


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
