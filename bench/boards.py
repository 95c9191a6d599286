"""A board file of many jobs: checked, compared, applied, applied again, and with ten entries less."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from bench.harness import PAYLOAD, Result, empty, scripts, seconds
from jobs_core import Board
from jobs_core.apply import apply, plan
from jobs_core.boards import BoardFile, read_good

JOBS = 10_000


def measure(board: Board) -> Iterator[Result]:
    """The floor of reading is YAML alone, in C; that of applying is the first put of the same jobs in bulk."""
    empty(board)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "board.yml"
        _write(path, JOBS)
        text = path.read_text()
        floor = seconds(lambda: yaml.load(text, yaml.CSafeLoader))
        yield Result("board file: read", seconds(lambda: read_good(path)), "s", floor)
        read = read_good(path)
        jobs = [job.arguments for job in read.boards[None]]
        floor = seconds(lambda: list(board.put_many(jobs)))
        empty(board)
        yield from _applied(board, read, jobs, floor)


def _applied(board: Board, read: BoardFile, jobs: list[dict[str, object]], floor: float) -> Iterator[Result]:
    with scripts(board.client) as run:
        yield Result("board file: diff", seconds(lambda: plan(board, jobs, read.owner)), "s", floor)
        yield Result("board file: apply", seconds(lambda: apply(board, jobs, read.owner)), "s", floor)
        yield Result("board file: apply, no change", seconds(lambda: apply(board, jobs, read.owner)), "s", floor)
        less = jobs[10:]
        yield Result("board file: apply, 10 less", seconds(lambda: apply(board, less, read.owner)), "s", floor)
    yield run.result("board file")


def _write(path: Path, count: int) -> None:
    """A board of as many jobs: cron patterns in a zone, and jobs that run after them."""
    with path.open("w") as file:
        file.write("defaults: {runner: noop, timeout: 1h}\njobs:\n")
        for number in range(0, count, 2):
            file.write(
                f"  fetch-{number}:\n    payload: '{PAYLOAD}'\n    cron: '{number % 60} {number % 24} * * *'\n"
                f"    zone: Europe/Brussels\n"
                f"  report-{number}:\n    payload: '{PAYLOAD}'\n    after: [fetch-{number}]\n    attempts: 3\n"
            )
