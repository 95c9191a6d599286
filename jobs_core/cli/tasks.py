"""Commands about tasks and queues: push count stats trim."""

from __future__ import annotations

from typing import Any

import click

from jobs_core.cli.common import (
    bulk,
    connected,
    echo_json,
    echo_table,
    given,
    job_options,
    json_option,
    open_board,
    progress,
    stdin_lines,
    stdin_option,
)
from jobs_core.cli.jobs import with_defaults
from jobs_core.errors import OptionError
from jobs_core.options import PUSH_OPTIONS


@click.command()
@click.argument("runner_or_job", required=False)
@click.argument("payload", required=False)
@job_options(PUSH_OPTIONS)
@stdin_option
@json_option
@connected
def push(
    runner_or_job: str | None,
    payload: str | None,
    from_stdin: bool,
    as_json: bool,
    url: str | None,
    board_name: str,
    **options: Any,
) -> None:
    """Queue a one-off task, or run a job now.

    Prints the id of the task. A job that is run now keeps its schedule.

    \b
      jobs push shell 'echo hi' --at +10m
      jobs push backup                        # the job of that id
      jobs push -S < tasks.jsonl              # {"runner": …, "payload": …}
    """
    board = open_board(url, board_name)
    if from_stdin:
        bulk("pushed", board.push_many(with_defaults(stdin_lines(), given(options))))
        return
    if runner_or_job is None:
        raise OptionError("push needs RUNNER PAYLOAD, the id of a job, or --stdin")
    task = board.push(runner_or_job, payload, **given(options))
    if as_json:
        echo_json({"task": task})
    else:
        click.echo(task)


@click.command()
@json_option
@connected
def count(as_json: bool, url: str | None, board_name: str) -> None:
    """Count jobs, and tasks in each state and queue.

    \b
      jobs count --json
    """
    _print_numbers(open_board(url, board_name).count(), as_json)


@click.command()
@json_option
@connected
def stats(as_json: bool, url: str | None, board_name: str) -> None:
    """Show the ledger: what became of what was due.

    It counts since the board was made: due = queued + coalesced.

    \b
      jobs stats
    """
    _print_numbers(open_board(url, board_name).stats(), as_json)


def _print_numbers(numbers: dict[str, int], as_json: bool) -> None:
    if as_json:
        echo_json(numbers)
    else:
        echo_table(("", "count"), numbers.items())


@click.command()
@click.argument("queue")
@click.option(
    "--keep", type=click.IntRange(min=0), default=0, show_default=True, help="How many tasks to keep."
)
@json_option
@connected
def trim(queue: str, keep: int, as_json: bool, url: str | None, board_name: str) -> None:
    """Drop the oldest tasks of a queue.

    \b
      jobs trim shell --keep 1000
    """
    board = open_board(url, board_name)
    with progress("dropped") as advance:
        dropped = board.trim(queue, keep, progress=advance)
    if as_json:
        echo_json({"dropped": dropped})
    else:
        click.echo(f"{dropped} dropped")
