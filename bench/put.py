"""Putting jobs in bulk, and the bytes each takes."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.harness import Result, empty, floor_put, memory, put_all, seconds
from jobs_core import Board


def measure(board: Board, count: int) -> Iterator[Result]:
    """Put `count` jobs as `jobs put --stdin` does; the floor is HSET and ZADD of the same, in pipelines."""
    at = (time.time() + 3600) * 1000
    floor_rate = rate = 0.0
    floor_bytes = bytes_a_job = 0.0
    for _ in range(2):  # the better of two: the first one warms both up
        empty(board)
        before = memory(board.client)
        floor_rate = max(floor_rate, count / seconds(lambda: floor_put(board.client, count, at)))
        floor_bytes = (memory(board.client) - before) / count
        empty(board)
        before = memory(board.client)
        rate = max(rate, count / seconds(lambda: put_all(board, count, start="+1h")))
        bytes_a_job = (memory(board.client) - before) / count
    yield Result("put in bulk", rate, "jobs/s", floor_rate, "≥ 0.7 of the floor")
    yield Result("memory", bytes_a_job, "bytes/job", floor_bytes, "≤ 1.2 of the floor")
