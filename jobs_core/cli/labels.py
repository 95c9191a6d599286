"""`jobs labels`: the labels in use."""

from __future__ import annotations

import click

from jobs_core.cli.common import connected, echo_json, echo_table, json_option, open_board


@click.command()
@json_option
@connected
def labels(as_json: bool, url: str | None, board_name: str) -> None:
    """List the labels of jobs, with the number of jobs that have each.

    \b
      jobs put report shell ./report --every 1h --label team=payments
      jobs labels
      jobs list --label team=payments
    """
    counts = open_board(url, board_name).labels()
    if as_json:
        for label, count in counts.items():
            echo_json({"label": label, "jobs": count})
    else:
        echo_table(("label", "jobs"), counts.items())
