"""Commands that bound queues and runners: limit trim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from jobs_core.cli.bulk import progress
from jobs_core.cli.common import (
    because_option,
    connected,
    echo,
    echo_json,
    echo_table,
    json_option,
    open_board,
)
from jobs_core.errors import OptionError
from jobs_core.wording import rate_text

if TYPE_CHECKING:
    from jobs_core.app import Board


@click.command()
@click.argument("kind", type=click.Choice(["queue", "runner"]), required=False)
@click.argument("name", required=False)
@click.option("--concurrency", metavar="COUNT", help="Number of its tasks that may run at once.")
@click.option("--rate", metavar="RATE", help="Number of its tasks that may start in a period: 100/1m.")
@click.option("--max-length", metavar="COUNT", help="Number of tasks that may wait in a queue.")
@click.option("--none", "lift", is_flag=True, help="Remove its limit.")
@because_option
@json_option
@connected
def limit(
    kind: Any,
    name: str | None,
    concurrency: Any,
    rate: str | None,
    max_length: Any,
    lift: bool,
    because: str | None,
    as_json: bool,
    url: str | None,
    board_name: str,
) -> None:
    """Limit a queue or runner, or list limits.

    A limit applies to all workers together. To limit one job, set its own options of the same names. The
    options set the whole limit: what you leave out is not limited. A queue with --max-length rejects pushes
    beyond it, and skips runs that are due.

    \b
      jobs limit runner http --concurrency 20 --rate 100/1m
      jobs limit queue mail --max-length 100000
      jobs limit queue reports --none
      jobs limit runner http
      jobs limit
    """
    board = open_board(url, board_name)
    if kind is None:
        _print_limits(board.limits(), as_json)
        return
    if name is None or (lift and (concurrency or rate or max_length)):
        raise OptionError("limit needs queue|runner NAME and its limits, or --none.")
    if not (lift or concurrency or rate or max_length):
        _print_limit(board, kind, name, as_json)
        return
    board.limit(kind, name, concurrency=concurrency, rate=rate, max_length=max_length, because=because)


def _print_limit(board: Board, kind: str, name: str, as_json: bool) -> None:
    """Print the limit of one queue or runner, or say that it has none."""
    found = [limit for limit in board.limits() if (limit["kind"], limit["name"]) == (kind, name)]
    if found or as_json:
        none = {"kind": kind, "name": name, "concurrency": None, "rate": None, "max_length": None}
        _print_limits(found or [none], as_json)
    else:
        echo(f"the {kind} {name} has no limit")


def _print_limits(limits: Any, as_json: bool) -> None:
    if as_json:
        for limit in limits:
            echo_json(limit)
    else:
        echo_table(
            ("", "name", "concurrency", "rate", "max-length"),
            ([_limit_text(name, value) for name, value in limit.items()] for limit in limits),
        )


def _limit_text(name: str, value: Any) -> Any:
    if value is None:
        return "-"
    return rate_text(value) if name == "rate" else value


@click.command()
@click.argument("queue")
@click.option(
    "--keep", type=click.IntRange(min=0), default=0, show_default=True, help="Number of tasks to keep."
)
@because_option
@json_option
@connected
def trim(queue: str, keep: int, because: str | None, as_json: bool, url: str | None, board_name: str) -> None:
    """Drop the oldest tasks of a queue.

    \b
      jobs trim shell --keep 1000
    """
    board = open_board(url, board_name)
    with progress("dropped") as advance:
        dropped = board.trim(queue, keep, progress=advance, because=because)
    if as_json:
        echo_json({"dropped": dropped})
    else:
        echo(f"{dropped} dropped")
    if not dropped and not keep:
        echo(f"the queue {queue!r} of the board {board_name!r} has nothing to drop", err=True)
