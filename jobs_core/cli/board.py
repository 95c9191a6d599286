"""Commands about the board as a whole: count stats limit trim."""

from __future__ import annotations

from typing import Any

import click

from jobs_core.cli.common import connected, echo_json, echo_table, json_option, open_board, progress
from jobs_core.errors import OptionError


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
@click.option("--job", metavar="ID", help="The ledger of this job alone.")
@json_option
@connected
def stats(job: str | None, as_json: bool, url: str | None, board_name: str) -> None:
    """Show the ledger: what became of what was due.

    It counts since the board was made, and adds up; `jobs doctor --ledger` proves it:

    \b
      due = queued + coalesced + skipped
      queued = done + dead + cancelled + unleased + in_flight

    `unleased` are of policy none, which nobody reports on. `doubled` were handed out again after their lease
    was lost.

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


@click.command()
@click.argument("kind", type=click.Choice(["queue", "runner"]), required=False)
@click.argument("name", required=False)
@click.option("--concurrency", metavar="COUNT", help="How many of its tasks may run at once.")
@click.option("--rate", metavar="RATE", help="How many may start in a period: 100/1m.")
@click.option("--none", "lift", is_flag=True, help="Lift its limit.")
@json_option
@connected
def limit(
    kind: Any,
    name: str | None,
    concurrency: Any,
    rate: str | None,
    lift: bool,
    as_json: bool,
    url: str | None,
    board_name: str,
) -> None:
    """Limit a queue or runner, or list limits.

    They hold over all workers. A job is limited by its own options of the same names.

    \b
      jobs limit runner http --concurrency 20 --rate 100/1m
      jobs limit queue reports --none
      jobs limit
    """
    board = open_board(url, board_name)
    if kind is None:
        _print_limits(board.limits(), as_json)
        return
    if name is None or lift == bool(concurrency or rate):
        raise OptionError("limit needs queue|runner NAME, and --concurrency, --rate or both, or --none")
    board.limit(kind, name, concurrency=concurrency, rate=rate)


def _print_limits(limits: Any, as_json: bool) -> None:
    if as_json:
        for found in limits:
            echo_json(found)
    else:
        echo_table(("", "name", "concurrency", "rate"), (found.values() for found in limits))


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
