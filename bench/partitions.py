"""Boards of several partitions: beside an ordinary board on one node, and on one and on three primaries."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.harness import PAYLOAD, Result, lines, put_all, seconds
from bench.tick import tick_all
from jobs_core import Board, Context, Outcome, Runner, Task, Worker
from jobs_core.embedded.binary import find_binary
from jobs_core.errors import JobsError
from torture.nodes import Cluster

PARTITIONS = 4
"""Partitions of the board on one node."""

NAME = "rates"
"""The name of the board. In a cluster, each of its first three partitions is on another primary."""

MOST = 50000
"""Maximum number of jobs and tasks, however many jobs other measurements use."""

ROUNDS = 3
"""How often each kind of board is measured, in turns. The median counts."""

CONCURRENCY = 100
PATIENCE = 300
"""Seconds after which a worker that has not ended counts as stuck."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Jobs put, jobs ticked, tasks pushed, and tasks popped and reported, a second."""

    put: float
    tick: float
    push: float
    work: float

    def results(self, what: str, floor: Rates, target: str) -> Iterator[Result]:
        """Yield each as a result."""
        for name, title in (
            ("put", "put"),
            ("tick", "tick"),
            ("push", "push"),
            ("work", "pop and report"),
        ):
            yield Result(f"{what}: {title}", getattr(self, name), "/s", getattr(floor, name), target)


def measure(board: Board, count: int, url: str) -> Iterator[Result]:
    """Compare a board of several partitions with an ordinary one, then three primaries with one."""
    count = min(count, MOST)
    plain: list[Rates] = []
    spread: list[Rates] = []
    for _ in range(ROUNDS):
        plain.append(_rates(url, 0, count))
        spread.append(_rates(url, PARTITIONS, count))
    what = f"{PARTITIONS} partitions beside an ordinary board"
    yield from _median(spread).results(what, _median(plain), "≥ 0.87 of it")
    one, three = (_on_cluster(primaries, count) for primaries in (1, 3))
    yield from three.results(f"3 primaries beside 1, on {os.cpu_count()} cores", one, "")


def _on_cluster(primaries: int, count: int) -> Rates:
    """Measure a board of as many partitions as the cluster has primaries."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Cluster(str(find_binary()), Path(folder), primaries=primaries) as cluster,
    ):
        return _rates(cluster.url, primaries, count)


def _median(found: list[Rates]) -> Rates:
    def middle(name: str) -> float:
        rates: list[float] = sorted(getattr(one, name) for one in found)
        return rates[len(rates) // 2]

    return Rates(middle("put"), middle("tick"), middle("push"), middle("work"))


def _rates(url: str, partitions: int, count: int) -> Rates:
    with Board(NAME, url, validate=False) as board:
        for part in board.partitions:
            part.client.flushall()
    with Board(NAME, url, validate=False) as board:
        board.init(partitions=partitions or None)
        now = int(time.time())
        jobs = lines(count, start=now + 3600, next=now)
        put = seconds(lambda: put_all(board, jobs))
        tick = seconds(lambda: tick_all(board, now + 1))
        if board.count()["queued"] != count:
            raise RuntimeError("the ticks did not queue every job")
        board.trim("noop", 0)
        push = seconds(lambda: _push(board, count))
        work = _time_worker(url, count)
        if board.stats()["done"] != count:
            raise RuntimeError("the worker did not report every task")
    return Rates(*(count / took for took in (put, tick, push, work)))


def _push(board: Board, count: int) -> None:
    for reply in board.push_many({"runner": "noop", "payload": PAYLOAD} for _ in range(count)):
        if isinstance(reply, JobsError):
            raise reply


def _time_worker(url: str, count: int) -> float:
    """Return the seconds that a worker in a separate process takes for `count` tasks."""
    command = [sys.executable, "-m", "bench.partitions", url, str(count)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE)
    return float(ended.stdout)


def work(url: str, count: int) -> float:
    """Run a worker until `count` tasks have ended. Returns the seconds that this took."""
    numbers = itertools.count(1)  # its next() is atomic: runners are called on many threads

    def run(task: Task, context: Context) -> Outcome:
        if next(numbers) == count:
            worker.stop()
        return Outcome.done()

    with Board(NAME, url, validate=False) as board:
        worker = Worker(board, [Runner("noop", run)], concurrency=CONCURRENCY)
        return seconds(worker.run)


if __name__ == "__main__":
    print(work(sys.argv[1], int(sys.argv[2])))
