"""What an idle worker costs on a board of many jobs, and how late a due job starts."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench.harness import Result, empty, put_all
from jobs_core import Board, Context, Outcome, Runner, Task, Worker

IDLE = 5.0  # seconds
RUNS = 50


def measure(board: Board, count: int, url: str) -> Iterator[Result]:
    """The CPU of a worker on `count` jobs that are not due, then the lateness of jobs due one by one."""
    empty(board)
    put_all(board, count, start="+1h")
    command = [sys.executable, "-c", "from jobs_core.cli import main; main()", "run", "--board", "bench"]
    worker = subprocess.Popen([*command, "--url", url], stdout=subprocess.DEVNULL)
    time.sleep(2)
    before = _cpu(worker.pid)
    time.sleep(IDLE)
    used = (_cpu(worker.pid) - before) / IDLE
    worker.terminate()
    worker.wait()
    yield Result(
        f"CPU of an idle worker, {count:,} jobs", 100 * used, "% of a core", None, "practically none"
    )

    late = sorted(_lateness(board))
    yield Result("lateness, median", 1000 * statistics.median(late), "ms", None, "")
    yield Result("lateness, worst", 1000 * late[-1], "ms", None, "< 50 ms on an idle machine")


def _cpu(pid: int) -> float:
    """Seconds of CPU a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _lateness(board: Board) -> list[float]:
    late: list[float] = []

    def run(task: Task, context: Context) -> Outcome:
        late.append(time.time() - task.due)
        if len(late) == RUNS:
            worker.stop()
        return Outcome.done()

    worker = Worker(board, [Runner("late", run)])
    thread = threading.Thread(target=worker.run)
    thread.start()
    start = time.time() + 0.5
    for number in range(RUNS):
        board.put(f"late-{number}", "late", "x", at=start + number * 0.0973)
    thread.join()
    return late
