"""What the runs that a board keeps of each job cost: bytes a job, and time of Redis per task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.harness import Result, empty, lines, put_all, scripts
from bench.memory import growth
from jobs_core import Board
from jobs_core.engine.bulk import group_calls

SECOND = 1_000_000
CHUNK = 500
SIZES = (10, 100, 500)
KEPT = (0, 5, 20)
ROUNDS = 5
MOST = 10_000
RUNS = 5


def measure(board: Board, count: int) -> Iterator[Result]:
    """Measure bytes per job with 5 runs each, and popping and reporting. The floors keep no runs."""
    yield _memory(board, count)
    for size in SIZES:
        for sort, jobs in (("a job each", MOST), ("one job", 1)):
            found = {kept: [] for kept in KEPT}  # type: dict[int, list[float]]
            _fill(board, jobs)
            for _ in range(ROUNDS):
                for kept in KEPT:  # in turns, since other work on the machine affects all alike
                    board.retain(runs=kept)
                    found[kept].append(_time(board, jobs, size))
            floor = min(found.pop(0))
            for kept, times in found.items():
                name = f"pop and report, {kept} runs kept, {size} at a time, {sort}"
                yield Result(name, min(times), "us/task", floor, "≤ 1.1 of none kept")


def _memory(board: Board, count: int) -> Result:
    def fill() -> None:
        put_all(board, lines(count, start="+1h"))
        for _ in range(RUNS):
            for first in range(0, count, CHUNK):
                _push(board, range(first, min(first + CHUNK, count)))
                _work(board, CHUNK)

    board.retain(runs=RUNS)
    with_runs = growth(board, count, fill)
    return Result("memory", with_runs, "bytes/job")


def _fill(board: Board, jobs: int) -> None:
    """Put jobs with full records."""
    empty(board)
    put_all(board, lines(jobs, start="+1h"))
    for _ in range(max(KEPT) + 1):
        for first in range(0, jobs, CHUNK):
            _push(board, range(first, min(first + CHUNK, jobs)))
            _work(board, CHUNK)


def _push(board: Board, numbers: Any) -> None:
    pipe = board.commands
    for first in range(0, len(numbers), CHUNK):
        pipe.batch([("JPUSH", (f"job-{number}",)) for number in numbers[first : first + CHUNK]])


def _work(board: Board, size: int) -> int:
    """Pop and report tasks, as a worker does. Returns how many."""
    tasks = board.pop("noop", count=size, lease=30, worker="host-1:4242")
    reports = ((task.token, "done") for task in tasks)
    board.commands.batch([call for call, _ in group_calls("JMACK")(reports)])
    return len(tasks)


def _time(board: Board, jobs: int, size: int) -> float:
    """Return the microseconds that Redis takes per task."""
    count = 2000
    _push(board, [number % jobs for number in range(count)])
    with scripts(board.client) as run:
        done = sum(_work(board, size) for _ in range(0, count, size))
    if done != count:
        raise RuntimeError("not every task was reported")
    return run.seconds * SECOND / count
