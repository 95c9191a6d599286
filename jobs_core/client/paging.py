"""A page of jobs, for `job_page` of both clients."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs_core.client.listing import Pace, calls_to_read, chosen, find_options
from jobs_core.engine.commands import Call
from jobs_core.errors import OptionError

LARGEST = 500
"""Jobs of a page at most."""

SEARCHES = 10
"""JFINDs for one page at most: a search that matches few of a million jobs continues with the next page."""


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some of the jobs of a board.

    Args:
        jobs: The jobs, as `show` returns them.
        next: The cursor of the next page; None on the last one.
    """

    jobs: Sequence[dict[str, Any]]
    next: str | None


Paging = Generator[Call, Any, JobPage]
"""A generator that yields commands, is sent their replies, and returns a page."""


def plan_page(
    cursor: str | None, limit: int, state: str | None, summary: bool, filters: Mapping[str, Any]
) -> Paging:
    """Return the plan for a page. Raises OptionError if an argument is invalid."""
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LARGEST:
        raise OptionError(
            f"limit: expected a whole number from 1 to {LARGEST}, got {limit!r}", option="limit"
        )
    return _read_page(_read_cursor(cursor), limit, state, summary, find_options(state, None, filters))


def _read_page(start: _Start, limit: int, state: str | None, summary: bool, options: list[str]) -> Paging:
    at, ids = start
    for _ in range(SEARCHES):
        if at is None or len(ids) >= limit:
            break
        at, found = yield ("JFIND", [at, *options, "count", limit - len(ids)])
        at, ids = None if at == "0" else at, list(dict.fromkeys([*ids, *found]))
    ids, rest = ids[:limit], ids[limit:]
    jobs: list[dict[str, Any]] = []
    pace = Pace()
    for some in pace.chunks(ids):
        replies = []
        for call in calls_to_read(some, summary):
            replies.append((yield call))
        pace.note(replies[0])
        jobs += chosen(replies[0], state, *replies[1:])
    return JobPage(jobs, _format_cursor(at, rest))


_Start = tuple[str | None, list[str]]
"""Where a page begins: the cursor of JFIND, or None after its end; and ids that it found already.

JFIND finds a few jobs more than asked for. The cursor has their ids, since Redis scans a hash in steps
that cannot be cut: what a second look at the same step yields may differ.
"""


def _format_cursor(at: str | None, rest: list[str]) -> str | None:
    if at is None and not rest:
        return None
    return urlsafe_b64encode(json.dumps([at, rest], separators=(",", ":")).encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None) -> _Start:
    if cursor is None:
        return "0", []
    try:
        at, rest = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        is_valid = isinstance(at, str | None) and isinstance(rest, list) and len(rest) <= 10 * LARGEST
        if is_valid and all(isinstance(id, str) for id in rest):
            return at, rest
    except (AttributeError, TypeError, ValueError, RecursionError):
        pass
    raise OptionError("cursor: expected the `next` of a page with the same filters", option="cursor")
