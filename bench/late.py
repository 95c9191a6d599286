"""Lateness: how long after its due time a job starts."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator

from bench.harness import Result, empty, lines, put_all
from jobs_core import Board, Context, Outcome, Runner, Task, Worker

RUNS, APART = 50, 0.0973
"""Runs, and seconds between them. The odd number spreads runs over all phases of a second."""

CROWD, SECONDS = 1000, 10
"""Jobs that are due in the same instant each second, and for how many seconds."""

PATIENCE = 15.0
"""Seconds after which runs that have not started count as lost."""


def measure(board: Board, count: int) -> Iterator[Result]:
    """Measure the ms from due to started, of jobs due one by one on a board of `count` others.

    Due times are Redis's, starts are this machine's: with a server elsewhere, the clocks must agree.
    """
    empty(board)
    put_all(board, lines(count, start="+1h"))
    late = [1000 * seconds for seconds in _lateness(board)]
    yield Result("lateness, median", statistics.median(late), "ms")
    yield Result("lateness, worst", max(late), "ms", None, "< 50 ms on an idle machine")
    for inline in (False, True):
        late = sorted(1000 * seconds for seconds in _crowd_lateness(board, inline))
        name = f"lateness, {CROWD} at once, {'inline' if inline else 'threads'}"
        yield Result(f"{name}: median", statistics.median(late), "ms")
        yield Result(f"{name}: 99 in 100", late[len(late) * 99 // 100], "ms", None, "≤ 45 ms")


def _crowd_lateness(board: Board, inline: bool) -> list[float]:
    """Return the lateness in seconds of many jobs that are due together, each second."""
    empty(board)
    late: list[float] = []
    done = threading.Event()

    def run(task: Task, context: Context) -> Outcome:
        late.append(time.time() - task.due)
        if len(late) == CROWD * SECONDS:
            worker.stop()
            done.set()
        return Outcome.done()

    worker = Worker(board, [Runner("late", run, inline=inline)], concurrency=100)
    thread = threading.Thread(target=worker.run)
    thread.start()
    time.sleep(0.5)  # until it serves `late`, so that the board knows the runner
    start = int(time.time()) + 2
    jobs = ({"id": f"crowd-{number}", "runner": "late", "payload": "x"} for number in range(CROWD))
    for reply in board.put_many(job | {"every": 1, "start": start} for job in jobs):
        if isinstance(reply, Exception):
            raise reply
    in_time = done.wait(SECONDS + PATIENCE)
    worker.stop()
    thread.join()
    if not in_time:
        raise RuntimeError(f"only {len(late)} of {CROWD * SECONDS} runs started")
    return late


def _lateness(board: Board) -> list[float]:
    late: list[float] = []
    done = threading.Event()

    def run(task: Task, context: Context) -> Outcome:
        late.append(time.time() - task.due)
        if len(late) == RUNS:
            done.set()
        return Outcome.done()

    worker = Worker(board, [Runner("late", run)])
    thread = threading.Thread(target=worker.run)
    thread.start()
    time.sleep(0.5)  # until it serves `late`, so that the board knows the runner
    start = time.time() + 0.5
    for number in range(RUNS):
        board.put(f"late-{number}", "late", "x", at=start + number * APART)
    in_time = done.wait(PATIENCE)
    worker.stop()
    thread.join()
    if not in_time:
        raise RuntimeError(f"only {len(late)} of {RUNS} jobs ran")
    return late
