"""The first page: how the board is doing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from itertools import islice

from jobs_core import Hour
from jobs_web import condition
from jobs_web.charts.hours import most_in
from jobs_web.firing import firing
from jobs_web.site import Page, View
from jobs_web.zones import readers_zone

DAY = 24
"""Hours that the charts show."""

ROWS = 8
"""Rows of each list."""

LATE = 5
"""Seconds from which on a board is late."""


def overview(view: View) -> Page:
    """Show what runs, waits and fails, what is wrong, and the last day."""
    board, now = view.board, time.time()
    since = now - DAY * 3600
    top, workers = board.top(ROWS), Counter(worker["state"] for worker in board.workers())
    alive = workers.total() - workers["silent"]
    hours = last_day(board.hours(since), now)
    failing = list(islice(board.list(failing=True, summary=True), ROWS)) if top.failing else []
    fires = firing(board)
    findings, gaps = condition.findings(view.site.board), board.gaps(since)
    is_quiet = not (top.failing or top.dead or top.late > LATE or findings or gaps or fires)
    return Page(
        "overview.html",
        {
            "top": top,
            "alive": alive,
            "silent": workers["silent"],
            "hours": hours,
            "most": most_in(hours),
            "zone": readers_zone(view),
            "totals": sum((Counter(hour.counts) for hour in hours), Counter()).most_common(),
            "failing": failing,
            "runs": board.last_runs(*(job["id"] for job in failing)),
            "findings": findings,
            "firing": list(fires.values())[:ROWS],
            "firing_count": len(fires),
            "gaps": gaps[::-1][:ROWS],
            "is_well": is_quiet and alive > 0,
            "rates": condition.rates(view.site.board, top),
            "lateness": condition.lateness(board, since),
        },
    )


def last_day(hours: Sequence[Hour], now: float) -> list[Hour]:
    """Return an hour for each of the last day, also where nothing happened."""
    known = {int(hour.begin) // 3600: hour for hour in hours}
    last = int(now) // 3600
    return [known.get(n, Hour(n * 3600.0)) for n in range(last - DAY + 1, last + 1)]
