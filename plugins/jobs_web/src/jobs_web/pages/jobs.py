"""The jobs of a board: search, filters and bulk actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from jobs_core import Board
from jobs_core.plugin_ui import JOB_STATES
from jobs_web.filters import JOB_SWITCHES, filter_text, job_filters
from jobs_web.site import Page, View

ROWS = 50
"""Jobs on a page."""

MARKS = 20
"""Runs in the strip of a job."""

SORTS = {"next": "by next run", "id": "by id", "any": "in any order"}
"""The orders to choose from. Any order is that of Redis: a page costs the same on a board of any size."""

SORTED = 10_000
"""Jobs up to which a board is sorted as asked, and how deep a larger one is sorted by next run."""

LARGE = "A large board is listed in any order, unless all of its jobs are shown by next run."


@dataclass(frozen=True)
class Rows:
    """Jobs on a page, the cursor of the next page, their order, and a note about it."""

    jobs: Sequence[Mapping[str, Any]]
    next: str | None
    sort: str
    note: str = ""


def jobs(view: View) -> Page:
    """List jobs that match the fields of the query: text, label, runner, state and switches."""
    query = view.query
    rows = find_rows(view.board, job_filters(query), query.get("sort") or "next", query.get("cursor") or None)
    return Page(
        "jobs.html",
        {
            "rows": rows,
            "runs": view.board.last_runs(*(job["id"] for job in rows.jobs), limit=MARKS),
            "filtered": filter_text(query),
            "filter": urlencode({name: value for name, value in query.items() if name != "cursor"}),
            "switches": JOB_SWITCHES,
            "states": JOB_STATES,
            "sorts": SORTS,
        },
    )


def find_rows(board: Board, filters: Mapping[str, Any], sort: str, cursor: str | None) -> Rows:
    """Return a page of jobs, in an order if the board is small enough for it.

    The cursor of a sorted list is how many jobs come before the page.
    """
    is_large = board.count()["jobs"] > SORTED
    if sort not in ("next", "id") or (is_large and (sort == "id" or filters)):
        page = board.job_page(None if _offset(cursor) else cursor, ROWS, summary=True, **filters)
        note = (
            "Large boards are listed in any order, unless all jobs are shown by next run." if is_large else ""
        )
        return Rows(page.jobs, page.next, "any", note)
    first = _offset(cursor) or 0
    ids = list(islice(board.find(sort=sort, **filters), first, first + ROWS + 1))
    last, has_more = first + ROWS, len(ids) > ROWS
    is_end = is_large and last >= SORTED and has_more
    note = f"These are the first {SORTED:,} by next run. In any order, all are listed." if is_end else ""
    return Rows(
        board.show_many(*ids[:ROWS], summary=True), str(last) if has_more and not is_end else None, sort, note
    )


def _offset(cursor: str | None) -> int | None:
    """Return the cursor of a sorted list. None if it is another."""
    is_number = cursor is not None and cursor.isascii() and cursor.isdecimal() and len(cursor) < 8
    return int(cursor or 0) if is_number else None
