"""What `jobs show` tells of a job: its options, what it waits for, and how its last runs ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.common import echo_table
from jobs_core.cli.lists import table_lines
from jobs_core.cli.runs import RUN_COLUMNS, run_as_dict, run_row
from jobs_core.wording import duration_text, parent_text, readable, waiting_text

if TYPE_CHECKING:
    from jobs_core.app import Board
    from jobs_core.runs import Summary

LAST_RUNS = 5
"""How many runs are shown of each job."""

RELATION = ("met", "parents", "missing", "waiting")
"""What is added of the dependencies of a job."""

TIMES = ("last_done", "median", "p95")
"""What is added of a summary, where it is known."""


def read_details(board: Board, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield jobs as `Board.show` returns them, with what they wait for, and their last runs."""
    summaries = board.summary(*ids)
    for id in ids:
        job = board.show(id)
        if "after" in job:
            relation = board.when(id)
            job |= {name: relation[name] for name in RELATION if name in relation}
        if id in summaries:
            job |= _history(board, summaries[id])
        yield job


def _history(board: Board, summary: Summary) -> dict[str, Any]:
    known = {name: getattr(summary, name) for name in TIMES if getattr(summary, name) is not None}
    last = {"last": run_as_dict(summary.last)} if summary.last else {}
    runs = [run_as_dict(run) for run in board.runs(summary.id, limit=LAST_RUNS)]
    return {**last, "failures": summary.failures, **known, "runs": runs}


def echo_details(job: Mapping[str, Any]) -> None:
    """Print a job as a table, and below its last runs."""
    echo_table(("", job["id"]), _rows(job))
    if job.get("runs"):
        click.echo()
        for line in table_lines(RUN_COLUMNS, map(run_row, job["runs"])):
            click.echo(line, nl=False, color=True)


def _rows(job: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a job for people."""
    for name, value in job.items():
        match name:
            case "id" | "etag" | "last" | "last_done" | "p95" | "runs":
                continue
            case "parents":
                yield from (("ended", parent_text(parent)) for parent in value)
            case "waiting":
                yield name, waiting_text(value)
            case "failures":
                if value:
                    yield name, f"{value} in a row" if value > 1 else "1"
            case "median":
                yield "takes", _usual_text(duration_text(value), duration_text(job["p95"]))
            case _:
                yield name, readable(name, value)


def _usual_text(median: str, most: str) -> str:
    return median if median == most else f"{median}, 95 in 100 runs at most {most}"
