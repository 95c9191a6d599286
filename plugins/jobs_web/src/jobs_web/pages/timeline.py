"""What ran and runs: bars by job or by worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from jobs_web.charts.timeline import Window, ticks_of
from jobs_web.pages.timeline_rows import JOBS, read, rows_of
from jobs_web.site import Page, View
from jobs_web.zones import instant_of, zone_of

ROWS = 100
"""Rows at most."""

BY = ("job", "worker")
"""What a row is of."""

FILTERS = ("match", "label", "runner", "text")


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time to show, how far apart the labels of its axis are, and how often it moves on."""

    length: timedelta
    tick: timedelta
    step: float


SPANS = {
    "15m": Span(timedelta(minutes=15), timedelta(minutes=3), 5),
    "1h": Span(timedelta(hours=1), timedelta(minutes=10), 10),
    "6h": Span(timedelta(hours=6), timedelta(hours=1), 60),
    "1d": Span(timedelta(days=1), timedelta(hours=4), 300),
    "7d": Span(timedelta(days=7), timedelta(days=1), 1800),
}


def timeline(view: View) -> Page:
    """Show what ran in a span (15m, 1h, 6h, 1d or 7d) that ends now or at `to`, by job or worker."""
    name, by = view.query.get("span") or "1h", view.query.get("by") or "job"
    span, zone, to = SPANS[name], zone_of(view), instant_of(view, "to")
    now = view.board.top(1).time
    is_live = to is None or to >= now
    end = ceil(now / span.step) * span.step if is_live or to is None else to
    window = Window(end - span.length.total_seconds(), end)
    found = read(view.board, window, {name: view.query.get(name, "") for name in FILTERS})
    rows = rows_of(view, found, min(end, now if not is_live else end), by)
    ticks = ticks_of(window, span.tick, zone)
    later = end + span.length.total_seconds()
    return Page(
        "timeline.html",
        {
            "window": window,
            "rows": rows[:ROWS],
            "row_count": len(rows),
            "ticks": ticks,
            "times": [time for time, _ in ticks],
            "gaps": view.board.gaps(window.begin, window.end),
            "found": found,
            "most_jobs": JOBS,
            "by": by,
            "span": name,
            "spans": tuple(SPANS),
            "zone": zone,
            "is_live": is_live,
            "filters": {name: view.query.get(name, "") for name in FILTERS},
            "earlier": view.again(to=f"{window.begin:.0f}"),
            "later": None if is_live else view.again(to=None if later >= now else f"{later:.0f}"),
        },
    )
