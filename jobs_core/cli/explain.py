"""`jobs explain`: describe a cron pattern in English."""

from __future__ import annotations

import click

from jobs_core.cli.common import (
    echo,
    echo_json,
    echo_warnings,
    json_option,
)
from jobs_core.cron.forms import cron_warnings, zone_of


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
def explain(pattern: str, zone: str | None, dst: str, as_json: bool) -> None:
    """Describe a cron pattern in English.

    \b
      jobs explain '0 3 * * MON#1'
      jobs explain '30 8 * * MON-FRI' --zone Europe/Brussels
    """
    from jobs_core.cron.explain import explain as in_english
    from jobs_core.crontab.machine import known_zone

    options = {"cron": pattern, "zone": zone}
    used = zone_of(options)
    if used is not None:
        known_zone(used)
    sentence, warnings = in_english(pattern, dst=dst, zone=zone), cron_warnings(options)
    if as_json:
        echo_json(
            {"pattern": pattern, "explanation": sentence} | ({"warnings": warnings} if warnings else {})
        )
    else:
        echo(sentence)
        echo_warnings(warnings)
