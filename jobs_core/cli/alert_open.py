"""`jobs alert open`: what alerts tell of now."""

from __future__ import annotations

from itertools import islice

import click

from jobs_core.alerts import incident_json
from jobs_core.cli.alert import alert, complete_alert
from jobs_core.cli.common import connected, echo, echo_json, echo_table, json_option, open_board
from jobs_core.wording import when


@alert.command("open")
@click.argument("name", required=False, shell_complete=complete_alert)
@click.option("--job", metavar="ID", help="List only what is about this job, or about its queue.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="List at most N."
)
@json_option
@connected
def open_(
    name: str | None, job: str | None, limit: int, as_json: bool, url: str | None, board_name: str
) -> None:
    """List what alerts tell of now: of all, or of the one called NAME. What is over at once is not listed.

    `since` is since when it goes on, `told` when it was told last, `times` how often it was told, and `more`
    how often it was seen since. With --json, times are in epoch seconds.

    \b
      jobs alert open
      jobs alert open ops
      jobs alert open --job backup --json
    """
    found = list(islice(open_board(url, board_name).alert_open(name, job=job), limit + 1))
    if as_json:
        for one in found[:limit]:
            echo_json(incident_json(one))
        return
    rows = (
        (one.alert, one.kind, one.about, when(one.since), when(one.told), one.times, one.more)
        for one in found[:limit]
    )
    echo_table(("alert", "what", "about", "since", "told", "times", "more"), rows)
    if len(found) > limit:
        echo(f"There are more. See them with `--limit {limit * 10}`.")
