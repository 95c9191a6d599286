"""Commands that save and restore all jobs and alerts of a board: dump load."""

from __future__ import annotations

import click

from jobs_core.cli.bulk import Lines, counted, progress, report_bulk
from jobs_core.cli.common import connected, open_board
from jobs_core.cli.lists import json_lines, print_texts


@click.command()
@connected
def dump(url: str | None, board_name: str) -> None:
    """Write all jobs and alerts as JSON, one per line.

    The dump includes the state of jobs: the next run, the runs left, and whether they are paused. It does not
    include what alerts are telling of.

    \b
      jobs dump > board.jsonl
    """
    board = open_board(url, board_name)
    with progress("dumped", total=board.count()["jobs"]) as advance:
        print_texts(json_lines(counted(board.dump(), advance)))


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), default="-")
@connected
def load(file: str, url: str | None, board_name: str) -> None:
    """Restore jobs and alerts from a dump, with the state of the jobs.

    \b
      jobs load board.jsonl
      jobs dump --board old | jobs load --board new
    """
    lines = Lines(file)
    report_bulk("loaded", lines, open_board(url, board_name).load(lines))
