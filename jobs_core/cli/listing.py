"""Commands that print lists of any length: list tasks history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.common import (
    F,
    connected,
    echo,
    given,
    json_option,
    open_board,
)
from jobs_core.cli.job_table import COLUMNS, job_row
from jobs_core.cli.label_option import label_option, task_label_option
from jobs_core.cli.lists import SMALL, list_options, pager_option, print_list
from jobs_core.cli.table import Column
from jobs_core.options import JOB_SORTS, JOB_STATES, TASK_STATES, JobSort, JobState
from jobs_core.wording import when

if TYPE_CHECKING:
    from jobs_core.app import Board

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


def task_filters(function: F) -> F:
    """Add the filters of `Board.tasks` to a command."""
    options = (
        click.option("--job", metavar="ID", help="Only tasks of this job."),
        click.option("--runner", metavar="NAME", help="Only tasks of this runner."),
        click.option("--queue", metavar="NAME", help="Only tasks of this queue."),
        task_label_option,
        click.option("--older-than", metavar="DURATION", help="Only tasks in their state for longer: 7d."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command(name="list")
@click.argument("pattern", required=False)
@label_option
@click.option("--failing", is_flag=True, default=None, help="Only jobs whose last run did not succeed.")
@click.option(
    "--late", is_flag=True, default=None, help="Only jobs with a run overdue by more than 5 seconds."
)
@click.option("--running", is_flag=True, default=None, help="Only jobs with a task that a worker holds.")
@click.option("--paused", is_flag=True, default=None, help="Only paused jobs.")
@click.option("--runner", metavar="NAME", help="Only jobs of this runner.")
@click.option("--text", metavar="WORDS", help="Only jobs with these words in id, description or a label.")
@click.option("--state", type=click.Choice(JOB_STATES), help="Only jobs in this state.")
@click.option(
    "--sort",
    type=click.Choice(JOB_SORTS),
    help="next: soonest run first, then jobs without a next run. id: by id, with all ids in memory. "
    f"Default: by id for up to {SMALL:,} jobs, else in the order of Redis.",
)
@click.option("--wide", is_flag=True, help="Show all columns and cut nothing, however narrow the terminal.")
@list_options
@connected
def list_jobs(
    pattern: str | None,
    state: JobState | None,
    sort: JobSort | None,
    wide: bool,
    url: str | None,
    board_name: str,
    limit: int | None,
    as_json: bool,
    no_pager: bool,
    **filters: Any,
) -> None:
    """List all jobs, or those that match PATTERN and all filters.

    `last` is how the last run ended, and when; `took` is how long its last attempt ran. `failures` counts the
    runs in a row that have died. A narrow terminal has no room for schedule and runner: see --wide.

    Jobs are printed as they are read. A job that runs or changes meanwhile may appear twice. --label,
    --failing, --late and --running find jobs by an index. The other filters read all jobs, unless combined
    with one of these.

    A job is late if its next run is not queued yet, or waits in a queue or for a limit, more than 5 seconds
    after it was due.

    \b
      jobs list 'backup-*'
      jobs list --sort next --limit 10
      jobs list --label team=payments --failing
      jobs list --paused --text 'data team'
      jobs list --json | jq -r .id
    """
    board = open_board(url, board_name)
    order = sort or ("id" if board.count()["jobs"] <= SMALL else None)
    found = board.list(pattern, state=state, sort=order, summary=True, **given(filters))
    print_list(found, COLUMNS, job_row, limit=limit, as_json=as_json, no_pager=no_pager, whole=wide)


@click.command()
@click.option(
    "--state", type=click.Choice(TASK_STATES), help="Only tasks in this state (default: all but dead)."
)
@task_filters
@click.option("--worker", metavar="NAME", help="Only tasks that this worker holds.")
@list_options
@connected
def tasks(url: str | None, board_name: str, **options: Any) -> None:
    """List waiting and running tasks.

    Each line shows the state, the worker, and how the last attempt ended. Up to 1,000 tasks are sorted by
    state and time. Longer lists are printed as they are read: leased, delayed, held, then queued.

    \b
      jobs tasks --job backup
      jobs tasks --label team=payments
      jobs tasks --state leased --older-than 1h --limit 20
      jobs tasks --json --state accepted | jq -r .ticket
    """
    print_tasks(open_board(url, board_name), **options)


def print_tasks(board: Board, *, limit: int | None, as_json: bool, no_pager: bool, **filters: Any) -> None:
    """Print tasks. Up to SMALL of them are sorted by state and time."""
    counts = board.count()
    states = ("dead",) if filters.get("state") == "dead" else ("queued", "held", "delayed", "leased")
    found = board.tasks(**filters)
    if sum(counts[state] for state in states) <= SMALL:
        found = iter(sorted(found, key=lambda task: (task["state"], task.get("since") or task["due"])))
    print_list(found, TASK_COLUMNS, _task_row, limit=limit, as_json=as_json, no_pager=no_pager)


def _task_row(task: Mapping[str, Any]) -> Iterable[Any]:
    return task["id"], task["state"], task["attempt"], when(task.get("since")), _task_note(task)


def _task_note(task: Mapping[str, Any]) -> str:
    """Describe a task in a few words: its worker, its progress, and its note or last failure."""
    words = [task["worker"]] if "worker" in task else []
    if "until" in task and task["state"] == "delayed":
        words.append(f"until {when(task['until'])}")
    if task.get("cancelling"):
        words.append("cancelling")
    if "progress" in task:
        words.append(f"{task['progress']:g} %")
    last = task["history"][-1] if task["history"] else None
    if "note" in task:
        words.append(task["note"])
    elif last is not None:
        words.append(_attempt_text(last))
    return ", ".join(words)


def _attempt_text(attempt: Mapping[str, Any]) -> str:
    """Describe how an attempt ended: `failed exit 1`, or `lost` where the code repeats the status."""
    status, reason = attempt["status"], attempt["note"] or attempt["code"]
    return status if reason in ("", status) else f"{status} {reason}"


@click.command()
@click.argument("task", required=False)
@click.option("--job", metavar="ID", help="Only tasks of this job.")
@label_option
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
def history(
    task: str | None,
    job: str | None,
    label: list[str] | None,
    url: str | None,
    board_name: str,
    **options: Any,
) -> None:
    """Show what happened to tasks, latest first.

    The board keeps about the last 10,000 entries.

    \b
      jobs history
      jobs history backup@1795441178194
      jobs history --job backup --limit 100 --json
      jobs history --label team=payments
    """
    entries = open_board(url, board_name).history(task=task, job=job, label=label)
    first = next(entries, None)
    if first is None and (task or job or label):
        what = f"task {task!r}" if task else f"job {job!r}" if job else f"label {', '.join(label or ())}"
        echo(f"the history of the board {board_name!r} has nothing of the {what}", err=True)
        return
    print_list(chain(() if first is None else (first,), entries), HISTORY_COLUMNS, _history_row, **options)


def _history_row(entry: Mapping[str, Any]) -> Iterable[Any]:
    note = " ".join(filter(None, (_percent(entry), entry.get("note"))))
    return when(entry["time"]), entry["task"], entry["attempt"], entry["what"], note


def _percent(entry: Mapping[str, Any]) -> str:
    return f"{entry['progress']} %" if "progress" in entry else ""
