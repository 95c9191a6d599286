"""Shell commands in one worker process: their rate, and how fast jobs due in the same minute start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from bench.harness import Result, empty, open_board, put_all, seconds
from jobs_core import Board, Event, Logger, Worker
from jobs_core.errors import JobsError
from jobs_core.plugins.manager import Plugins

MOST = 3000
"""Maximum number of commands, however many jobs other measurements use."""

TOGETHER = 300
"""Jobs that are due in the same instant."""

LEAD = 4
"""Seconds from putting the jobs until they are due. The worker starts meanwhile."""

PATIENCE = 180
"""Seconds after which a worker that has not ended counts as stuck."""

MARK = ': > "$MARKS/$JOBS_JOB_ID"'
"""A command that creates a file, whose time tells when it ran, without starting another program."""


def measure(board: Board, count: int, url: str) -> Iterator[Result]:
    """Measure shell commands; the floor is the same commands run by `subprocess` on as many threads."""
    count = min(count, MOST)
    for concurrency in (10, 50):
        floor_took = seconds(lambda size=concurrency: _run_by_hand(size, ["true"] * count))  # type: ignore[misc]
        took = _time_worker(board, url, concurrency, count)
        name = f"shell commands, concurrency {concurrency}"
        yield Result(name, count / took, "a second", count / floor_took, "≥ 0.7 of the floor")
    for concurrency in (10, 50, TOGETHER):
        name = f"{TOGETHER} shell jobs of one minute, concurrency {concurrency}: the last starts after"
        yield Result(
            name, _last_start(board, url, concurrency), "ms", _last_start_by_hand(concurrency), "≤ 300"
        )


# The floor


def _run_by_hand(threads: int, lines: list[str]) -> None:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(_run_one, lines))


def _run_one(line: str) -> None:
    """Run one command with input, output and a session, like the runner, but nothing else."""
    subprocess.run(["/bin/sh", "-c", line], input=b"\n", capture_output=True, start_new_session=True)


def _last_start_by_hand(threads: int) -> float:
    """Return the ms until the last command has started."""
    with tempfile.TemporaryDirectory() as marks:
        started = time.time()
        _run_by_hand(threads, [f": > {marks}/{number}" for number in range(TOGETHER)])
        return _time_to_last_mark(marks, started)


# The worker


def _time_worker(board: Board, url: str, concurrency: int, count: int) -> float:
    """Return the seconds that a worker process takes for `count` commands, from the start of the first."""
    empty(board)
    for reply in board.push_many({"runner": "shell", "payload": "true"} for _ in range(count)):
        if isinstance(reply, JobsError):
            raise reply
    took = _run_worker(url, concurrency, count)
    if board.stats()["done"] != count:
        raise RuntimeError("not every command succeeded")
    return took


def _last_start(board: Board, url: str, concurrency: int) -> float:
    """Return the ms from the instant at which all jobs are due to the start of the last command."""
    empty(board)
    due = int(time.time()) + LEAD
    pattern = datetime.fromtimestamp(due, UTC).strftime("%-S %-M %-H * * *")
    put_all(board, _jobs(pattern))
    with tempfile.TemporaryDirectory() as marks:
        _run_worker(url, concurrency, TOGETHER, MARKS=marks)
        return _time_to_last_mark(marks, due)


def _jobs(pattern: str) -> list[str]:
    job = {"runner": "shell", "payload": MARK, "cron": pattern}
    return [json.dumps({"id": f"job-{number}", **job}) for number in range(TOGETHER)]


def _time_to_last_mark(marks: str, since: float) -> float:
    """Return the ms from `since` (epoch seconds) to the newest mark."""
    times = [mark.stat().st_mtime for mark in Path(marks).iterdir()]
    if len(times) != TOGETHER:
        raise RuntimeError(f"only {len(times)} of {TOGETHER} commands left their mark")
    return 1000 * (max(times) - since)


def _run_worker(url: str, concurrency: int, count: int, **environment: str) -> float:
    """Run a worker in its own process. Returns the seconds from the start of its first command to its end."""
    command = [sys.executable, "-m", "bench.shell", url, str(concurrency), str(count)]
    ended = subprocess.run(
        command, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE
    )
    return float(ended.stdout)


def work(url: str, concurrency: int, count: int) -> float:
    """Run a worker until `count` tasks have ended. Returns the seconds from the start of the first."""
    ended, began = 0, 0.0

    def write(event: Event) -> None:
        nonlocal ended, began
        if event.kind == "task.started":
            began = began or time.monotonic()
        elif event.kind == "task.finished":  # emitted only by the worker's own thread
            ended += 1
            if ended == count:
                worker.stop()

    runner = Plugins.load().runner("shell")
    worker = Worker(open_board(url), [runner], concurrency=concurrency, loggers=[Logger("count", write)])
    worker.run()
    return time.monotonic() - began


if __name__ == "__main__":
    print(work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
