"""The last runs of a job as a strip: one mark a run, newest last."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from jobs_core import Run
from jobs_core.plugin_ui import duration_text, visible

STEP, HEIGHT = 8, 18
"""Of a mark, in units of the drawing."""


def strip(runs: Sequence[Run]) -> Markup:
    """Draw runs, given newest first. A failure is a full mark, so that it shows without color."""
    marks = Markup("").join(_mark(i * STEP, run) for i, run in enumerate(reversed(runs)))
    words = ", ".join(
        f"{sum(run.outcome == name for run in runs)} {name}" for name in {run.outcome: 0 for run in runs}
    )
    return Markup('<svg class="strip" width="{}" height="{}" role="img" aria-label="{}">{}</svg>').format(
        STEP * max(1, len(runs)), HEIGHT, f"last runs: {words or 'none'}", marks
    )


def _mark(x: int, run: Run) -> Markup:
    height = HEIGHT if run.outcome == "dead" else HEIGHT // 2
    title = f"{run.outcome} {run.code} {duration_text(run.took)}".strip()
    shape = '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>'
    return Markup(shape).format(run.outcome, x, HEIGHT - height, STEP - 2, height, visible(title))


def small_strip(runs: Sequence[Run]) -> Markup:
    """Draw runs, given newest first, with few bytes: for lists of many jobs."""
    if not runs:
        return Markup("")
    marks: dict[str, list[str]] = {}
    for i, run in enumerate(reversed(runs)):
        height = HEIGHT if run.outcome == "dead" else HEIGHT // 2
        marks.setdefault(run.outcome, []).append(f"M{i * STEP} {HEIGHT}v-{height}h{STEP - 2}v{height}z")
    paths = Markup("").join(
        Markup('<path class="{}" d="{}"/>').format(name, "".join(found)) for name, found in marks.items()
    )
    words = ", ".join(f"{len(found)} {name}" for name, found in marks.items())
    return Markup(
        '<svg class="strip" width="{}" height="{}" role="img"><title>last runs: {}</title>{}</svg>'
    ).format(STEP * len(runs), HEIGHT, words, paths)
