"""`jobs alert digest`: what has happened on a board in some days."""

from __future__ import annotations

import click

from jobs_core.alerts.digest import digest_json
from jobs_core.cli.alert import alert
from jobs_core.cli.common import connected, echo, echo_json, json_option, open_board


@alert.command()
@click.option("--days", type=float, default=7, show_default=True, help="How many days to tell of.")
@json_option
@connected
def digest(days: float, as_json: bool, url: str | None, board_name: str) -> None:
    """Tell what has happened: runs, and the jobs that failed most, were slowest, or are new.

    The counts by the hour reach back 8 days. What is told of single jobs comes from the runs that the board
    keeps: 20 of each job, unless its `history` or the board's bound `runs` says otherwise.

    \b
      jobs alert digest
      jobs alert digest --days 1 --json
    """
    found = open_board(url, board_name).alert_digest(days)
    if as_json:
        echo_json(digest_json(found))
    else:
        echo(f"{found.subject}\n\n{found.details}".rstrip("\n"))
