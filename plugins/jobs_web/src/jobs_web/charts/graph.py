"""Which jobs run after which: boxes from left to right, and arrows between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from jobs_core.plugin_ui import visible
from jobs_web.charts.layers import lay_out

BOX_WIDTH, BOX_HEIGHT = 156, 40
COLUMN, ROW, MARGIN = 226, 54, 10
"""Sizes in units of the drawing, which are pixels."""

NAME = 19
"""Characters of a name that fit into a box."""

MARKS = {"missing": "?", "running": "▶", "paused": "‖", "dead": "✕", "waiting": "…"}
"""Marks of states. Others are a dot."""


@dataclass(frozen=True, slots=True)
class Box:
    """A job in the drawing.

    Args:
        id: The job's id.
        href: What the box leads to.
        mark: The state that its mark shows: `dead` if its last run failed, else the state of the job.
        words: The second line.
        is_current: Whether the drawing is about this job.
    """

    id: str
    href: str
    mark: str
    words: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """An arrow from a parent to a child. `label` is a condition other than that all are done."""

    parent: str
    child: str
    label: str = ""
    is_met: bool = False


def graph_chart(boxes: Sequence[Box], lines: Sequence[Line]) -> Markup:
    """Draw jobs in layers. An arrow is dashed until the parent has ended since the child's last run."""
    layout = lay_out([box.id for box in boxes], [(line.parent, line.child) for line in lines])
    width = 2 * MARGIN + COLUMN * max(0, layout.columns - 1) + BOX_WIDTH
    height = 2 * MARGIN + round(ROW * max(0.0, layout.rows - 1)) + BOX_HEIGHT
    arrows = Markup("").join(_arrow(layout.routes[line.parent, line.child], line) for line in lines)
    nodes = Markup("").join(_box(*layout.places[box.id], box) for box in boxes)
    return Markup(
        '<svg class="graph" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="group" aria-label="{2}">'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>{3}{4}</svg>'
    ).format(width, height, f"{len(boxes)} jobs and {len(lines)} dependencies", arrows, nodes)


def _box(column: int, row: float, box: Box) -> Markup:
    x, y = MARGIN + COLUMN * column, MARGIN + ROW * row
    id = visible(box.id)
    name = id if len(id) <= NAME else id[: NAME - 1] + "…"
    return Markup(
        '<a href="{}" class="{}"><title>{}</title>'
        '<rect class="box" x="{}" y="{:.1f}" width="{}" height="{}" rx="6"/>'
        '<text class="mark" x="{}" y="{:.1f}">{}</text><text class="name" x="{}" y="{:.1f}">{}</text>'
        '<text x="{}" y="{:.1f}">{}</text></a>'
    ).format(
        *(box.href, f"node {box.mark}{' current' if box.is_current else ''}", f"{id}: {box.words}"),
        *(x, y, BOX_WIDTH, BOX_HEIGHT),
        *(x + 8, y + 17, MARKS.get(box.mark, "●")),
        *(x + 24, y + 17, name),
        *(x + 24, y + 32, box.words),
    )


def _arrow(route: Sequence[tuple[int, float]], line: Line) -> Markup:
    points = [(MARGIN + COLUMN * column, MARGIN + ROW * row + BOX_HEIGHT / 2) for column, row in route]
    (x, y), *others = points
    x += BOX_WIDTH
    path = [f"M{x} {y:.1f}"]
    for number, (to_x, to_y) in enumerate(others, 1):
        bend = (to_x - x) / 2
        path.append(f"C{x + bend:.0f} {y:.1f} {to_x - bend:.0f} {to_y:.1f} {to_x} {to_y:.1f}")
        x, y = to_x, to_y
        if number < len(others):  # a gap, as wide as a box
            x += BOX_WIDTH
            path.append(f"H{x}")
    label = Markup("")
    if line.label:
        (end_x, end_y) = points[-1]
        label = Markup('<text class="condition" x="{}" y="{:.1f}">{}</text>').format(
            end_x - 6, end_y - 5, line.label
        )
    title = f"{line.child} after {line.parent}{f' ({line.label})' if line.label else ''}"
    return Markup('<path class="arrow{}" d="{}" marker-end="url(#arrow)"><title>{}</title></path>{}').format(
        " met" if line.is_met else "", " ".join(path), visible(title), label
    )
