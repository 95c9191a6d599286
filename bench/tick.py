"""Ticking while everything is due at once, and how long that keeps Redis from others."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench import floor
from bench.harness import Result, empty, lines, put_all, scripts, seconds
from jobs_core import Board

LIMIT = 500
"""Jobs a tick moves unless it is told otherwise."""


def measure(board: Board, count: int) -> Iterator[Result]:
    """Tick `count` due jobs in the default batches; the floor moves bare ids in batches of the same size."""
    client, now = board.client, int(time.time())
    empty(board)
    floor.put_together(client, count, "x", now * 1000)
    with scripts(client) as theirs:
        floor_took = seconds(lambda: floor.tick(client, (now + 1) * 1000, LIMIT))
    empty(board)
    put_all(board, lines(count, start=now + 3600, next=now))
    with scripts(client) as ours:
        took = seconds(lambda: tick_all(board, now + 1))
    if board.count()["queued"] != count:
        raise RuntimeError("the ticks did not queue every job")
    target = "≥ 0.35 of the floor"
    yield Result("tick, all due at once", count / took, "jobs/s", count / floor_took, target)
    yield Result("tick, time in Redis alone", count / ours.seconds, "jobs/s", count / theirs.seconds, target)
    yield ours.result("tick")


def tick_all(board: Board, now: float) -> None:
    while board.tick(LIMIT, now=now).moved:
        pass
