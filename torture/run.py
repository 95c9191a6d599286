"""One run: start everything, add work, inject faults, heal, wait until all tasks have ended, and check."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jobs_core import Board
from torture.checker import Asked, Ran, Verdict, check, check_hours
from torture.exclusive import find_overlaps
from torture.faults import Storm
from torture.fleet import launch
from torture.stage import Stage

PATIENCE = 300.0
"""Seconds without progress after which a run stops waiting for tasks to end."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of a run: minimum occurrences and faults, seconds, worker processes, and if it is durable."""

    occurrences: int
    faults: int
    seconds: float
    workers: int
    durable: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a run."""

    verdict: Verdict
    faults: dict[str, int]
    ledger: dict[str, int]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON data: verdict, violations, faults by kind, and the ledger."""
        verdict = asdict(self.verdict)
        wrong = verdict.pop("wrong")
        verdict |= {"faults": sum(self.faults.values()), "seconds": round(self.seconds)}
        return {"verdict": verdict, "wrong": wrong, "faults": self.faults, "ledger": self.ledger}


def run(folder: Path, scale: Scale, chance: random.Random, say: Callable[[str], None]) -> Report:
    """Run in an empty folder. `say` receives progress messages."""
    began = time.monotonic()
    stage = Stage(folder, scale.workers, durable=scale.durable)
    try:
        storm = Storm(stage, chance)
        feeder = launch(folder, "feeder", "feeder", chance.random(), scale.occurrences, scale.seconds)
        storm.run(scale.faults, scale.seconds)
        say(f"{sum(storm.counts.values())} faults injected; waiting for the remaining tasks")
        storm.end()
        if feeder.wait() != 0:
            raise RuntimeError(f"the feeder failed: {(folder / 'errors-feeder').read_text()[-500:]}")
        board = stage.board()
        _push_to_each_worker(folder, stage, board)
        _wait_until_idle(board, say)
        verdict = _check(folder, board)
        verdict.wrong += [f"a fault failed: {failure}" for failure in storm.failed]
        return Report(verdict, dict(storm.counts), board.stats(), time.monotonic() - began)
    finally:
        stage.close()


def _push_to_each_worker(folder: Path, stage: Stage, board: Board) -> None:
    """Push a task for each worker, which stays undone if that worker has not recovered from the faults."""
    with (folder / "asked").open("a") as asked:
        for member in stage.fleet.members:
            if member.role != "clock":
                payload = f"quick:{member.name}"
                asked.write(f"push {board.push('work', payload, queue=member.name)} {payload}\n")


def _wait_until_idle(board: Board, say: Callable[[str], None]) -> None:
    """Wait until nothing is scheduled, waiting or running, or until nothing changes any more."""
    last: dict[str, int] = {}
    moved = told = time.monotonic()
    while True:
        counts = board.count()
        if not any(counts[name] for name in ("scheduled", "queued", "held", "delayed", "leased")):
            return
        now = time.monotonic()
        if counts != last:
            last, moved = counts, now
        if now - moved > PATIENCE:
            return  # the checker reports what is missing
        if now - told > 10:
            say(", ".join(f"{name} {counts[name]}" for name in ("scheduled", "queued", "held", "leased")))
            told = now
        time.sleep(0.1)


def _check(folder: Path, board: Board) -> Verdict:
    asked = Asked.read(_lines(folder / "asked"))
    ran = Ran.read(_lines(folder / "ran"))
    jumps = [(float(began), float(ended)) for began, ended in map(str.split, _lines(folder / "jumps"))]
    overlaps = find_overlaps(_lines(folder / "stamps"), jumps)
    dead = {task["id"] for task in board.dead()}
    verdict = check(asked, ran, overlaps, dead, board.stats(), board.stats)
    check_hours(verdict, board.hours(), board.stats())
    for path in folder.glob("errors-*"):
        if "Traceback" in path.read_text():
            verdict.wrong.append(f"{path.name} has a traceback: {path.read_text()[-300:]}")
    return verdict


def _lines(path: Path) -> Iterator[str]:
    if path.exists():
        with path.open() as file:
            yield from file
