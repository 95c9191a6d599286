"""One run: set the stage, ask for work, strike, heal, wait until all is done, and check."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jobs_core import Board
from torture.checker import Asked, Ran, Verdict, check
from torture.faults import Storm
from torture.fleet import launch
from torture.stage import Stage

PATIENCE = 300.0
"""Seconds without any progress after which a run gives up waiting for tasks to end."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much: occurrences and faults at least, over so many seconds, by so many worker processes."""

    occurrences: int
    faults: int
    seconds: float
    workers: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to."""

    verdict: Verdict
    faults: dict[str, int]
    ledger: dict[str, int]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON has it: its verdict, what was wrong, faults by kind, and the ledger."""
        verdict = asdict(self.verdict)
        wrong = verdict.pop("wrong")
        verdict |= {"faults": sum(self.faults.values()), "seconds": round(self.seconds)}
        return {"verdict": verdict, "wrong": wrong, "faults": self.faults, "ledger": self.ledger}


def run(folder: Path, scale: Scale, chance: random.Random, say: Callable[[str], None]) -> Report:
    """Run in an empty folder. `say` is told of progress now and then."""
    began = time.monotonic()
    stage = Stage(folder, scale.workers)
    try:
        storm = Storm(stage, chance)
        feeder = launch(folder, "feeder", "feeder", chance.random(), scale.occurrences, scale.seconds)
        storm.blow(scale.faults, scale.seconds)
        say(f"{sum(storm.struck.values())} faults have struck; waiting for what they left")
        storm.end()
        if feeder.wait() != 0:
            raise RuntimeError(f"the feeder failed: {(folder / 'complaints-feeder').read_text()[-500:]}")
        board = stage.board()
        _ask_each_worker(folder, stage, board)
        _wait_until_idle(board, say)
        verdict = _check(folder, board)
        verdict.wrong += [f"a fault did not work: {failure}" for failure in storm.failed]
        return Report(verdict, dict(storm.struck), board.stats(), time.monotonic() - began)
    finally:
        stage.close()


def _ask_each_worker(folder: Path, stage: Stage, board: Board) -> None:
    """A task for each worker alone: whoever does not come back from the faults leaves it undone."""
    with (folder / "asked").open("a") as asked:
        for member in stage.fleet.members:
            if member.role != "clock":
                payload = f"quick:{member.name}"
                asked.write(f"push {board.push('work', payload, queue=member.name)} {payload}\n")


def _wait_until_idle(board: Board, say: Callable[[str], None]) -> None:
    """Wait until nothing is scheduled, waits or runs: as long as anything moves."""
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
            return  # the checker says what is missing
        if now - told > 10:
            say(", ".join(f"{name} {counts[name]}" for name in ("scheduled", "queued", "held", "leased")))
            told = now
        time.sleep(0.1)


def _check(folder: Path, board: Board) -> Verdict:
    asked = Asked.read(_lines(folder / "asked"))
    ran = Ran.read(_lines(folder / "ran"))
    dead = {task["id"] for task in board.dead()}
    verdict = check(asked, ran, dead, board.stats(), board.stats)
    for path in folder.glob("complaints-*"):
        if "Traceback" in path.read_text():
            verdict.wrong.append(f"{path.name} has a traceback: {path.read_text()[-300:]}")
    return verdict


def _lines(path: Path) -> Iterator[str]:
    if path.exists():
        with path.open() as file:
            yield from file
