"""How long the runs of a job took: a bar for each, with lines at the median and the 95th percentile."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from jobs_core import Run
from jobs_core.plugin_ui import duration_text, visible
from jobs_web.texts import exact

WIDTH, GAP, HEIGHT = 10, 2, 100
"""Of a bar, between bars, and of the chart, in units of the drawing."""

LEAST = 24
"""Places for bars, at least, so that a few bars are not wide."""


def durations_chart(runs: Sequence[Run], median: float | None = None, p95: float | None = None) -> Markup:
    """Draw runs, given newest first, from the oldest to the newest.

    A run that was not done has a mark at the top of the chart, too, so that it shows without color.
    """
    timed = [run for run in reversed(runs) if run.took is not None]
    longest = max((run.took or 0 for run in timed), default=0) or 1
    width = WIDTH * max(LEAST, len(timed))
    first = width - WIDTH * len(timed)
    bars = Markup("").join(_bar(first + i * WIDTH, run, longest) for i, run in enumerate(timed))
    lines = Markup("").join(
        _line(name, seconds, width, longest)
        for name, seconds in (("median", median), ("p95", p95))
        if seconds is not None and seconds <= longest
    )
    label = f"how long {len(timed)} runs took, at most {duration_text(longest)}"
    return Markup(
        '<svg class="chart durations" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}{}</svg>'
    ).format(width, HEIGHT, label, bars, lines)


def _bar(x: int, run: Run, longest: float) -> Markup:
    height = max(1.5, (HEIGHT - 8) * (run.took or 0) / longest)
    title = f"{exact(run.started)}: {run.outcome} {run.code} in {duration_text(run.took)}".replace("  ", " ")
    mark = "" if run.outcome == "done" else _rect(run.outcome, x, 0, 4)
    bar = _rect(run.outcome, x, HEIGHT - height, height)
    return Markup("<g><title>{}</title>{}{}</g>").format(visible(title), mark, bar)


def _rect(kind: str, x: int, y: float, height: float) -> Markup:
    shape = '<rect class="{}" x="{}" y="{:.1f}" width="{}" height="{:.1f}"/>'
    return Markup(shape).format(kind, x, y, WIDTH - GAP, height)


def _line(name: str, seconds: float, width: int, longest: float) -> Markup:
    y = HEIGHT - (HEIGHT - 8) * seconds / longest
    shape = '<line class="{}" x1="0" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
    return Markup(shape).format(name, width, y, y)
