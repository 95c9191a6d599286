"""`jobs next`: show when a job, or a schedule that does not exist yet, will run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from jobs_core.cli.common import (
    connected,
    echo,
    echo_json,
    echo_table,
    echo_warnings,
    given,
    job_options,
    json_option,
    open_board,
)
from jobs_core.cron.clock_note import clock_note
from jobs_core.cron.forms import cron_warnings, zone_of
from jobs_core.options import SCHEDULE_OPTIONS
from jobs_core.wording import when


@click.command(name="next")
@click.argument("id", required=False)
@click.option("--count", default=5, show_default=True, help="Number of runs to show.")
@click.option(
    "--from", "from_", metavar="TIME", help="Show runs after this time, even past ones (default: now)."
)
@job_options(SCHEDULE_OPTIONS)
@json_option
@connected
def next_runs(
    id: str | None,
    count: int,
    from_: str | None,
    as_json: bool,
    url: str | None,
    board_name: str,
    **options: Any,
) -> None:
    """Show the next runs of a job or schedule, or past ones.

    Times are in the time zone of the schedule, with notes where its clocks change. With an ID and a schedule,
    an H in the cron pattern stands for the same value as in that job.

    \b
      jobs next tick
      jobs next --hours 1 --decay 2 --step 1d --count 10
      jobs next --cron '30 2 * * *' --zone Europe/Brussels --from 2026-03-27
    """
    board, schedule = open_board(url, board_name), given(options)
    zone = zone_of(schedule) if schedule or id is None else board.show(id).get("zone")
    echo_warnings(cron_warnings(schedule))
    runs = [_run_fields(run, zone) for run in board.next(id, count=count, from_=from_, **schedule)]
    if not runs:
        echo("There is no next run.", err=True)
    if as_json:
        for run in runs:
            echo_json(run)
    elif zone is None:
        for run in runs:
            echo(when(run["time"]))
    else:
        rows = ((run["iso"].replace("T", " "), zone, run.get("note", "")) for run in runs)
        echo_table(("run", "zone", "note"), rows)


def _run_fields(run: datetime, zone: str | None) -> dict[str, Any]:
    """Return the fields of a run, in its time zone if it has one."""
    if zone is None:
        return {"time": run.timestamp(), "iso": run.isoformat()}
    from jobs_core.engine import zones

    # A board with newer data may know a zone that this client does not.
    local = run.astimezone(zones.zone_info(zone) if zone in zones.names() else UTC)
    described = {"time": run.timestamp(), "iso": local.isoformat(), "zone": zone}
    note = clock_note(local)
    return described | {"note": note} if note else described
