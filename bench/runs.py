"""What the runs that a board keeps of each job cost: bytes a job, and time of Redis per task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.harness import Result, empty, lines, put_all, scripts
from bench.memory import growth
from jobs_core import Board
from jobs_core.engine.bulk import group_calls

SECOND = 1_000_000
SIZES = (10, 100, 500)
"""Tasks per pop and report."""
KEPT = (5, 20)
"""Runs kept of a job. The floor keeps none."""
CHUNK, COUNT, ROUNDS, RUNS = 500, 2000, 5, 5


def measure(board: Board, count: int) -> Iterator[Result]:
    """Measure bytes per job with 5 runs each, then popping and reporting tasks of many jobs and of one."""
    empty(board)
    with_runs = growth(board, count, lambda: _fill(board, count, RUNS, RUNS))
    without = growth(board, count, lambda: _fill(board, count, 0, RUNS))
    yield Result(f"memory, {RUNS} runs of each job", with_runs, "bytes/job", without)
    for jobs, sort in ((COUNT, "a job each"), (1, "one job")):
        times = {kept: _times(board, jobs, kept) for kept in (0, *KEPT)}
        for kept in KEPT:
            for size in SIZES:
                name = f"pop and report {size} at a time, {sort}, {kept} runs kept"
                yield Result(name, times[kept][size], "us/task", times[0][size])


def _fill(board: Board, jobs: int, kept: int, runs: int) -> None:
    """Put jobs, and let each run a number of times."""
    board.retain(runs=kept)
    put_all(board, lines(jobs, start="+1h"))
    for _ in range(runs):
        for first in range(0, jobs, CHUNK):
            push(board, range(first, min(first + CHUNK, jobs)))
            work(board, CHUNK)


def push(board: Board, numbers: Sequence[int]) -> None:
    """Push a task of each of these jobs."""
    for first in range(0, len(numbers), CHUNK):
        board.commands.batch([("JPUSH", (f"job-{number}",)) for number in numbers[first : first + CHUNK]])


def work(board: Board, size: int) -> None:
    """Pop and report tasks, as a worker does."""
    tasks = board.pop("noop", count=size, lease=30, worker="host-1:4242")
    reports = ((task.token, "done") for task in tasks)
    board.commands.batch([call for call, _ in group_calls("JMACK")(reports, 1)])


def _times(board: Board, jobs: int, kept: int) -> dict[int, float]:
    """Return the microseconds that Redis takes per task, by how many are popped and reported at a time."""
    empty(board)
    _fill(board, jobs, kept, max(KEPT) + 1)
    numbers = [number % jobs for number in range(COUNT)]
    return {size: min(time_tasks(board, numbers, size) for _ in range(ROUNDS)) for size in SIZES}


def time_tasks(board: Board, numbers: Sequence[int], size: int) -> float:
    """Return how many microseconds Redis takes to pop and report a task, with one of each of these jobs."""
    push(board, numbers)
    before = board.stats()["done"]
    with scripts(board.client) as run:
        for _ in range(0, len(numbers), size):
            work(board, size)
    if board.stats()["done"] != before + len(numbers):
        raise RuntimeError("not every task was reported")
    return run.seconds * SECOND / len(numbers)
