"""Compare a forecast with what a worker then runs: `python -m bench.forecast_check --minutes 60`.

A board of jobs of every kind runs for a while, so that the board learns how long they take. Then the coming
minutes are forecast, and the worker goes on. In the end, the runs of each job are compared.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from jobs_core import Board
from jobs_core.embedded import EmbeddedServer

WARM_UP = 150.0
"""Seconds in which the board learns durations."""

JOBS: dict[str, dict[str, Any]] = {
    "every-5s": {"every": 5},
    "every-7s": {"every": 7},
    "every-minute": {"cron": "* * * * *"},
    "every-10s-of-cron": {"cron": "*/10 * * * * *"},
    "spread": {"cron": "H/2 * * * *"},
    "zoned": {"cron": "*/3 * * * *", "zone": "Australia/Lord_Howe"},
    "jittered": {"every": 30, "jitter": 10},
    "decaying": {"every": 10, "decay": 1.5, "step": 600},
    "repeated": {"every": 20, "repeat": 100},
    "paused": {"every": 5, "paused": 1},
    "manual": {},
    "overlap-skip": {"every": 5, "overlap": "skip", "line": "sleep 7.5"},
    "overlap-queue": {"every": 5, "overlap": "queue", "line": "sleep 7.5"},
    "one-at-a-time": {"every": 4, "concurrency": 1, "line": "sleep 2.5"},
    "limited-queue-a": {"every": 6, "queue": "narrow", "line": "sleep 1.5"},
    "limited-queue-b": {"every": 9, "queue": "narrow", "line": "sleep 1.5"},
    "rated": {"every": 10, "rate": "10/1m"},
    "load": {"cron": "* * * * *", "line": "sleep 1.2"},
    "clean": {"after": "load"},
    "report": {"after": "load,clean"},
    "timed-child": {"cron": "30 * * * * *", "after": "load"},
}
"""The jobs by id: their options, and the line that they run, unless it is `true`."""


@click.command()
@click.option(
    "--minutes", type=click.FloatRange(min=1), default=60, show_default=True, help="How long to compare."
)
def main(minutes: float) -> None:
    """Print what each job was forecast to do and what it did, as JSON. Exit code 1 if they differ."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(Path(folder)) as server:
        board = Board("jobs", server.url)
        board.retain(runs=1000)
        board.limit("queue", "narrow", concurrency=1)
        for id, options in JOBS.items():
            line = options.get("line", "true")
            board.put(id, "shell", line, history=1000, **{k: v for k, v in options.items() if k != "line"})
        words = ("run", "--url", server.url, "--concurrency", "50", "--runner", "shell", "--queue", "narrow")
        worker = subprocess.Popen(
            [sys.executable, "-c", "from jobs_core.cli import main; main()", *words, "--log", "json"],
            stdout=subprocess.DEVNULL,
        )
        try:
            time.sleep(WARM_UP)
            found = board.forecast(minutes / 1440)
            time.sleep(max(0.0, found.end + 90 - time.time()))
        finally:
            worker.terminate()
            worker.wait()
        counts = {job.id: job for job in found.jobs}
        differences = {}
        for id in JOBS:
            actual = _count(board, id, found.begin, found.end)
            expected = {"runs": counts[id].runs, "skipped": counts[id].skipped}
            click.echo(json.dumps({"job": id, "forecast": expected, "ran": actual}))
            if actual != expected:
                differences[id] = (expected, actual)
        click.echo(
            json.dumps({"guesses": [str(guess) for guess in found.guesses], "differ": list(differences)})
        )
        sys.exit(1 if differences else 0)


def _count(board: Board, job: str, begin: float, end: float) -> Mapping[str, int]:
    """Count the runs of a job that began in a span, and the occurrences that were skipped in it."""
    runs = list(board.runs(job))
    started = sum(1 for run in runs if run.started is not None and begin <= run.started < end)
    skipped = sum(run.count for run in runs if run.outcome == "skipped" and begin <= run.due < end)
    return {"runs": started, "skipped": skipped}


if __name__ == "__main__":
    main()
