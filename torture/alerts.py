"""Workers are killed again and again while jobs fail: each row of failures is told once, under one task id.

`python -m torture.alerts --kills 200` takes about ten minutes.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import click

from jobs_core import Board
from jobs_core.embedded import EmbeddedServer

IN_A_ROW = 3
"""Failed runs of a job in a row that are told."""

PATIENCE = 60.0
"""Seconds within which a worker must have done something."""

PROGRAM = """
import sys, time, zlib
from jobs_core import Board, Outcome, Runner, Worker

def note(name, text):
    with open(sys.argv[3] + "/" + name, "a") as file:
        file.write(text + "\\n")

def fails(task, context):
    note("ran", task.id)
    time.sleep(0.004)
    return Outcome.failed("broken") if zlib.crc32(task.id.encode()) % 4 else Outcome.done()

def tell(task, context):
    note("told", task.id + " " + task.payload)
    time.sleep(0.004)
    return Outcome.done()

runners = [Runner("fails", fails), Runner("tell", tell)]
Worker(Board(sys.argv[1], sys.argv[2]), runners, concurrency=4, lease=1).run()
"""
"""A worker. Three in four runs fail, always the same ones."""


@dataclass(frozen=True, slots=True)
class Report:
    """How many rows of failures each job had, and how many tasks told of it; how many tasks told again."""

    kills: int
    rows: Counter[str]
    told: Counter[str]
    repeated: int

    @property
    def wrong(self) -> dict[str, tuple[int, int]]:
        """The jobs that were not told of once a row: how many rows there were, and how many tasks told."""
        jobs = self.rows.keys() | self.told.keys()
        return {job: (self.rows[job], self.told[job]) for job in jobs if self.rows[job] != self.told[job]}


def run(folder: Path, url: str, name: str, kills: int, jobs: int = 4, runs: int = 60) -> Report:
    """Queue runs of jobs, kill a worker so many times while these go on, and count what was told."""
    board = Board(name, url, validate=False)
    board.alert_put("ops", "tell", "{job}", when=f"failed {IN_A_ROW}", burst=1_000_000)
    for job in range(jobs):
        board.put(f"job-{job}", "fails", "x", history=500, losses=20)
    for _ in range(runs):
        for job in range(jobs):
            board.push(f"job-{job}")
    for kill in range(kills):
        with subprocess.Popen(_command(folder, url, name)) as worker:
            _wait_for_progress(folder, jobs * runs // kills // 2, random.uniform(0, 0.1))
            worker.kill()
        _note(f"{kill + 1} of {kills} workers killed, {board.stats()['in_flight']} tasks left")
    with subprocess.Popen(_command(folder, url, name)) as worker:
        _drain(board)
        worker.terminate()
    told = (folder / "told").read_text().splitlines() if (folder / "told").exists() else []
    report = Report(kills, _rows(board, jobs), _told(told), len(told) - len(set(told)))
    board.client.close()
    return report


def _note(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(text, err=True)


def _command(folder: Path, url: str, name: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(PROGRAM), name, url, str(folder)]


def _size(folder: Path) -> int:
    """Return how many lines workers have written."""
    return sum(path.read_text().count("\n") for path in folder.iterdir())


def _wait_for_progress(folder: Path, lines: int, more: float) -> None:
    """Wait until workers have run so many tasks, or nothing is left to run; then, a moment more."""
    before, begin = _size(folder), time.monotonic()
    while _size(folder) < before + max(1, lines):
        if time.monotonic() > begin + PATIENCE / 10:
            return
        time.sleep(0.01)
    time.sleep(more)


def _drain(board: Board) -> None:
    begin = time.monotonic()
    while board.stats()["in_flight"]:
        assert time.monotonic() < begin + PATIENCE, "tasks are left that no worker runs"
        time.sleep(0.05)


def _rows(board: Board, jobs: int) -> Counter[str]:
    """Count the rows of failed runs that were long enough, as the records of runs have them."""
    found: Counter[str] = Counter()
    for job in (f"job-{number}" for number in range(jobs)):
        in_row = 0
        for one in reversed(list(board.runs(job))):
            in_row = in_row + 1 if one.outcome == "dead" else 0
            found[job] += in_row == IN_A_ROW
    return found


def _told(lines: list[str]) -> Counter[str]:
    """Count the tasks that told of each job. A task that ran twice, because its worker died, counts once."""
    return Counter(line.partition(" ")[2] for line in set(lines))


@click.command()
@click.option("--kills", type=click.IntRange(min=1), default=200, show_default=True, help="Workers to kill.")
@click.option("--jobs", type=click.IntRange(min=1), default=8, show_default=True, help="Jobs that fail.")
def main(kills: int, jobs: int) -> None:
    """Kill workers while jobs fail, and check that each row of failures is told once.

    \b
      python -m torture.alerts --kills 200
    """
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(Path(folder)) as server:
        work = Path(folder) / "work"
        work.mkdir()
        report = run(work, server.url, "torture", kills, jobs, min(450, 4 * kills))
    click.echo(
        f"{report.kills} workers killed, {sum(report.rows.values())} rows of failures, "
        f"{sum(report.told.values())} told, {report.repeated} told again under the same id"
    )
    if report.wrong:
        raise click.ClickException(f"not told once: {report.wrong}")


if __name__ == "__main__":
    main()
