"""Lists that begin at once: a table, or JSON, printed while it is read."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

import click

from jobs_core.cli.common import F, json_option
from jobs_core.cli.pager import is_styled, on_terminal, output
from jobs_core.cli.table import Column, Layout, as_cell, json_line

T = TypeVar("T")

SMALL = 1000
"""A list of so many is sorted before it is printed; a longer one is printed as it is read."""

SAMPLE = 100
"""The rows that the widths of columns are chosen by, at most."""

PATIENCE = 0.2
"""Seconds after which they are chosen by those that have come."""

Row = Callable[[Mapping[str, Any]], Iterable[Any]]
"""Makes the cells of what was read."""


limit_option = click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show at most N.")
pager_option = click.option(
    "--no-pager",
    is_flag=True,
    help="Print without a pager. On a terminal, it is JOBS_PAGER, PAGER or less.",
)


def list_options(function: F) -> F:
    """Give a command `limit`, `no_pager` and `as_json`."""
    return limit_option(pager_option(json_option(function)))


def print_list(
    things: Iterator[dict[str, Any]],
    columns: Sequence[Column],
    row: Row,
    *,
    limit: int | None,
    as_json: bool,
    no_pager: bool,
) -> None:
    """Print what is read, as it comes: as a table, or as one JSON object a line."""
    chosen = islice(things, limit)
    lines = json_lines(chosen) if as_json else _table(columns, map(row, chosen))
    print_texts(lines, paged=not (as_json or no_pager))


def json_lines(things: Iterable[Any]) -> Iterator[str]:
    """Things as JSON, one a line."""
    return (json_line(thing) + "\n" for thing in things)


def print_texts(texts: Iterable[str], *, paged: bool = False) -> None:
    """Print each text when it comes, in a pager if one is wanted and people are there to use it."""
    with output(paged=paged) as write:
        for text in texts:
            write(text)


def _table(columns: Sequence[Column], rows: Iterator[Iterable[Any]]) -> Iterator[str]:
    """The lines of a table. The first rows say how wide columns are."""
    cells = ([as_cell(value) for value in row] for row in rows)
    first = list(_first(cells))
    layout = Layout(columns, first, shutil.get_terminal_size().columns if on_terminal() else None)
    header = layout.line([column.name for column in columns])
    yield (click.style(header, bold=True) if is_styled() else header) + "\n"
    for row in chain(first, cells):
        yield layout.line(row) + "\n"


def _first(rows: Iterator[T]) -> Iterator[T]:
    """The rows to choose widths by: enough of them, or those that have come soon."""
    until = time.monotonic() + PATIENCE
    for row in islice(rows, SAMPLE):
        yield row
        if time.monotonic() > until:
            return
