"""Cursors of lists that are sorted as a whole: how many items come before the page.

A list that has become too large for that goes on in the order of Redis, with the cursors of Board, and the
other way round. The cursor of a page from before then leads to the first page.
"""

from __future__ import annotations

import re
from collections.abc import Callable


def offset_of(cursor: str | None) -> int | None:
    """Return how many items come before a page; None if the cursor is none of a sorted list.

    >>> offset_of("50"), offset_of("WyJh"), offset_of(None)
    (50, None, None)
    """
    return int(cursor) if cursor is not None and re.fullmatch(r"[0-9]{1,7}", cursor) else None


def offset_in_sorted(cursor: str | None, check: Callable[[str], object]) -> int:
    """Return how many items come before a page of a sorted list.

    Args:
        cursor: The cursor. None is the first page.
        check: Reads a page of the list in the order of Redis, and so rejects cursors that it never had.
    """
    offset = offset_of(cursor)
    if offset is None and cursor is not None:
        check(cursor)
    return offset or 0
