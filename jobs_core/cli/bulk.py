"""Bulk work: read JSON lines, show progress, report refusals."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from jobs_core.cli.common import echo_warnings
from jobs_core.cron.forms import cron_warnings
from jobs_core.errors import JobsError, UserError

T = TypeVar("T")

ADVANCE_EVERY = 500
"""The number of items between two moves of the progress bar."""


def stdin_lines() -> Iterator[str]:
    """Yield the lines of standard input, without blank ones."""
    return (line for line in sys.stdin if line.strip())


def with_defaults(lines: Iterator[str], defaults: Mapping[str, Any]) -> Iterator[str | Mapping[str, Any]]:
    """Add the options of the command line to JSON objects that lack them. Other lines pass unchanged."""
    for line in lines:
        try:
            job = json.loads(line) if defaults else None
        except ValueError:
            job = None
        yield {**defaults, **job} if isinstance(job, dict) else line


def warned(jobs: Iterator[str | Mapping[str, Any]]) -> Iterator[str | Mapping[str, Any]]:
    """Pass on jobs, after printing warnings about their cron patterns."""
    for number, job in enumerate(jobs, 1):
        found = job
        if isinstance(job, str):
            try:
                found = json.loads(job) if '"cron"' in job else {}
            except ValueError:
                found = {}
        if isinstance(found, Mapping):
            echo_warnings(f"line {number}: {sentence}" for sentence in cron_warnings(found))
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


def report_bulk(what: str, replies: Iterable[Any]) -> None:
    """Consume the replies of bulk work, and print refusals and counts on standard error.

    Exits with 2 if a line was a user's mistake, or with 1 if there were only faults.
    """
    done, refused, exit_code = 0, 0, 0
    with progress(what) as advance:
        for number, reply in enumerate(counted(replies, advance), 1):
            if isinstance(reply, JobsError):
                click.echo(f"line {number}: {reply}", err=True)
                refused += 1
                exit_code = max(exit_code, 2 if isinstance(reply, UserError) else 1)
            else:
                done += 1
    click.echo(f"{done} {what}" + (f", {refused} refused" if refused else ""), err=True)
    if exit_code:
        click.get_current_context().exit(exit_code)
