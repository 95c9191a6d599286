"""Write calls to a connection of redis-py, and read their replies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis import exceptions as rx

from jobs_core.engine.loader import read_reply
from jobs_core.text import as_bytes


def pack(connection: Any, calls: Sequence[Sequence[Any]]) -> Any:
    """Write calls as Redis reads them. Text that was not UTF-8 when it came goes back as the bytes it was."""
    try:
        return connection.pack_commands(calls)
    except (UnicodeEncodeError, rx.DataError):
        written = [[as_bytes(part) if isinstance(part, str) else part for part in call] for call in calls]
        return connection.pack_commands(written)


def read_replies(connection: Any, calls: Sequence[Any]) -> list[Any]:
    """Read the replies to calls that were sent, in order; what Redis refuses is an exception among them."""
    return [read_reply(connection) for _ in calls]


def unknown_places(replies: Sequence[Any]) -> list[int]:
    """The places of replies to functions that Redis does not have."""
    return [place for place, reply in enumerate(replies) if is_unknown(reply)]


def is_unknown(reply: Any) -> bool:
    """Whether Redis has no function of that name."""
    return isinstance(reply, rx.ResponseError) and "Function not found" in str(reply)
