"""Ticking while all jobs are due at once, and how long each tick blocks Redis."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench import floor
from bench.harness import Result, empty, lines, put_all, scripts, seconds
from jobs_core import Board

LIMIT = 500
"""Default number of jobs per tick."""


def measure(board: Board, count: int) -> Iterator[Result]:
    """Tick `count` due jobs in default batches. The floor moves bare ids in batches of the same size."""
    client, now = board.client, int(time.time())
    empty(board)
    floor.put_batched(client, count, "x", now * 1000)
    with scripts(client) as floor_scripts:
        floor_took = seconds(lambda: floor.tick(client, (now + 1) * 1000, LIMIT))
    empty(board)
    put_all(board, lines(count, start=now + 3600, next=now))
    with scripts(client) as tick_scripts:
        took = seconds(lambda: tick_all(board, now + 1))
    if board.count()["queued"] != count:
        raise RuntimeError("the ticks did not queue every job")
    target = "≥ 0.35 of the floor"
    yield Result("tick, all due at once", count / took, "jobs/s", count / floor_took, target)
    yield Result(
        "tick, time in Redis alone",
        count / tick_scripts.seconds,
        "jobs/s",
        count / floor_scripts.seconds,
        target,
    )
    yield tick_scripts.result("tick")


def tick_all(board: Board, now: float) -> None:
    while board.tick(LIMIT, now=now).moved:
        pass
