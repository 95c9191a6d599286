"""`jobs logs`: the end of what the runs of a job printed."""

from __future__ import annotations

from typing import Any

import click

from jobs_core.cli.common import connected, echo, echo_json, json_option, open_board


@click.command()
@click.argument("target", metavar="JOB|TASK")
@click.option("--follow", "-f", is_flag=True, help="Continue with each attempt that ends from now on.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Runs of a job to show.",
)
@json_option
@connected
def logs(target: str, follow: bool, limit: int, as_json: bool, url: str | None, board_name: str) -> None:
    """Show the end of what the latest run of a job printed, or a task.

    The board keeps the last 4 KiB that each run printed, the older ones while there is room: see `jobs
    retention`. Headers are on standard error, and lines on the stream they were printed to. To keep all of
    the output, and to see it while a task runs, put the job with --keep, and use `jobs output`.

    \b
      jobs logs backup
      jobs logs backup --limit 5
      jobs logs backup -f
      jobs logs backup@1795441178194
    """
    shown: tuple[Any, Any] = (None, None)
    for entry in open_board(url, board_name).logs(target, limit=limit, follow=follow):
        if as_json:
            echo_json(entry)
            continue
        attempt = (entry["task"], entry["attempt"])
        if attempt != shown and entry["attempt"] is not None:
            echo(_header(*attempt), err=True)
            shown = attempt
        if entry.get("cut"):
            echo("… the beginning is not kept …", err=True)
        else:
            echo(entry["line"], err=entry["stream"] == "stderr")


def _header(task: str, attempt: int) -> str:
    return f"== {task}" + (f", attempt {attempt}" if attempt > 1 else "")
