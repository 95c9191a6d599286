"""Memory per job in Redis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from bench import floor
from bench.harness import PAYLOAD, Result, definition_size, empty, lines, put_all
from jobs_core import Board

LOOKUPS = 10_000
LOOK_UP = """
for _ = 1, tonumber(ARGV[1]) do
  redis.call('HEXISTS', KEYS[1], 'nobody')
  redis.call('ZSCORE', KEYS[2], 'nobody')
end
"""

SAMPLES = 5
"""Number of readings. The lowest counts, since Redis's background work inflates some of them."""


def measure(board: Board, count: int) -> Iterator[Result]:
    """Measure bytes per job. One floor stores the same definitions, the other bare payloads."""
    client, jobs = board.client, lines(count, start="+1h")
    at = (time.time() + 3600) * 1000
    empty(board)
    definition = "x" * definition_size(board)
    floor_bytes = growth(board, count, lambda: floor.put(client, count, definition, at))
    bare = growth(board, count, lambda: floor.put(client, count, f"noop {PAYLOAD}", at))
    job_bytes = growth(board, count, lambda: put_all(board, jobs))
    yield Result("memory", job_bytes, "bytes/job", floor_bytes, "≤ 1.2 of the floor")
    yield Result("memory, floor of runner and payload alone", job_bytes, "bytes/job", bare)


def growth(board: Board, count: int, fill: Callable[[], None]) -> float:
    """Return the bytes per job that `fill` adds to an empty server."""
    empty(board)
    before = used(board, count)
    fill()
    return (used(board, count) - before) / count


def used(board: Board, count: int, *, has_floor: bool = True) -> int:
    """Return the bytes used after hash tables have finished growing, without this client's buffers.

    Without a floor, only the board's tables are grown.
    """
    client: Any = board.client
    tables = [(board.keys.job, board.keys.schedule), (floor.JOB, floor.SCHEDULE)]
    for hash, schedule in tables if has_floor else tables[:1]:
        for _ in range(0, count, LOOKUPS):  # each lookup advances the rehashing of a growing table
            client.eval(LOOK_UP, 2, hash, schedule, LOOKUPS)
    client.connection_pool.disconnect()
    return min(_sample(client) for _ in range(SAMPLES))


def _sample(client: Any) -> int:
    time.sleep(0.2)
    return int(client.info("memory")["used_memory"])
