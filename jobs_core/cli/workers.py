"""`jobs workers`: who serves a board."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import click

from jobs_core.cli.common import connected, echo_json, echo_table, json_option, open_board
from jobs_core.options import span

COLUMNS = ("worker", "state", "host", "pid", "queues", "running", "ticks", "seen")


@click.command()
@json_option
@connected
def workers(as_json: bool, url: str | None, board_name: str) -> None:
    """List workers: where they run, what they serve, how much they run, and when they were last seen.

    A worker reports every 10 seconds. Without a report for 30 seconds it is `silent`: it was killed, or it
    cannot reach Redis. A worker that stops in good order leaves the list at once, a silent one after a day.

    \b
      jobs workers
      jobs workers --json | jq -r 'select(.state == "silent").worker'
    """
    found = open_board(url, board_name).workers()
    if as_json:
        for worker in found:
            echo_json(worker)
    else:
        echo_table(COLUMNS, map(_row, found))


def _row(worker: Mapping[str, Any]) -> Iterable[Any]:
    running = f"{worker.get('running', '?')} of {worker['concurrency']}" if "concurrency" in worker else "-"
    return (
        *(worker["worker"], worker["state"], worker.get("host", "-"), worker.get("pid", "-")),
        *(", ".join(worker["queues"]), running, "yes" if worker["ticks"] else "no"),
        f"{span(max(0, int(time.time() - worker['seen'])))} ago",
    )
