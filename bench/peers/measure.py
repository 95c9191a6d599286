"""Acknowledged tasks a second, and how late tasks start that are due at a time."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.harness import PAYLOAD, empty
from bench.peers.environments import PeerError, command, last_line
from bench.peers.systems import System
from bench.peers.workers import Workers
from jobs_core import Board

CONCURRENCY = 50

WARM, WARM_LIMIT, SETTLE = 2000, 5.0, 1.0
"""Tasks that warm a system up, the seconds it has for them, and seconds of rest after them."""

FEW = 20
"""Tasks that show that a system works, where it must be idle soon."""

LIMIT = 10.0
"""Seconds of work after which the rate is that of the tasks done by then."""

PUSH = 60.0
"""Seconds that pushing may take."""

LOOK = 0.01
"""Seconds between looks at what is left."""

RUNS, APART, PATIENCE = 20, 0.1973, 10.0
"""Tasks that are due one by one, the seconds between them, and the seconds that all may be late."""


def rate(system: System, board: Board, url: str, processes: int, count: int) -> float:
    """Return acknowledged tasks a second with so many worker processes. Raises PeerError.

    The workers are held while tasks are pushed, so neither their start nor pushing is part of the time.
    """
    with _working(system, board, url, processes, WARM) as workers:
        with workers.held():
            _call(system, "push", url, str(count), PAYLOAD, str(processes))
            total = _left(system, board.client)
        started = time.perf_counter()
        left = _work_off(system, board, workers, LIMIT)
        took = time.perf_counter() - started
    if not left and workers.ran() < WARM + count:
        raise PeerError(f"only {workers.ran()} of {WARM + count} tasks ran")
    return (total - left) / took


def lateness(system: System, board: Board, url: str) -> list[float]:
    """Return by how many ms tasks started late on one idle worker process. Raises PeerError."""
    with _working(system, board, url, 1, FEW) as workers:
        _call(system, "late", url, str(RUNS), str(time.time() + 3), str(APART))
        deadline = time.monotonic() + 3 + RUNS * APART + PATIENCE
        while len(late := workers.lateness()) < RUNS:
            workers.check()
            if time.monotonic() > deadline:
                raise PeerError(f"only {len(late)} of {RUNS} tasks that were due at a time ran")
            time.sleep(0.1)
    return [1000 * seconds for seconds in late]


@contextmanager
def _working(system: System, board: Board, url: str, processes: int, warm: int) -> Iterator[Workers]:
    """Worker processes on an empty server that have worked already."""
    script, environment = command(system)
    empty(board)
    starts = [[*script, "work", url, str(CONCURRENCY), str(index), system.mode] for index in range(processes)]
    with tempfile.TemporaryDirectory() as folder:
        workers = Workers(starts, environment, Path(folder))
        try:
            workers.wait_until_ready()
            _call(system, "push", url, str(warm), PAYLOAD, str(processes))
            if _work_off(system, board, workers, WARM_LIMIT) == warm:
                raise PeerError(f"its workers did nothing in {WARM_LIMIT:g} s")
            time.sleep(SETTLE)
            yield workers
        finally:
            workers.stop()


def _call(system: System, *arguments: str) -> None:
    script, environment = command(system)
    line = [*script, *arguments]
    try:
        subprocess.run(line, env=environment, check=True, capture_output=True, text=True, timeout=PUSH)
    except (OSError, subprocess.SubprocessError) as error:
        raise PeerError(f"tasks could not be pushed: {last_line(error)}") from None


def _work_off(system: System, board: Board, workers: Workers, limit: float) -> int:
    """Wait until nothing is left, or for `limit` seconds; return how many tasks are left."""
    deadline = time.perf_counter() + limit
    while (left := _left(system, board.client)) and time.perf_counter() < deadline:
        workers.check()
        time.sleep(LOOK)
    return left


def _left(system: System, client: Any) -> int:
    pipe = client.pipeline(transaction=True)
    for parts in system.left:
        pipe.execute_command(*parts)
    return sum(pipe.execute())
