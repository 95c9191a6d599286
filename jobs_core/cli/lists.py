"""Lists of any length, printed while they are read, as a table or as JSON."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

import click

from jobs_core.cli.common import F, json_option
from jobs_core.cli.pager import is_styled, on_terminal, output
from jobs_core.cli.table import Column, Layout, as_cell
from jobs_core.text import json_line, visible

T = TypeVar("T")

SMALL = 1000
"""The longest list that is sorted before it is printed."""

SAMPLE = 100
"""The most rows that decide how wide columns are."""

PATIENCE = 0.2
"""Seconds to wait for these rows."""

Row = Callable[[Mapping[str, Any]], Iterable[Any]]
"""Turns an item into the cells of a row."""


limit_option = click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show at most N items.")
pager_option = click.option(
    "--no-pager",
    is_flag=True,
    help="Print without a pager. Otherwise a terminal uses JOBS_PAGER, PAGER or less.",
)


def list_options(function: F) -> F:
    """Add `--limit`, `--no-pager` and `--json` to a command."""
    return limit_option(pager_option(json_option(function)))


def print_list(
    items: Iterator[dict[str, Any]],
    columns: Sequence[Column],
    row: Row,
    *,
    limit: int | None,
    as_json: bool,
    no_pager: bool,
    whole: bool = False,
) -> None:
    """Print items as they arrive: as a table, or as one JSON object per line.

    `whole` prints lines that are wider than a terminal.
    """
    chosen = islice(items, limit)
    lines = json_lines(chosen) if as_json else table_lines(columns, map(row, chosen), whole=whole)
    _write_all(lines, paged=not (as_json or no_pager))


def json_lines(items: Iterable[Any]) -> Iterator[str]:
    """Yield items as JSON lines."""
    return (json_line(item) + "\n" for item in items)


def print_texts(texts: Iterable[str]) -> None:
    """Print each text as it arrives. On a terminal, control characters are escaped."""
    _write_all(map(visible, texts) if on_terminal() else texts)


def _write_all(texts: Iterable[str], *, paged: bool = False) -> None:
    """Write each text as it arrives, in a pager if `paged` and standard output is a terminal."""
    with output(paged=paged) as write:
        for text in texts:
            write(text)


def table_lines(
    columns: Sequence[Column], rows: Iterator[Iterable[Any]], *, whole: bool = False
) -> Iterator[str]:
    """Yield the lines of a table, which fits a terminal unless `whole`. Its first rows decide the widths."""
    cells = ([as_cell(value) for value in row] for row in rows)
    first = list(_sample(cells))
    room = shutil.get_terminal_size().columns if on_terminal() and not whole else None
    layout = Layout(columns, first, room, colored=is_styled())
    header = layout.line([column.name for column in columns])
    yield (click.style(header, bold=True) if is_styled() else header) + "\n"
    for row in chain(first, cells):
        yield layout.line(row) + "\n"


def _sample(rows: Iterator[T]) -> Iterator[T]:
    """Yield up to SAMPLE rows, and stop early after PATIENCE seconds."""
    until = time.monotonic() + PATIENCE
    for row in islice(rows, SAMPLE):
        yield row
        if time.monotonic() > until:
            return
