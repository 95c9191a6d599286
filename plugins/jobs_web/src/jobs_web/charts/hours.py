"""What happened in each hour: bars, one above the other for each outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from markupsafe import Markup

from jobs_core import Hour
from jobs_web.texts import counted

STACK = ("done", "dead", "cancelled", "skipped", "coalesced")
"""Outcomes from the bottom of a bar to its top."""

LABELED = 3
"""Every so many hours of the clock have a label."""

WIDTH, HEIGHT, GAP = 24, 120, 3
"""Of a bar, and between bars, in units of the drawing."""


def hours_chart(hours: Sequence[Hour], zone: tzinfo) -> Markup:
    """Draw hours as bars, with the hours of a clock below. Each says its numbers when pointed at."""
    most = most_in(hours) or 1
    bars = Markup("").join(_bar(i * WIDTH, hour, most, zone) for i, hour in enumerate(hours))
    total = sum(sum(hour.counts.values()) for hour in hours)
    labels = Markup("").join(Markup("<li>{}</li>").format(_label(hour, zone)) for hour in hours)
    return Markup(
        '<svg class="chart hours" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '{}</svg><ol class="hours-axis" aria-hidden="true">{}</ol>'
    ).format(
        *(WIDTH * len(hours), HEIGHT),
        f"{counted(total, 'run')} in {counted(len(hours), 'hour')}, at most {most} in one",
        *(bars, labels),
    )


def most_in(hours: Sequence[Hour]) -> int:
    """Return how many runs the busiest hour had."""
    return max((sum(hour.counts.get(name, 0) for name in STACK) for hour in hours), default=0)


def _label(hour: Hour, zone: tzinfo) -> str:
    local = datetime.fromtimestamp(hour.begin, zone)
    return f"{local:%H:%M}" if local.hour % LABELED == 0 else ""


def _bar(x: int, hour: Hour, most: int, zone: tzinfo) -> Markup:
    parts, y = [], float(HEIGHT)
    for name in STACK:
        count = hour.counts.get(name, 0)
        if count:
            height = max(2.0, HEIGHT * count / most)
            y -= height
            shape = '<rect class="{}" x="{}" y="{:.1f}" width="{}" height="{:.1f}"/>'
            parts.append(Markup(shape).format(name, x, y, WIDTH - GAP, height))
    words = ", ".join(f"{count} {name}" for name, count in hour.counts.items() if count) or "nothing"
    title = f"{datetime.fromtimestamp(hour.begin, zone):%H:%M}: {words}"
    return Markup("<g><title>{}</title>{}</g>").format(title, Markup("").join(parts))
