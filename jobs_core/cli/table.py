"""Tables whose rows are printed as they come: widths are chosen before most of the rows are known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

GAP = 2
"""Blanks between columns."""

WIDEST = 60
"""A column is no wider than this because of the first rows."""

NARROWEST = 4
"""A column that may be cut keeps so many characters, however narrow the terminal is."""

ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's header, and whether its cells are only useful `whole`: times, states, numbers."""

    name: str
    whole: bool = False


class Layout:
    """Where columns begin, going by the header and the first rows.

    With `room`, the characters that a line may have, cells are cut where a line has more. Without it every
    cell is whole. A cell that is longer than its column moves the next ones to the right.
    """

    def __init__(
        self, columns: Sequence[Column], rows: Iterable[Sequence[str]], room: int | None = None
    ) -> None:
        self._room = room
        self._widths = [
            min(WIDEST, max(map(_width, cells)))
            for cells in zip([column.name for column in columns], *rows, strict=True)
        ]
        if room is not None:
            self._widths = _fitted(self._widths, columns, room)
        self._starts = [0, *accumulate(width + GAP for width in self._widths[:-1])]

    def line(self, cells: Sequence[str]) -> str:
        """A row as one line without its end."""
        line = self._joined(cells)
        if self._room is None or _width(line) <= self._room:
            return line
        return self._joined([_cut(cell, width) for cell, width in zip(cells, self._widths, strict=True)])

    def _joined(self, cells: Sequence[str]) -> str:
        line, length = "", 0
        for start, cell in zip(self._starts, cells, strict=True):
            blanks = max(start - length, GAP if length else 0)
            line += " " * blanks + cell
            length += blanks + _width(cell)
        return line.rstrip()


def _fitted(widths: Sequence[int], columns: Sequence[Column], room: int) -> list[int]:
    """Widths that fill no more than `room`: columns that may be cut share what whole ones leave."""
    found = list(widths)
    cuttable = sorted(
        (place for place, column in enumerate(columns) if not column.whole), key=lambda place: widths[place]
    )
    left = room - GAP * (len(widths) - 1) - sum(w for w, c in zip(widths, columns, strict=True) if c.whole)
    for rank, place in enumerate(cuttable):
        share = max(NARROWEST, left // (len(cuttable) - rank))
        found[place] = min(widths[place], share)
        left -= found[place]
    return found


def as_cell(value: Any) -> str:
    r"""A value as text on one line, with what is no printable character escaped.

    >>> as_cell("red\x1b[31m")
    'red\\x1b[31m'
    """
    text = "" if value is None else str(value)
    return text if text.isprintable() else "".join(map(_visible, text))


def json_line(value: Any) -> str:
    """A value as JSON on one line, with what is no printable character escaped."""
    text = _encode(value)
    return text if text.isprintable() else "".join(map(_visible_in_json, text))


_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


def _visible(char: str) -> str:
    return char if char.isprintable() else ascii(char)[1:-1]


def _visible_in_json(char: str) -> str:
    return char if char.isprintable() else json.dumps(char)[1:-1]


def _width(text: str) -> int:
    """The columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    while text and _width(text) > width - 1:
        text = text[: min(len(text) - 1, width - 1)]
    return text + ELLIPSIS
