"""`jobs explain`: describe a cron pattern in English."""

from __future__ import annotations

from typing import Any

import click

from jobs_core.cli.common import (
    echo,
    echo_json,
    echo_warnings,
    json_option,
)


@click.command()
@click.argument("pattern")
@click.option("--zone", metavar="ZONE", help="The time zone of the pattern.")
@click.option(
    "--dst",
    type=click.Choice(["vixie", "ocps"]),
    default="vixie",
    show_default=True,
    help="The rule for its day fields.",
)
@json_option
def explain(pattern: str, zone: str | None, dst: Any, as_json: bool) -> None:
    """Describe a cron pattern in English.

    \b
      jobs explain '0 3 * * MON#1'
      jobs explain '30 8 * * MON-FRI' --zone Europe/Brussels
    """
    from jobs_core.crontab.explained import explained

    found = explained(pattern, zone, dst)
    if as_json:
        echo_json(found)
    else:
        echo(found["explanation"])
        echo_warnings(found.get("warnings", ()))
