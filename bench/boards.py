"""A large board file: read, compared, applied, applied again, and applied with ten jobs fewer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from bench.harness import PAYLOAD, Result, empty, scripts, seconds
from jobs_core import Board
from jobs_core.boardfile import BoardFile, read_valid

JOBS = 10_000


def measure(board: Board) -> Iterator[Result]:
    """Measure each step. The floor of reading is parsing YAML in C; of applying, putting the jobs in bulk."""
    empty(board)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "board.yml"
        _write(path, JOBS)
        text = path.read_text()
        floor = seconds(lambda: yaml.load(text, yaml.CSafeLoader))
        yield Result("board file: read", seconds(lambda: read_valid(path)), "s", floor)
        read = read_valid(path)
        jobs = [job.arguments for job in read.boards[None].jobs]
        floor = seconds(lambda: list(board.put_many(jobs)))
        empty(board)
        yield from _measure_applying(board, read, jobs, floor)


def _measure_applying(
    board: Board, read: BoardFile, jobs: list[dict[str, Any]], floor: float
) -> Iterator[Result]:
    works: dict[str, Callable[[], object]] = {
        "diff": lambda: board.plan(jobs, read.owner),
        "apply": lambda: board.apply(jobs, read.owner),
        "apply, no change": lambda: board.apply(jobs, read.owner),
        "apply, 10 jobs fewer": lambda: board.apply(jobs[10:], read.owner),
    }
    with scripts(board.client) as run:
        for name, work in works.items():
            yield Result(f"board file: {name}", seconds(work), "s", floor)
    yield run.result("board file")


def _write(path: Path, count: int) -> None:
    """Write a board file of `count` jobs: cron patterns in a zone, and jobs that run after them."""
    with path.open("w") as file:
        file.write("defaults: {runner: noop, timeout: 1h}\njobs:\n")
        for number in range(0, count, 2):
            fetch = f"cron: {number % 60} {number % 24} * * *\n    zone: Europe/Brussels"
            report = f"after: [fetch-{number}]\n    attempts: 3"
            for id, options in ((f"fetch-{number}", fetch), (f"report-{number}", report)):
                file.write(f"  {id}:\n    payload: '{PAYLOAD}'\n    {options}\n")
