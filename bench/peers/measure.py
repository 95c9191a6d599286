"""Acknowledged tasks per second, and the lateness of scheduled tasks."""

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
"""Tasks that warm a system up, the seconds allowed for them, and the seconds to settle afterwards."""

FEW = 20
"""Tasks that warm a system up when it must be idle soon."""

LIMIT = 10.0
"""Seconds after which a measurement ends, even if tasks are left."""

PUSH = 60.0
"""Timeout of pushing, in seconds."""

LOOK = 0.01
"""Seconds between polls of the tasks left."""

RUNS, APART, PATIENCE = 20, 0.1973, 10.0
"""Tasks that are due one by one, the seconds between them, and the seconds to wait for the last."""


def rate(system: System, board: Board, url: str, processes: int, count: int) -> float:
    """Return acknowledged tasks per second with `processes` worker processes. Raises PeerError.

    The workers are paused while tasks are pushed, so neither startup nor pushing is timed.
    """
    with _working(system, board, url, processes, WARM) as workers:
        with workers.paused():
            _call(system, "push", url, str(count), PAYLOAD, str(processes))
            total = _tasks_left(system, board.client)
        started = time.perf_counter()
        left = _wait_until_done(system, board, workers, LIMIT)
        took = time.perf_counter() - started
    if not left and workers.ran() < WARM + count:
        raise PeerError(f"only {workers.ran()} of {WARM + count} tasks ran")
    return (total - left) / took


def lateness(system: System, board: Board, url: str) -> list[float]:
    """Return how many ms late each task started, on one idle worker process. Raises PeerError."""
    with _working(system, board, url, 1, FEW) as workers:
        _call(system, "late", url, str(RUNS), str(time.time() + 3), str(APART))
        deadline = time.monotonic() + 3 + RUNS * APART + PATIENCE
        while len(late := workers.lateness()) < RUNS:
            workers.check()
            if time.monotonic() > deadline:
                raise PeerError(f"only {len(late)} of {RUNS} scheduled tasks ran")
            time.sleep(0.1)
    return [1000 * seconds for seconds in late]


@contextmanager
def _working(system: System, board: Board, url: str, processes: int, warm: int) -> Iterator[Workers]:
    """Yield warmed-up worker processes on an empty server."""
    script, environment = command(system)
    empty(board)
    starts = [[*script, "work", url, str(CONCURRENCY), str(index), system.mode] for index in range(processes)]
    with tempfile.TemporaryDirectory() as folder:
        workers = Workers(starts, environment, Path(folder))
        try:
            workers.wait_until_ready()
            _call(system, "push", url, str(warm), PAYLOAD, str(processes))
            if _wait_until_done(system, board, workers, WARM_LIMIT) == warm:
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


def _wait_until_done(system: System, board: Board, workers: Workers, limit: float) -> int:
    """Wait until nothing is left, or for `limit` seconds; return how many tasks are left."""
    deadline = time.perf_counter() + limit
    while (left := _tasks_left(system, board.client)) and time.perf_counter() < deadline:
        workers.check()
        time.sleep(LOOK)
    return left


def _tasks_left(system: System, client: Any) -> int:
    pipe = client.pipeline(transaction=True)
    for parts in system.left:
        pipe.execute_command(*parts)
    return sum(pipe.execute())
