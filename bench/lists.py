"""Listing all jobs in a separate process: time to the first row, to the last, and peak memory.

And how long a list of large jobs holds Redis.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.harness import Result, empty, lines, put_all, scripts, seconds
from jobs_core import Board

ORDERS: dict[str, list[str]] = {"": [], ", by next run": ["--sort", "next"], ", by id": ["--sort", "id"]}


def measure(board: Board, count: int, url: str) -> Iterator[Result]:
    """Measure `jobs list` into a pipe, in each order. The floor reads the bare definitions."""
    empty(board)
    put_all(board, lines(count, start="+1h"))
    floor = seconds(lambda: sum(1 for _ in board.client.hscan_iter(board.keys.job, count=500)))
    for name, words in ORDERS.items():
        first, total, memory = _run(board, url, *words)
        what = f"list of {count:,} jobs{name}"
        yield Result(f"{what}: first row", first, "s", None, "< 1 s")
        yield Result(f"{what}: all rows", total, "s", floor)
        yield Result(f"{what}: peak memory", memory, "MB", None, "< 100 MB")
    yield from _script_times(board)


MANY_OPTIONS = {
    "label": ",".join(f"name-{n}=some-value-{n}" for n in range(16)),
    "description": "x" * 1000,
    "timeout": "20m",
    "policy": "retry",
    "attempts": 5,
    "retry-on": "5*,timeout",
    "misfire": "skip",
    "priority": 3,
}

SHAPES: dict[str, tuple[int, dict[str, Any]]] = {
    "small jobs": (5000, {}),
    "jobs with many options": (5000, MANY_OPTIONS),
    "jobs with 50 kB each": (500, {"payload": "x" * 50_000}),
    "jobs with 1 MiB each": (50, {"payload": "x" * (1 << 20)}),
}


def _script_times(board: Board) -> Iterator[Result]:
    """Measure the scripts of a list with the last runs. No reply is cut by what the client has guessed."""
    for name, (count, options) in SHAPES.items():
        empty(board)
        put_all(board, lines(count, start="+1h", **options))
        with scripts(board.client) as times:
            assert sum(1 for _ in board.list(summary=True)) == count
        yield times.result(f"list of {count:,} {name}")


def _run(board: Board, url: str, *words: str) -> tuple[float, float, float]:
    """Return the seconds to the first row and to the last, and the peak memory in MB."""
    command = [sys.executable, "-c", "from jobs_core.cli import main; main()", "list", *words]
    environment = os.environ | {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name}
    peak = 0.0
    started = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(2):  # the header, and the first row
            process.stdout.readline()
        first = time.perf_counter() - started
        while process.stdout.read(1 << 16):
            peak = max(peak, _memory(process.pid))
    total = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(f"jobs list ended with {process.returncode}")
    return first, total, peak


def _memory(pid: int) -> float:
    """Return the peak memory of a process in MB, or 0 if the system does not report it.

    `wait4` does not help: it also counts the parent process.
    """
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) * 1024 / 1e6 if found else 0.0
