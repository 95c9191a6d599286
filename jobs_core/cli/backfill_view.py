"""How `jobs backfill` shows its plan and its progress."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jobs_core.cli.common import echo, echo_json
from jobs_core.types import Backfill, Occurrence
from jobs_core.wording import when

if TYPE_CHECKING:
    from jobs_core.app import Board

SHOWN = 20
"""How many occurrences a dry run lists."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


def as_fields(found: Backfill) -> dict[str, Any]:
    """Return the fields of a backfill for JSON, with the words of the command line."""
    words = {"start": "from", "stop": "to"}
    return {words.get(name, name): value for name, value in asdict(found).items() if value is not None}


def counts(found: Backfill) -> str:
    """Return the counts of a backfill as one line."""
    done = found.done + found.unleased
    line = f"{done} done, {found.failed} failed, {found.left} left, {found.running} running"
    cancelled = found.dead + found.cancelled - found.failed
    return (
        line
        + (f", {cancelled} cancelled" if cancelled else "")
        + (f", {found.ran} ran already" if found.ran else "")
        + (", its job was removed" if found.removed else "")
    )


def show_plan(found: Sequence[Occurrence], zone: str | None, unknown: bool, as_json: bool) -> None:
    """Print what a backfill would run, what ran, and what is unknown. Times are in the zone of the job."""
    if as_json:
        for one in found:
            echo_json({"due": one.due, "state": one.state})
        return
    chosen = [one for one in found if one.state == "missed" or (unknown and one.state == "unknown")]
    for one in chosen[:SHOWN]:
        echo(_when(one.due, zone))
    if len(chosen) > SHOWN:
        echo(f"… and {len(chosen) - SHOWN} more: --json shows all")
    echo(f"{len(chosen)} would run" + _span(chosen, zone))
    states = Counter(one.state for one in found)
    for state, words in (("ran", "ran already"), ("unknown", "unknown: the history no longer reaches them")):
        if states[state] and not (state == "unknown" and unknown):
            echo(f"{states[state]} {words}" + _span([one for one in found if one.state == state], zone))


def _when(due: float, zone: str | None) -> str:
    from jobs_core.engine import zones  # imports redis, which a command that is only listed does not need

    if zone is None or zone not in zones.names():
        return when(due)
    return datetime.fromtimestamp(due, zones.zone_info(zone)).isoformat(sep=" ", timespec="seconds")


def _span(found: Sequence[Occurrence], zone: str | None) -> str:
    return f", from {_when(found[0].due, zone)} to {_when(found[-1].due, zone)}" if found else ""


def follow(board: Board, id: str, as_json: bool) -> int:
    """Show a backfill until it is over. Returns the exit code: 1 if a task ended otherwise than done."""
    try:
        with _display(as_json) as show:
            for found in board.backfill_watch(id):
                show(found)
    except KeyboardInterrupt:
        hint = f"`jobs backfill watch {id}` watches it, `jobs backfill cancel {id}` cancels it."
        echo(f"The backfill {id} goes on: {hint}", err=True)
        return INTERRUPTED
    if found.unknown:
        echo(f"{found.unknown} left out: the history no longer tells whether they ran (--unknown)", err=True)
    return int(found.failed > 0 or found.state != "done")


@contextmanager
def _display(as_json: bool) -> Iterator[Callable[[Backfill], None]]:
    """Provide a function that shows a backfill: a bar on a terminal, else a line each time it has changed."""
    if as_json:
        yield lambda found: echo_json(as_fields(found))
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield lambda found: echo(f"{found.state}: {counts(found)}")


@contextmanager
def _bar() -> Iterator[Callable[[Backfill], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        bar = bars.add_task("planning", total=None)

        def show(found: Backfill) -> None:
            total = None if found.state == "planning" else found.total
            ended = found.done + found.unleased + found.dead + found.cancelled
            bars.update(bar, total=total, completed=ended, description=counts(found))

        yield show
