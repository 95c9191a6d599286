"""Write calls to a redis-py connection, and read their replies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis import exceptions as rx

from jobs_core.engine.loader import read_reply
from jobs_core.text import as_bytes


def pack(connection: Any, calls: Sequence[Sequence[Any]]) -> Any:
    """Encode calls for Redis. Text that was read with surrogateescape becomes the original bytes."""
    try:
        return connection.pack_commands(calls)
    except (UnicodeEncodeError, rx.DataError):
        written = [[as_bytes(part) if isinstance(part, str) else part for part in call] for call in calls]
        return connection.pack_commands(written)


def read_replies(connection: Any, calls: Sequence[Any]) -> list[Any]:
    """Read the replies to calls that were sent, in order. A rejected call returns its exception."""
    return [read_reply(connection) for _ in calls]


def unknown_places(replies: Sequence[Any]) -> list[int]:
    """Return the indexes of replies to functions that Redis does not have."""
    return [place for place, reply in enumerate(replies) if is_unknown(reply)]


def is_unknown(reply: Any) -> bool:
    """Return whether a reply says that Redis does not have the function."""
    return isinstance(reply, rx.ResponseError) and "Function not found" in str(reply)
