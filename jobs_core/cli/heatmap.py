"""Runs an hour as a map of days and hours, for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from math import ceil

import click

SHADES = ("·", "░", "▒", "▓", "█")
"""The shades of an hour: without runs, and from few to many."""

COLORS = (None, "cyan", "green", "yellow", "red")

Cells = dict[tuple[str, int], int]
"""The runs by day (2026-12-01) and hour of the local clock."""


def heat_map(by_minute: Mapping[int, int], begin: float, end: float, zone: tzinfo | None) -> Iterator[str]:
    """Yield the lines of a map: a header, a line for each day with its total, and a legend.

    Args:
        by_minute: The runs of each minute, by its number since the epoch.
        begin: The beginning of the span, in epoch seconds.
        end: Its end.
        zone: The zone of the clock to show. None is this machine's.
    """
    cells = _cells(by_minute, begin, end, zone)
    step = max(1, ceil(max(cells.values(), default=0) / (len(SHADES) - 1)))
    yield " " * 12 + "".join(f"{hour:02}    " for hour in range(0, 24, 3)).rstrip()
    for day in dict.fromkeys(day for day, _ in cells):
        hours = [cells.get((day, hour)) for hour in range(24)]
        line = "".join(_cell(runs, step) for runs in hours)
        yield f"{_day_name(day)}  {line}  {sum(filter(None, hours)):,}"
    yield " " * 12 + _legend(step, max(cells.values(), default=0))


def _cells(by_minute: Mapping[int, int], begin: float, end: float, zone: tzinfo | None) -> Cells:
    found: Cells = {}
    for quarter in range(int(begin // 900), ceil(end / 900)):  # zones differ by quarters of an hour
        found.setdefault(_place(quarter * 900, zone), 0)
    for minute, runs in by_minute.items():
        found[_place(minute * 60, zone)] += runs
    return found


def _place(time: float, zone: tzinfo | None) -> tuple[str, int]:
    local = datetime.fromtimestamp(time, zone)
    return f"{local:%Y-%m-%d}", local.hour


def _day_name(day: str) -> str:
    return f"{datetime.fromisoformat(day):%a %m-%d}".ljust(10)


def _shade(runs: int, step: int) -> int:
    return ceil(runs / step)


def _cell(runs: int | None, step: int) -> str:
    """Return the two columns of an hour. An hour outside the span is blank."""
    if runs is None:
        return "  "
    shade = _shade(runs, step)
    return click.style(SHADES[shade] * (2 if shade else 1) + ("" if shade else " "), fg=COLORS[shade])


def _legend(step: int, most: int) -> str:
    parts = [f"{SHADES[0]} none"]
    for shade in range(1, len(SHADES)):
        first, last = (shade - 1) * step + 1, min(shade * step, most)
        if first <= last:
            runs = f"{first:,}" if first == last else f"{first:,} to {last:,}"
            parts.append(click.style(SHADES[shade], fg=COLORS[shade]) + f" {runs}")
    return "   ".join(parts)
