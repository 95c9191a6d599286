"""Taking tasks and reporting them, through one worker process with a runner that does nothing."""

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
"""Tasks, however many jobs the other measurements have."""

PATIENCE = 120
"""Seconds after which a worker that has not ended is taken for stuck."""


def measure(board: Board, count: int, url: str) -> Iterator[Result]:
    """Work through pushed tasks; the floor takes, holds and drops strings, as many at a time."""
    count = min(count, MOST)
    for concurrency in (10, 100):
        empty(board)
        floor.push(board.client, count, PAYLOAD)
        theirs = seconds(lambda size=concurrency: floor.work(board.client, size))  # type: ignore[misc]
        empty(board)
        _push(board, count)
        with scripts(board.client) as run:
            took = _worker_takes(url, concurrency, count)
        if board.stats()["done"] != count:
            raise RuntimeError("the worker did not report every task")
        name = f"pop and ack, concurrency {concurrency}"
        yield Result(name, count / took, "tasks/s", count / theirs, "≥ 10,000 a second")
        yield run.result(name)


def _push(board: Board, count: int) -> None:
    for reply in board.push_many({"runner": "noop", "payload": PAYLOAD} for _ in range(count)):
        if isinstance(reply, JobsError):
            raise reply


def _worker_takes(url: str, concurrency: int, count: int) -> float:
    """Seconds that a worker in a process of its own takes for so many tasks."""
    command = [sys.executable, "-m", "bench.work", url, str(concurrency), str(count)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE)
    return float(ended.stdout)


def work(url: str, concurrency: int, count: int) -> float:
    """Be the worker: end after `count` tasks, and answer how many seconds that took."""
    numbers = itertools.count(1)  # its next() is atomic: runners are called on many threads

    def run(task: Task, context: Context) -> Outcome:
        if next(numbers) == count:
            worker.stop()
        return Outcome.done()

    worker = Worker(open_board(url), [Runner("noop", run)], concurrency=concurrency)
    return seconds(worker.run)


if __name__ == "__main__":
    print(work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
