"""What happened in each hour: bars, one above the other for each outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from jobs_core import Hour

STACK = ("done", "dead", "cancelled", "skipped", "coalesced")
"""Outcomes from the bottom of a bar to its top."""

WIDTH, HEIGHT, GAP = 24, 120, 3
"""Of a bar, and between bars, in units of the drawing."""


def hours_chart(hours: Sequence[Hour]) -> Markup:
    """Draw hours as bars. Each says its numbers when pointed at, and to screen readers."""
    most = max((sum(hour.counts.get(name, 0) for name in STACK) for hour in hours), default=0) or 1
    bars = Markup("").join(_bar(i * WIDTH, hour, most) for i, hour in enumerate(hours))
    total = sum(sum(hour.counts.values()) for hour in hours)
    return Markup(
        '<svg class="chart hours" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        "{}</svg>"
    ).format(WIDTH * len(hours), HEIGHT, f"{total} runs in {len(hours)} hours, at most {most} in one", bars)


def _bar(x: int, hour: Hour, most: int) -> Markup:
    parts, y = [], float(HEIGHT)
    for name in STACK:
        count = hour.counts.get(name, 0)
        if count:
            height = max(2.0, HEIGHT * count / most)
            y -= height
            shape = '<rect class="{}" x="{}" y="{:.1f}" width="{}" height="{:.1f}"/>'
            parts.append(Markup(shape).format(name, x, y, WIDTH - GAP, height))
    words = ", ".join(f"{count} {name}" for name, count in hour.counts.items() if count) or "nothing"
    title = f"{datetime.fromtimestamp(hour.begin, UTC):%H:%M} UTC: {words}"
    return Markup("<g><title>{}</title>{}</g>").format(title, Markup("").join(parts))
