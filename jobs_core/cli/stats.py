"""Commands that show a board's numbers: count stats."""

from __future__ import annotations

import click

from jobs_core.cli.common import connected, echo_json, echo_table, json_option, open_board


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
@click.option("--job", metavar="ID", help="Show the ledger of this job only.")
@json_option
@connected
def stats(job: str | None, as_json: bool, url: str | None, board_name: str) -> None:
    """Show the ledger: what happened to every due run.

    The ledger counts since the board was created, and it always adds up. `jobs doctor --ledger` proves it:

    \b
      due = queued + coalesced + skipped
      queued = done + dead + cancelled + unleased + in_flight

    `failed` counts failures that the next worker decides on. If a worker decides at once, it counts as
    `retried` or `dead`. `unleased` counts tasks of policy none, which nobody reports on. `doubled` counts
    tasks that were handed out again after their lease was lost. `waiting` counts runs that wait for other
    jobs, which are due once they stop waiting. `skipped:late` and others say why runs were skipped.

    \b
      jobs stats
      jobs stats --job backup --json
    """
    _print_numbers(open_board(url, board_name).stats(job), as_json)


def _print_numbers(numbers: dict[str, int], as_json: bool) -> None:
    if as_json:
        echo_json(numbers)
    else:
        echo_table(("", "count"), numbers.items())
