"""The jobs of a board: search, filters and bulk actions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast
from urllib.parse import urlencode

from jobs_core import Board
from jobs_core.plugin_ui import JOB_STATES, JobSort
from jobs_web.filters import JOB_SWITCHES, filter_text, job_filters
from jobs_web.offsets import offset_in_sorted, offset_of
from jobs_web.site import Page, View

ROWS = 50
"""Jobs on a page."""

MARKS = 20
"""Runs in the strip of a job."""

SORTS = {"next": "by next run", "id": "by id", "any": "in any order"}
"""The orders to choose from. Any order is that of Redis: a page costs the same on a board of any size."""

SORTED, FILTERED = 10_000, 5_000
"""Jobs up to which a board is sorted as asked: without filters, and with some."""

PATIENCE = 0.05
"""Seconds after which a search of a large board goes no further: the next page continues it."""

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
    sort = query.get("sort") or "next"
    rows = find_rows(view.board, job_filters(query), sort, query.get("cursor") or None)
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
    count = board.count()["jobs"]
    is_large = count > (FILTERED if filters else SORTED)
    if sort not in ("next", "id") or (is_large and (sort == "id" or filters)):
        note = LARGE if is_large else ""
        return _search(board, filters, None if offset_of(cursor) is not None else cursor, note)
    first = offset_in_sorted(cursor, lambda known: board.job_page(known, 1, **filters))
    ids = list(islice(board.find(sort=cast(JobSort, sort), **filters), first, first + ROWS + 1))
    last, has_more = first + ROWS, len(ids) > ROWS
    is_end = is_large and last >= SORTED and has_more
    note = f"These are the first {SORTED:,} by next run. In any order, all are listed." if is_end else ""
    found = board.show_many(*ids[:ROWS], summary=True)
    return Rows(found, str(last) if has_more and not is_end else None, sort, note)


def _search(board: Board, filters: Mapping[str, Any], cursor: str | None, note: str) -> Rows:
    """Return a page of jobs in any order. A job whose id is the text that is searched for comes first."""
    exact = (
        board.show_many(filters["text"], summary=True) if cursor is None and {*filters} == {"text"} else []
    )
    found = {job["id"]: job for job in exact}
    deadline = time.monotonic() + PATIENCE
    while True:
        page = board.job_page(cursor, ROWS - len(found), summary=True, **filters)
        found |= {job["id"]: job for job in page.jobs}
        cursor = page.next
        if cursor is None or len(found) >= ROWS or time.monotonic() > deadline:
            return Rows(list(found.values()), cursor, "any", note)
