"""The first page: how the board is doing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import islice

from jobs_core import Hour
from jobs_web.site import Page, View

DAY = 24
"""Hours that the charts show."""

ROWS = 8
"""Rows of each list."""


def overview(view: View) -> Page:
    """Show what runs, waits and fails, and the last day."""
    board = view.board
    now = time.time()
    return Page(
        "overview.html",
        {
            "top": board.top(ROWS),
            "hours": last_day(board.hours(now - DAY * 3600), now),
            "failing": list(islice(board.list(failing=True, summary=True), ROWS)),
        },
    )


def last_day(hours: Sequence[Hour], now: float) -> list[Hour]:
    """Return an hour for each of the last day, also where nothing happened."""
    known = {int(hour.begin) // 3600: hour for hour in hours}
    last = int(now) // 3600
    return [known.get(n, Hour(n * 3600.0)) for n in range(last - DAY + 1, last + 1)]
