"""Load the engine into Redis: the library of functions, and the scripts of the board's `commands` hash.

A client checks the library's version before its first call, and again every few seconds. It replaces a
missing or older library, but never a newer one: newer functions also serve the calls of older clients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from redis import exceptions as rx

from jobs_core.engine import build
from jobs_core.engine.keys import Keys
from jobs_core.engine.redis_errors import is_denial, is_read_only
from jobs_core.errors import DeniedError

VERSION = "5"
"""The version of the board's layout, stored in `{board}:layout`."""

MAY_NOT_LOAD = (
    "Redis does not have the functions of this version of Jobs, and this user may not load them. "
    "Run `jobs init` as a user with the role admin."
)

REPLICA_LACKS = (
    "Redis is a read-only replica, and does not have the functions of this version of Jobs. "
    "Run `jobs init` on its primary."
)
_TRIES = 3
_MARKER = "JCOUNT"
"""Its script, which is quickly built, tells whether Redis has those of this version: all load together."""
VERSION_CALL = ("FCALL_RO", "JVERSION", 0)
"""Asks Redis for the version of the library."""


def prepare(connection: Any, keys: Keys) -> bool:
    """Load this library unless it or a newer one is there, and write the board's `commands` hash.

    A user who may not publish scripts skips the hash, because functions do not need it. Returns whether the
    library was there.
    """
    known, published, mark, old = exchange(
        connection,
        ("SCRIPT", "EXISTS", build.commands()[_MARKER].sha),
        ("HGET", keys.commands, "version"),
        ("GET", keys.layout),
        ("EXISTS", keys.job, keys.stats),
    )
    was_there = restore(connection)
    # Leave a board with another layout alone.
    is_ours = _is_readable(mark) or (mark is None and old == 0)
    if is_ours and _lacks_scripts(known, published) and _may_publish(connection, keys):
        _try_to_publish(connection, keys)
    return was_there


def _is_readable(mark: Any) -> bool:
    """Return whether a layout is that of this version, of a board or of one of its partitions."""
    return isinstance(mark, str) and (mark == VERSION or mark.startswith(f"{VERSION} "))


def restore(connection: Any) -> bool:
    """Load the library unless it or a newer one is there. Returns whether it was there.

    Raises DeniedError if the user may not load it.
    """
    (version,) = exchange(connection, VERSION_CALL)
    if _is_current(version):
        return True
    _load(connection)
    return False


def replace_older(connection: Any) -> bool:
    """Replace an older library. Returns False if there was one.

    Another build of the same version stays, so that two builds do not replace each other forever.
    """
    (version,) = exchange(connection, VERSION_CALL)
    if not _is_older(version):
        return True
    _load(connection)
    return False


def versions_lacking(replies: Mapping[str, Any]) -> list[str]:
    """Return the primaries that lack this library or a newer one, by their replies to JVERSION."""
    return [name for name, version in replies.items() if not _is_current(version)]


def _load(connection: Any) -> None:
    """Load the library, replacing any other. Raises DeniedError if the user may not load it.

    FUNCTION LOAD cannot compare versions: if two versions of Jobs load at once, the older one may remain. So
    each client reads the version again, now and with its next call, and the newer one loads its own again.
    """
    for _ in range(_TRIES):
        load = ("FUNCTION", "LOAD", "REPLACE", build.library())
        loaded, version = exchange(connection, load, VERSION_CALL)
        if isinstance(loaded, rx.ResponseError) and is_read_only(loaded):
            raise DeniedError(REPLICA_LACKS) from loaded
        if isinstance(loaded, rx.NoPermissionError):
            raise DeniedError(MAY_NOT_LOAD) from loaded
        if isinstance(loaded, Exception):
            raise loaded
        if not _is_older(version):
            return


def publish(connection: Any, keys: Keys) -> dict[str, str]:
    """Load the scripts that Redis lacks, and write the `commands` hash unless a newer version has written it.

    Returns the SHAs by command name.
    """
    shas = {command.name: command.sha for command in build.commands().values()}
    loads = [("SCRIPT", "LOAD", script) for script in _missing_scripts(connection)]
    *loaded, published = exchange(connection, *loads, ("HGET", keys.commands, "version"))
    refused = next((reply for reply in (*loaded, published) if isinstance(reply, Exception)), None)
    if refused is not None:
        raise refused
    if _number(published) <= build.LIBRARY_VERSION:
        flat = [text for pair in shas.items() for text in pair]
        (reply,) = exchange(connection, ("HSET", keys.commands, *flat, "version", build.LIBRARY_VERSION))
        if isinstance(reply, Exception):
            raise reply
    return shas


def _missing_scripts(connection: Any) -> list[str]:
    """Return the scripts that Redis lacks, or all if this user may not ask. All together have 3 MB."""
    commands = build.commands().values()
    (known,) = exchange(connection, ("SCRIPT", "EXISTS", *(command.sha for command in commands)))
    if isinstance(known, Exception):
        return [command.script for command in commands]
    return [command.script for command, is_known in zip(commands, known, strict=True) if not is_known]


def _may_publish(connection: Any, keys: Keys) -> bool:
    """Return whether this user may publish scripts. Asking first keeps read-only users out of the ACL LOG."""
    (denied,) = exchange(connection, ("FCALL_RO", "JPERMIT", 1, keys.tag, "SCRIPT|LOAD", "HSET"))
    return denied == [] or (isinstance(denied, Exception) and not is_denial(denied))


def _try_to_publish(connection: Any, keys: Keys) -> None:
    """Publish the scripts, and ignore a denial: functions do not need the hash."""
    with suppress(rx.ResponseError):
        publish(connection, keys)


def _is_current(version: Any) -> bool:
    """Return whether JVERSION found this library or a newer one, or the user may not ask."""
    if _is_older(version):
        return False
    if isinstance(version, Exception):
        return True
    number, digest = version
    return bool(number > build.LIBRARY_VERSION or f"'{digest}'" in build.library())


def _is_older(version: Any) -> bool:
    """Return whether JVERSION found an older library, or none."""
    if isinstance(version, Exception):
        return not isinstance(version, rx.NoPermissionError)
    return bool(version[0] < build.LIBRARY_VERSION)


def _number(published: Any) -> int:
    """Return the version in the board's hash, or 0 if it is missing or invalid."""
    return int(published) if str(published).isdecimal() else 0


def _lacks_scripts(known: Any, published: Any) -> bool:
    """Return whether the board's hash is older, or Redis has lost the scripts of this version."""
    if isinstance(known, Exception) or isinstance(published, Exception):
        return False
    version = _number(published)
    return version < build.LIBRARY_VERSION or (version == build.LIBRARY_VERSION and not known[0])


def exchange(connection: Any, *calls: Sequence[Any]) -> list[Any]:
    """Send commands in one round trip, and return their replies. A rejected command returns its exception."""
    connection.send_packed_command(connection.pack_commands(calls))
    return [read_reply(connection) for _ in calls]


def read_reply(connection: Any) -> Any:
    """Read one reply. Returns an error that Redis sent, and raises an error of the connection."""
    try:
        return connection.read_response()
    except rx.ResponseError as error:
        return error
