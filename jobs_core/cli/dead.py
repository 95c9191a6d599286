"""`jobs dead`: list, show, retry and purge dead letters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.common import (
    because_option,
    connected,
    echo,
    echo_json,
    echo_table,
    given,
    json_option,
    open_board,
)
from jobs_core.cli.listing import print_tasks, task_filters
from jobs_core.cli.lists import list_options
from jobs_core.errors import NotFoundError, OptionError
from jobs_core.wording import when

if TYPE_CHECKING:
    from jobs_core.app import Board


@click.group()
def dead() -> None:
    """Work with dead letters: tasks that failed for good.

    \b
      jobs dead list --job backup
      jobs dead retry backup@1795441178194
      jobs dead purge --older-than 30d
    """


@dead.command(name="list")
@task_filters
@list_options
@connected
def list_dead(url: str | None, board_name: str, **options: Any) -> None:
    """List dead letters, with the last failure of each.

    Up to 1,000 are sorted by when they died. Longer lists are printed as they are read.

    \b
      jobs dead list --runner shell --older-than 1d
      jobs dead list --limit 20
      jobs dead list --label team=payments
    """
    print_tasks(open_board(url, board_name), state="dead", **options)


@dead.command()
@click.argument("task")
@json_option
@connected
def show(task: str, as_json: bool, url: str | None, board_name: str) -> None:
    """Show a dead letter: its options, its payload and every attempt.

    \b
      jobs dead show backup@1795441178194
    """
    board = open_board(url, board_name)
    found = list(board.dead(task=task, payload=True))
    if not found:
        raise NotFoundError(_not_found(task, board_name))
    for letter in found:
        letter |= _reported_data(board, task)
        if as_json:
            echo_json(letter)
        else:
            attempts, data = letter.pop("history"), letter.pop("data", {})
            echo_table(("", letter.pop("id")), ((name, _readable(name, letter[name])) for name in letter))
            echo_table(
                ("when", "what", "worker", "code", "note"),
                ((when(a["time"]), a["status"], a["worker"], a["code"], a["note"]) for a in attempts),
            )
            for name, value in data.items():
                echo(f"\n{name}:\n{value}")


def _reported_data(board: Board, task: str) -> dict[str, Any]:
    """Return the data of the last report, such as a traceback, as far as the history reaches."""
    ends = (entry for entry in board.history(task=task) if entry["what"] == "dead")
    data = next(ends, {}).get("data")
    return {"data": data} if data else {}


@dead.command()
@click.argument("tasks", nargs=-1)
@task_filters
@click.option("--all", "everything", is_flag=True, help="Select all dead letters.")
@because_option
@json_option
@connected
def retry(**arguments: Any) -> None:
    """Queue dead letters again, under the same ids.

    Attempts start again at 1.

    \b
      jobs dead retry backup@1795441178194
      jobs dead retry --runner http
      jobs dead retry --label team=payments
    """
    _act("retried", lambda board, filters: board.dead_retry(**filters), **arguments)


@dead.command()
@click.argument("tasks", nargs=-1)
@task_filters
@click.option("--all", "everything", is_flag=True, help="Select all dead letters.")
@because_option
@json_option
@connected
def purge(**arguments: Any) -> None:
    """Delete dead letters.

    \b
      jobs dead purge --older-than 30d
    """
    _act("purged", lambda board, filters: board.dead_purge(**filters), **arguments)


def _act(
    what: str,
    act: Callable[[Any, dict[str, Any]], int],
    *,
    tasks: tuple[str, ...],
    everything: bool,
    because: str | None,
    as_json: bool,
    url: str | None,
    board_name: str,
    **filters: Any,
) -> None:
    chosen = given(filters)
    if not (tasks or chosen or everything):
        raise OptionError(
            "Select dead letters: pass task ids, --job, --runner, --queue, --label, --older-than, or --all."
        )
    if everything and (tasks or chosen):
        raise OptionError("--all selects every dead letter. Remove the ids and filters.")
    board = open_board(url, board_name)
    total = 0
    chosen_tasks: list[dict[str, Any]] = [{"task": task} for task in tasks]
    for filter in chosen_tasks or [{"all": everything}]:
        count = act(board, filter | chosen | {"because": because})
        if "task" in filter and not count:
            raise NotFoundError(_not_found(filter["task"], board_name) + _meant_job(board, filter["task"]))
        total += count
    if as_json:
        echo_json({what: total})
    else:
        echo(f"{total} {what}")


def _not_found(task: str, board_name: str) -> str:
    return f"there is no dead letter {task!r} on the board {board_name!r}"


def _meant_job(board: Board, id: str) -> str:
    """Return advice for those who gave the id of a job."""
    return f": to select those of the job {id!r}, pass --job" if any(board.dead(job=id)) else ""


def _readable(name: str, value: Any) -> Any:
    return when(value) if name in ("due", "since") else value
