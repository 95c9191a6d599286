"""Bulk work: read JSON lines, show progress, report rejections."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, TypeVar

import click

from jobs_core.cli.common import (
    echo,
    echo_warnings,
    job_warner,
)
from jobs_core.errors import JobsError, OptionError, UserError
from jobs_core.files import FileError, open_regular
from jobs_core.plugins.manager import Plugins
from jobs_core.text import is_utf8

T = TypeVar("T")

ADVANCE_EVERY = 500
"""The number of items between two moves of the progress bar."""


class Lines:
    """The lines of a file or of standard input (`-`), without blank ones. Bytes that are not UTF-8 stay.

    `places` has the location of each line that was read, until `report_bulk` takes it.
    """

    def __init__(self, file: str = "-") -> None:
        self._file = file
        self.places: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        with binary_input(self._file) as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    self.places.append(f"line {number}" if self._file == "-" else f"{self._file}:{number}")
                    yield line.decode("utf-8", "surrogateescape")


def stdin_lines() -> Iterator[str]:
    """Yield the lines of standard input, without blank ones, for commands of plugins.

    Raises:
        OptionError: Standard input is closed, or a line is not UTF-8.
    """
    lines = Lines()
    for line in lines:
        if not is_utf8(line):
            raise OptionError(f"{lines.places.pop()}: expected UTF-8, got other bytes")
        lines.places.clear()
        yield line


def binary_input(file: str) -> AbstractContextManager[IO[bytes]]:
    """Open a file, or standard input for `-`.

    Raises:
        OptionError: The file cannot be read or is not a regular file, or standard input is closed.
    """
    if file == "-":
        if sys.stdin is None:
            raise OptionError("Standard input is closed. Redirect it from a file or a pipe.")
        return nullcontext(sys.stdin.buffer)
    try:
        return open_regular(Path(file))
    except FileError as error:
        raise OptionError(f"{file}: {error}") from None


def with_defaults(lines: Iterable[str], defaults: Mapping[str, Any]) -> Iterator[str | Mapping[str, Any]]:
    """Add the options of the command line to JSON objects that lack them. Other lines pass unchanged."""
    from jobs_core.engine.bulk import as_mapping

    for line in lines:
        try:
            job = as_mapping(line) if defaults else None
        except OptionError:
            job = None  # rejected when it is put
        yield line if job is None else {**defaults, **job}


def warned(
    lines: Lines, jobs: Iterable[str | Mapping[str, Any]], plugins: Plugins
) -> Iterator[str | Mapping[str, Any]]:
    """Pass on the jobs or tasks of these lines, after printing warnings about them."""
    warnings = job_warner(plugins)
    for job in jobs:
        try:
            found = dict(json.loads(job) if isinstance(job, str) else job)
            runner, payload = str(found.pop("runner")), found.pop("payload")
            sentences = warnings(str(found.pop("id", "push")), runner, payload, found)
        except (ValueError, TypeError, KeyError, RecursionError, UserError):
            sentences = []  # the line is refused
        echo_warnings(f"{lines.places[-1]}: {sentence}" for sentence in sentences)
        yield job


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error if that is a terminal.

    Yields:
        A function that moves the bar by a number of items.
    """
    if not sys.stderr.isatty():
        yield lambda n: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(what, total=total)
        yield lambda n: bars.advance(task, n)


def counted(items: Iterable[T], advance: Callable[[int], None]) -> Iterator[T]:
    """Yield the items, and call `advance` after every 500."""
    for number, item in enumerate(items, 1):
        yield item
        if number % ADVANCE_EVERY == 0:
            advance(ADVANCE_EVERY)


def report_bulk(what: str, lines: Lines, replies: Iterable[Any]) -> None:
    """Consume the replies of bulk work, and print rejections and counts on standard error.

    There is a reply for each of `lines`. Exits with 2 if a line was a user's mistake, or with 1 if there were
    only faults.
    """
    done, refused, exit_code = 0, 0, 0
    with progress(what) as advance:
        for reply in counted(replies, advance):
            place = lines.places.popleft()
            if isinstance(reply, JobsError):
                echo(f"{place}: {reply}", err=True)
                refused += 1
                exit_code = max(exit_code, 2 if isinstance(reply, UserError) else 1)
            else:
                done += 1
    echo(f"{done} {what}" + (f", {refused} refused" if refused else ""), err=True)
    if exit_code:
        click.get_current_context().exit(exit_code)
