"""Tables printed row by row: the header and the first rows decide how wide columns are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import click

from jobs_core.text import visible

GAP = 2
"""Spaces between columns."""

WIDEST = 60
"""The widest that the first rows make a column."""

NARROWEST = 4
"""The narrowest that a column is cut to."""

NARROWEST_OPTIONAL, NARROWEST_BESIDE = 16, 24
"""The narrowest that an optional column is cut to before it is left out, and the others beside it."""

ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's header. Cells that are useless when cut, such as times and numbers, stay `whole`.

    An `optional` column is left out where a line has no room for it. `color` returns the color of a cell on a
    terminal, or None.
    """

    name: str
    whole: bool = False
    optional: bool = False
    color: Callable[[str], str | None] | None = None


class Layout:
    """The positions of columns, computed from the header and the first rows.

    Args:
        room: The width of a line, in characters. Longer lines have their cells cut, unless empty ones
            follow. None cuts nothing: a cell
            that is longer than its column moves the next ones to the right.
        colored: Color cells by their columns' `color`.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[str]],
        room: int | None = None,
        *,
        colored: bool = False,
    ) -> None:
        self._max_width = room
        widths = [
            min(WIDEST, max(map(_width, cells)))
            for cells in zip([column.name for column in columns], *rows, strict=True)
        ]
        self._shown = range(len(columns)) if room is None else _choose(widths, columns, room)
        chosen = [columns[index] for index in self._shown]
        self._widths = [widths[index] for index in self._shown]
        if room is not None:
            self._widths = _fit(self._widths, chosen, room)
        self._colors = [column.color if colored else None for column in chosen]
        self._starts = [0, *accumulate(width + GAP for width in self._widths[:-1])]

    def line(self, cells: Sequence[str]) -> str:
        """Format a row as one line, without a line break."""
        shown = [cells[index] for index in self._shown]
        line, length = self._join(shown)
        if self._max_width is None or length <= self._max_width:
            return line
        return self._join([cut(cell, width) for cell, width in zip(shown, self._room(shown), strict=True)])[0]

    def _room(self, cells: Sequence[str]) -> list[int]:
        """Return how wide each cell may be: as its column, and as the empty cells that follow it."""
        found, end = [0] * len(cells), self._max_width or 0
        for index in reversed(range(len(cells))):
            found[index] = max(self._widths[index], end - self._starts[index])
            end = self._starts[index] - GAP if cells[index] else end
        return found

    def _join(self, cells: Sequence[str]) -> tuple[str, int]:
        """Return a line and its width, which colors do not change."""
        line, length, end = "", 0, 0
        for start, cell, color in zip(self._starts, cells, self._colors, strict=True):
            if not cell:
                continue
            blanks = max(start - length, GAP if length else 0)
            line += " " * blanks + _painted(cell, color)
            length += blanks + _width(cell)
            end = length
        return line.rstrip(), end


def _painted(cell: str, color: Callable[[str], str | None] | None) -> str:
    name = color(cell) if color else None
    return click.style(cell, fg=name) if name else cell


def _choose(widths: Sequence[int], columns: Sequence[Column], room: int) -> Sequence[int]:
    """Return the places of the columns to show: optional ones, from the left, while the line has room."""
    least = [_least(width, column) + GAP for width, column in zip(widths, columns, strict=True)]
    used = sum(n for n, column in zip(least, columns, strict=True) if not column.optional) - GAP
    shown = []
    for index, column in enumerate(columns):
        used += least[index] if column.optional else 0
        if not column.optional or used <= room:
            shown.append(index)
    return shown


def _least(width: int, column: Column) -> int:
    """Return the least width of a column that is shown beside optional ones."""
    if column.whole:
        return width
    return min(width, NARROWEST_OPTIONAL if column.optional else NARROWEST_BESIDE)


def _fit(widths: Sequence[int], columns: Sequence[Column], room: int) -> list[int]:
    """Return widths that fit into `room`. Columns that may be cut share what whole columns leave."""
    found = list(widths)
    cuttable = sorted(
        (index for index, column in enumerate(columns) if not column.whole), key=lambda index: widths[index]
    )
    left = room - GAP * (len(widths) - 1) - sum(w for w, c in zip(widths, columns, strict=True) if c.whole)
    for rank, index in enumerate(cuttable):
        share = max(NARROWEST, left // (len(cuttable) - rank))
        found[index] = min(widths[index], share)
        left -= found[index]
    return found


def as_cell(value: Any) -> str:
    r"""Format a value as one line of text, with unprintable characters escaped.

    >>> as_cell("red\x1b[31m")
    'red\\x1b[31m'
    """
    return visible("" if value is None else str(value), keep="")


def _width(text: str) -> int:
    """Return the number of terminal columns that a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """Return text of at most `width` terminal columns. If it is cut, it ends with an ellipsis."""
    if _width(text) <= width:
        return text
    while text and _width(text) > width - 1:
        text = text[: min(len(text) - 1, width - 1)]
    return text + ELLIPSIS
