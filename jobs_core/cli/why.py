"""`jobs why`: say why a job ran, did not run, or will run, and why a task is where it is."""

from __future__ import annotations

import click

from jobs_core.cli.common import connected, echo, echo_json, echo_prose, json_option, open_board
from jobs_core.wording import fact_text, when


@click.command()
@click.argument("target", metavar="JOB|TASK")
@click.option(
    "--at",
    metavar="TIME",
    help="The moment: 'tue 03:00', 'yesterday 8:30', 03:00, -2h, +1d, ISO 8601 (default: now).",
)
@click.option("--proof", is_flag=True, help="Print the recorded facts behind the answer, too.")
@json_option
@connected
def why(target: str, at: str | None, proof: bool, as_json: bool, url: str | None, board_name: str) -> None:
    """Say why a job ran, did not run, or will run at a moment; or why a task is where it is.

    The answer comes from what the board has recorded: runs, changes, pauses, limits, workers, and times at
    which nobody ticked. It says so where the record does not reach back to that moment. A day and a time of
    day, such as 'sun 02:30', are local, and past unless they say next or tomorrow. A date without an offset
    is UTC: 2026-12-01T08:00 is 08:00 UTC.

    \b
      jobs why report
      jobs why report --at 'tue 03:00'
      jobs why report --at 'next mon 08:30'
      jobs why report@1763900005000 --json
    """
    found = open_board(url, board_name).why(target, at)
    if as_json:
        echo_json(found.as_dict())
        return
    echo_prose(found.text)
    if at is not None and when(found.at) not in found.text:
        echo_prose(f"The moment asked about: {when(found.at)}.")
    if not found.is_complete:
        echo_prose("The record does not reach back to that moment: this is what is known.")
    for fact in found.proof if proof else ():
        echo(f"  {fact_text(fact)}")
