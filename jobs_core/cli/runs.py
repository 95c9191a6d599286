"""`jobs runs`: the latest runs of a job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import click

from jobs_core.cli.common import connected, echo, open_board
from jobs_core.cli.lists import list_options, print_list
from jobs_core.cli.outcomes import outcome_color
from jobs_core.cli.table import Column
from jobs_core.runs import Run
from jobs_core.wording import duration_text, local_time

RUN_COLUMNS = (
    Column("due", whole=True),
    Column("late", whole=True),
    Column("took", whole=True),
    Column("outcome", whole=True, color=outcome_color),
    Column("attempts", whole=True),
    Column("note"),
    Column("code", optional=True),
    Column("worker", optional=True),
)
"""The columns from left to right. The note, or else the code, says why."""


@click.command()
@click.argument("job")
@list_options
@connected
def runs(job: str, url: str | None, board_name: str, **options: Any) -> None:
    """Show the latest runs of a job, latest first: when due, how late they started, how long they took.

    Occurrences that had no run are shown, too: those that were skipped or coalesced, with the reason. The
    board keeps 20 runs for each job: see `jobs retention runs`, and the option --history of a job. Times are
    local.

    \b
      jobs runs backup
      jobs runs backup --limit 5 --json
    """
    found = open_board(url, board_name).runs(job, limit=options["limit"])
    items = [run_as_dict(run) for run in found]
    if not items and not options["as_json"]:
        echo(f"no runs of the job {job!r} are known", err=True)
        return
    print_list(iter(items), RUN_COLUMNS, run_row, **options)


def run_as_dict(run: Run) -> dict[str, Any]:
    """Return what is known of a run, with `late` and `took`."""
    known = asdict(run) | {"late": run.late, "took": run.took}
    return {
        name: value for name, value in known.items() if value not in (None, "") and not _is_unused(name, run)
    }


def _is_unused(name: str, run: Run) -> bool:
    return name == ("count" if run.task else "attempts")


def run_row(run: Mapping[str, Any]) -> Iterable[Any]:
    """Return the cells of a run."""
    return (
        *(
            local_time(run["due"]),
            duration_text(run.get("late")),
            duration_text(run.get("took")),
            run["outcome"],
        ),
        *(run.get("attempts", ""), _note(run), run.get("code", ""), run.get("worker", "")),
    )


def _note(run: Mapping[str, Any]) -> str:
    if "reason" in run:
        many = f", {run['count']} times until {local_time(run['through'])}" if run["count"] > 1 else ""
        return str(run["reason"]) + many
    held = f"held by {run['held']['limit']}" if "held" in run else ""
    return ", ".join(filter(None, (run.get("note") or run.get("code"), held)))
