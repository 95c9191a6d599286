"""Commands that list what may be much: list tasks history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.common import F, connected, json_option, open_board, schedule_text, when
from jobs_core.cli.lists import SMALL, list_options, pager_option, print_list
from jobs_core.cli.table import Column
from jobs_core.options import JOB_SORTS, JOB_STATES

if TYPE_CHECKING:
    from jobs_core.app import Board

JOB_COLUMNS = (
    Column("id"),
    Column("runner"),
    Column("schedule"),
    Column("next", whole=True),
    Column("state", whole=True),
)
TASK_COLUMNS = (
    Column("task"),
    Column("state", whole=True),
    Column("attempt", whole=True),
    Column("since", whole=True),
    Column(""),
)
HISTORY_COLUMNS = (
    Column("time", whole=True),
    Column("task"),
    Column("attempt", whole=True),
    Column("what", whole=True),
    Column("note"),
)

STATES = ("queued", "held", "delayed", "leased", "accepted", "dead")


def task_filters(function: F) -> F:
    """Give a command the filters of `Board.tasks`."""
    options = (
        click.option("--job", metavar="ID", help="Only tasks of this job."),
        click.option("--runner", metavar="NAME", help="Only tasks of this runner."),
        click.option("--queue", metavar="NAME", help="Only tasks of this queue."),
        click.option("--older-than", metavar="DURATION", help="Only those in their state for so long: 7d."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command(name="list")
@click.argument("pattern", required=False)
@click.option("--state", type=click.Choice(JOB_STATES), help="Only jobs in this state.")
@click.option(
    "--sort",
    type=click.Choice(JOB_SORTS),
    help="next: the soonest run first, then jobs without one. id: by id, which holds all ids in memory. "
    f"Default: by id on a board of up to {SMALL:,} jobs, else as Redis has them.",
)
@list_options
@connected
def list_jobs(
    pattern: str | None,
    state: str | None,
    sort: str | None,
    url: str | None,
    board_name: str,
    **options: Any,
) -> None:
    """List jobs: all, or those that match PATTERN.

    Jobs are printed as they are read. One that runs or changes meanwhile may come twice.

    \b
      jobs list 'backup-*'
      jobs list --sort next --limit 10
      jobs list --state paused
      jobs list --json | jq -r .id
    """
    board = open_board(url, board_name)
    order = sort or ("id" if board.count()["jobs"] <= SMALL else None)
    print_list(board.list(pattern, state=state, sort=order), JOB_COLUMNS, _job_row, **options)


def _job_row(job: Mapping[str, Any]) -> Iterable[Any]:
    return job["id"], job["runner"], schedule_text(job), when(job.get("next")), job["state"]


@click.command()
@click.option("--state", type=click.Choice(STATES), help="Only tasks in this state (default: all but dead).")
@task_filters
@list_options
@connected
def tasks(url: str | None, board_name: str, **options: Any) -> None:
    """List tasks that wait or run.

    With where they stand, in whose hands, and how earlier attempts fared. Up to 1,000 tasks are sorted by
    state and time. More are printed as they are read: leased first, then delayed, held and queued.

    \b
      jobs tasks --job backup
      jobs tasks --state leased --older-than 1h --limit 20
      jobs tasks --json --state accepted | jq -r .ticket
    """
    print_tasks(open_board(url, board_name), **options)


def print_tasks(board: Board, *, limit: int | None, as_json: bool, no_pager: bool, **filters: Any) -> None:
    """Print tasks: who has them, how far they are, how earlier attempts ended. Sort them if they are few."""
    counts = board.count()
    places = ("dead",) if filters.get("state") == "dead" else ("queued", "held", "delayed", "leased")
    found = board.tasks(**filters)
    if sum(counts[place] for place in places) <= SMALL:
        found = iter(sorted(found, key=lambda task: (task["state"], task.get("since") or task["due"])))
    print_list(found, TASK_COLUMNS, _task_row, limit=limit, as_json=as_json, no_pager=no_pager)


def _task_row(task: Mapping[str, Any]) -> Iterable[Any]:
    return task["id"], task["state"], task["attempt"], when(task.get("since")), _where(task)


def _where(task: Mapping[str, Any]) -> str:
    """What there is to say of a task in a few words: its worker, progress, and note or last failure."""
    words = [task["worker"]] if "worker" in task else []
    if "until" in task and task["state"] == "delayed":
        words.append(f"until {when(task['until'])}")
    if task.get("cancelling"):
        words.append("to be cancelled")
    if "progress" in task:
        words.append(f"{task['progress']:g} %")
    last = task["history"][-1] if task["history"] else None
    if "note" in task:
        words.append(task["note"])
    elif last is not None:
        words.append(f"{last['status']} {last['note'] or last['code']}".rstrip())
    return ", ".join(words)


@click.command()
@click.argument("task", required=False)
@click.option("--job", metavar="ID", help="Only tasks of this job.")
@click.option(
    "--limit",
    "--count",
    type=click.IntRange(min=1),
    metavar="N",
    default=20,
    show_default=True,
    help="Show at most N entries.",
)
@pager_option
@json_option
@connected
def history(task: str | None, job: str | None, url: str | None, board_name: str, **options: Any) -> None:
    """Show what became of tasks, the latest first.

    The board keeps about the last 10,000 entries.

    \b
      jobs history
      jobs history backup@1795441178194
      jobs history --job backup --limit 100 --json
    """
    entries = open_board(url, board_name).history(task=task, job=job)
    print_list(entries, HISTORY_COLUMNS, _history_row, **options)


def _history_row(entry: Mapping[str, Any]) -> Iterable[Any]:
    note = " ".join(filter(None, (_percent(entry), entry.get("note"))))
    return when(entry["time"]), entry["task"], entry["attempt"], entry["what"], note


def _percent(entry: Mapping[str, Any]) -> str:
    return f"{entry['progress']} %" if "progress" in entry else ""
