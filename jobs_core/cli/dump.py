"""Commands that save and restore a board: dump load."""

from __future__ import annotations

import click

from jobs_core.cli.bulk import Lines, counted, progress, report_bulk
from jobs_core.cli.common import connected, open_board
from jobs_core.cli.lists import json_lines, print_texts


@click.command()
@click.option(
    "--ledger", is_flag=True, help="Also write the ledger, to move the board: stop its workers first."
)
@connected
def dump(ledger: bool, url: str | None, board_name: str) -> None:
    """Write all jobs and alerts as JSON, one per line.

    The dump includes the state of jobs: the next run, the runs left, and whether they are paused. It does not
    include what alerts are telling of.

    With --ledger, it also includes what the board has counted, the history and the runs of its jobs, waiting
    and delayed tasks, dead letters, backfills, changes, bounds and limits. No task may be running.

    \b
      jobs dump > board.jsonl
      jobs dump --ledger > moved.jsonl
    """
    board = open_board(url, board_name)
    total = None if ledger else board.count()["jobs"]
    with progress("dumped", total=total) as advance:
        print_texts(json_lines(counted(board.dump(ledger=ledger), advance)))


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), default="-")
@connected
def load(file: str, url: str | None, board_name: str) -> None:
    """Restore jobs and alerts from a dump, with the state of the jobs.

    A dump with a ledger needs a board without one. If it is interrupted, load the same file again.

    \b
      jobs load board.jsonl
      jobs dump --board old | jobs load --board new
    """
    lines = Lines(file)
    report_bulk("loaded", lines, open_board(url, board_name).load(lines))
