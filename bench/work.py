"""Taking and reporting tasks, in one worker process with a runner that does nothing."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator

from bench import floor
from bench.harness import PAYLOAD, Result, empty, open_board, scripts, seconds
from jobs_core import Board, Context, Outcome, Runner, Task, Worker
from jobs_core.errors import JobsError

MOST = 50000
"""Maximum number of tasks, however many jobs other measurements use."""

PATIENCE = 120
"""Seconds after which a worker that has not ended counts as stuck."""


def measure(board: Board, count: int, url: str) -> Iterator[Result]:
    """Process pushed tasks. The floor pops, stores and deletes strings, as many at a time."""
    count = min(count, MOST)
    for concurrency in (10, 100):
        empty(board)
        floor.push(board.client, count, PAYLOAD)
        floor_took = seconds(lambda size=concurrency: floor.work(board.client, size))  # type: ignore[misc]
        empty(board)
        _push(board, count)
        with scripts(board.client) as run:
            took = _time_worker(url, concurrency, count)
        if board.stats()["done"] != count:
            raise RuntimeError("the worker did not report every task")
        name = f"pop and ack, concurrency {concurrency}"
        yield Result(name, count / took, "tasks/s", count / floor_took, "≥ 10,000 a second")
        yield run.result(name)


def _push(board: Board, count: int) -> None:
    for reply in board.push_many({"runner": "noop", "payload": PAYLOAD} for _ in range(count)):
        if isinstance(reply, JobsError):
            raise reply


def _time_worker(url: str, concurrency: int, count: int) -> float:
    """Return the seconds that a worker in a separate process takes for `count` tasks."""
    command = [sys.executable, "-m", "bench.work", url, str(concurrency), str(count)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE)
    return float(ended.stdout)


def work(url: str, concurrency: int, count: int) -> float:
    """Run a worker until `count` tasks have ended. Returns the seconds that this took."""
    numbers = itertools.count(1)  # its next() is atomic: runners are called on many threads

    def run(task: Task, context: Context) -> Outcome:
        if next(numbers) == count:
            worker.stop()
        return Outcome.done()

    worker = Worker(open_board(url), [Runner("noop", run)], concurrency=concurrency)
    return seconds(worker.run)


if __name__ == "__main__":
    print(work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
