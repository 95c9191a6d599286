"""Pages of lists, for people who page through them: what a page is, and its cursors."""

from __future__ import annotations

import json
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs_core.errors import OptionError

LARGEST = 500
"""Items of a page at most."""


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some of the jobs of a board.

    Args:
        jobs: The jobs, as `show` returns them.
        next: The cursor of the next page; None on the last one.
    """

    jobs: Sequence[dict[str, Any]]
    next: str | None


@dataclass(frozen=True, slots=True)
class ListPage:
    """Some tasks, entries of the history, changes, or lines of output.

    Args:
        items: What the method yields that reads all of them.
        next: The cursor of the next page; None on the last one.
    """

    items: Sequence[Any]
    next: str | None


def check_limit(limit: int) -> int:
    """Return how many items to read. Raises OptionError if that is no number from 1 to 500."""
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LARGEST:
        raise OptionError(
            f"limit: expected a whole number from 1 to {LARGEST}, got {limit!r}", option="limit"
        )
    return limit


def format_cursor(of: str, *parts: Any) -> str:
    """Make a cursor that fits into a URL.

    Args:
        of: What the list has, such as `tasks`: no other list takes the cursor.
        parts: Where the next page begins.
    """
    text = json.dumps(parts, separators=(",", ":")).encode()
    return _encoded(_checksum(of, text) + text)


def read_cursor(of: str, cursor: str, *types: Any) -> tuple[Any, ...]:
    """Return the parts of a cursor. Raises OptionError if it is damaged, or belongs to another list."""
    try:
        data = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        checksum, text = data[:4], data[4:]
        if checksum == _checksum(of, text) and cursor == _encoded(data):
            parts = json.loads(text)
            is_list = isinstance(parts, list) and len(parts) == len(types)
            if is_list and all(map(isinstance, parts, types)):
                return tuple(parts)
    except (AttributeError, ValueError, RecursionError):
        pass
    raise wrong_cursor()


def wrong_cursor() -> OptionError:
    """Return the error for a cursor that no page had."""
    return OptionError("cursor: expected the `next` of a page with the same filters", option="cursor")


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _checksum(of: str, text: bytes) -> bytes:
    """Return what tells that a cursor was not damaged on its way. It keeps no secret."""
    return zlib.crc32(of.encode() + text).to_bytes(4)


def is_entry_id(id: str) -> bool:
    """Return whether a text may be the id of an entry of a stream."""
    return re.fullmatch(r"\d{1,19}-\d{1,19}", id, re.ASCII) is not None
