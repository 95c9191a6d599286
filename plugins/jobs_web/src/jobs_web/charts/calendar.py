"""The runs of a job by day: a column a week, a row a weekday."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, tzinfo

from markupsafe import Markup

from jobs_core import Run

SIDE, GAP, LEFT = 14, 3, 30
"""Of a day, between days, and of the column with the names of weekdays, in units of the drawing."""

SHADES = 4
"""Shades for how many runs a day had, beside the one for none."""

WEEKS = 53
"""Weeks that are shown at most: the latest."""


def calendar_chart(runs: Iterable[Run], zone: tzinfo, now: float) -> Markup:
    """Draw the days from the oldest run to now, by the clock of a zone.

    A day with a failure has a cross, so that it shows without color.
    """
    days = count_by_day(runs, zone)
    last = datetime.fromtimestamp(now, zone).date()
    first = max(min(days, default=last), last - timedelta(weeks=WEEKS - 1))
    monday = first - timedelta(days=first.weekday())
    shown = [monday + timedelta(days=n) for n in range((last - monday).days + 1)]
    most = max((sum(counts.values()) for counts in days.values()), default=1)
    cells = Markup("").join(_day((day - monday).days, day, days.get(day, {}), most) for day in shown)
    names = Markup("").join(
        Markup('<text x="0" y="{}">{}</text>').format(row * (SIDE + GAP) + 11, name)
        for row, name in ((0, "Mon"), (2, "Wed"), (4, "Fri"))
    )
    width = LEFT + ((last - monday).days // 7 + 1) * (SIDE + GAP)
    failed = sum(counts.get("dead", 0) > 0 for counts in days.values())
    label = f"runs by day since {first}: {len(days)} days with runs, {failed} of them with failures"
    return Markup(
        '<svg class="calendar" width="{}" height="{}" role="img" aria-label="{}">{}{}</svg>'
    ).format(width, 7 * (SIDE + GAP), label, names, cells)


def count_by_day(runs: Iterable[Run], zone: tzinfo) -> dict[date, Counter[str]]:
    """Count outcomes by the day on which runs were due."""
    found: dict[date, Counter[str]] = {}
    for run in runs:
        day = datetime.fromtimestamp(run.due, zone).date()
        found.setdefault(day, Counter())[run.outcome] += run.count or 1
    return found


def _day(place: int, day: date, counts: Mapping[str, int], most: int) -> Markup:
    x, y = LEFT + place // 7 * (SIDE + GAP), place % 7 * (SIDE + GAP)
    total = sum(counts.values())
    shade = -(-total * SHADES // most)
    kind = "dead" if counts.get("dead") else "done" if counts.get("done") else "skipped" if total else "none"
    words = ", ".join(f"{count} {name}" for name, count in counts.items()) or "no runs"
    square = Markup('<rect class="{} shade{}" x="{}" y="{}" width="{}" height="{}" rx="2"/>').format(
        kind, shade, x, y, SIDE, SIDE
    )
    return Markup("<g><title>{}</title>{}{}</g>").format(
        f"{day:%a %Y-%m-%d}: {words}", square, _cross(x, y) if kind == "dead" else ""
    )


def _cross(x: int, y: int) -> Markup:
    low, high = 4, SIDE - 4
    path = f"M{x + low} {y + low}L{x + high} {y + high}M{x + high} {y + low}L{x + low} {y + high}"
    return Markup('<path class="cross" d="{}"/>').format(path)
