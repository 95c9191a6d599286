"""Runs by day and hour: a row a day, a square an hour, the darker the more runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from math import ceil

from markupsafe import Markup

SHADES = 4
"""Shades of hours with runs."""

LEFT, TOP, CELL, GAP, RIGHT = 80, 18, 30, 3, 56
"""Sizes in units of the drawing."""

WIDTH = LEFT + 24 * CELL + RIGHT


@dataclass(frozen=True, slots=True)
class Cell:
    """An hour of a day on a clock: how many runs start, and how that is said."""

    day: str
    hour: int
    runs: int


def cells_of(hours: Mapping[int, int], zone: tzinfo) -> list[Cell]:
    """Return the hours of a clock, given runs by hour (epoch seconds of its beginning).

    An hour that the clock repeats is one cell, and one that it leaves out is none.
    """
    found: dict[tuple[str, int], int] = {}
    for begin, runs in hours.items():
        local = datetime.fromtimestamp(begin, zone)
        place = (f"{local:%Y-%m-%d}", local.hour)
        found[place] = found.get(place, 0) + runs
    return [Cell(day, hour, runs) for (day, hour), runs in found.items()]


def heat_map(hours: Mapping[int, int], zone: tzinfo, url_of_day: Callable[[str], str]) -> Markup:
    """Draw runs by hour. Each day leads to `url_of_day`. The number of runs stands where it is largest."""
    cells = cells_of(hours, zone)
    step = step_of(cells)
    days = list(dict.fromkeys(cell.day for cell in cells))
    most = max((cell.runs for cell in cells), default=0)
    head = Markup("").join(
        Markup('<text x="{}" y="12">{:02}</text>').format(LEFT + hour * CELL, hour)
        for hour in range(0, 24, 3)
    )
    rows = Markup("").join(
        _day(n, day, [cell for cell in cells if cell.day == day], step, url_of_day)
        for n, day in enumerate(days)
    )
    return Markup(
        '<svg class="chart heat" viewBox="0 0 {} {}" role="group" aria-label="{}">{}{}</svg>'
    ).format(
        WIDTH,
        TOP + CELL * len(days),
        f"Runs an hour of {len(days)} days, at most {most:,}. The table of a day has the numbers.",
        head,
        rows,
    )


def heat_legend(hours: Mapping[int, int], zone: tzinfo) -> list[tuple[int, str]]:
    """Return the shades that a map has, from none to many, with the runs each stands for.

    >>> heat_legend({0: 0, 3600: 4}, UTC)
    [(0, 'none'), (1, '1'), (2, '2'), (3, '3'), (4, '4')]
    """
    cells = cells_of(hours, zone)
    step, most = step_of(cells), max((cell.runs for cell in cells), default=0)
    found = [(0, "none")]
    for shade in range(1, SHADES + 1):
        first, last = (shade - 1) * step + 1, min(shade * step, most)
        if first <= last:
            found.append((shade, f"{first:,}" if first == last else f"{first:,}\N{EN DASH}{last:,}"))
    return found


def step_of(cells: list[Cell]) -> int:
    """Return how many runs a shade stands for."""
    return max(1, ceil(max((cell.runs for cell in cells), default=0) / SHADES))


def _day(n: int, day: str, cells: list[Cell], step: int, url_of_day: Callable[[str], str]) -> Markup:
    y, total = TOP + n * CELL, sum(cell.runs for cell in cells)
    name = f"{datetime.fromisoformat(day):%a %d %b}"
    middle = y + CELL / 2 + 3
    squares = Markup("").join(_cell(y, cell, step) for cell in cells)
    return Markup(
        '<a href="{}" aria-label="{}"><text class="day" x="0" y="{}">{}</text>{}'
        '<text class="total" x="{}" y="{}">{:,}</text></a>'
    ).format(
        *(url_of_day(day), f"{name}: {total:,} runs", middle, name, squares),
        *(WIDTH, middle, total),
    )


def _cell(y: int, cell: Cell, step: int) -> Markup:
    x, size, shade = LEFT + cell.hour * CELL, CELL - GAP, ceil(cell.runs / step)
    number = Markup("")
    if cell.runs and cell.runs < 1000:
        number = Markup('<text class="count on{}" x="{}" y="{}">{}</text>').format(
            shade, x + size / 2, y + size / 2 + 4, cell.runs
        )
    title = f"{cell.day} {cell.hour:02}:00: {cell.runs:,} {'run' if cell.runs == 1 else 'runs'}"
    return Markup(
        '<g><title>{}</title><rect class="heat{}" x="{}" y="{}" width="{}" height="{}" rx="3"/>{}</g>'
    ).format(title, shade, x, y, size, size, number)
