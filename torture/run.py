"""One run: start everything, add work, inject faults, heal, wait until all tasks have ended, and check."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jobs_core import Board, NotFoundError
from torture import boards, cluster_faults, server_faults
from torture.checker import Asked, Ran, Verdict, check, check_hours, total_ledger, total_of
from torture.clustered import Clustered
from torture.exclusive import find_overlaps
from torture.faults import Fault, Storm
from torture.fleet import feeder_of, launch
from torture.one_server import OneServer
from torture.stage import Stage

PATIENCE = 300.0
"""Seconds without progress after which a run stops waiting for tasks to end."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of a run: minimum occurrences and faults, seconds, worker processes, and boards.

    `durable` boards have replicas, `cluster` says whether they are in one, and `partitions` how many
    partitions each has. `only` names kinds of faults.
    """

    occurrences: int
    faults: int
    seconds: float
    workers: int
    durable: bool = False
    cluster: bool = False
    boards: Sequence[str] = ("torture",)
    partitions: int | None = None
    only: Collection[str] = ()

    def kinds(self) -> dict[str, Fault]:
        """Return the faults of such a run: all that are known, or `only` some."""
        alone = server_faults.FAULTS_WITH_REPLICA if self.durable else server_faults.FAULTS
        known = cluster_faults.FAULTS if self.cluster else alone
        return {name: fault for name, fault in known.items() if not self.only or name in self.only}

    @property
    def may_lose(self) -> bool:
        """Whether faults make Redis lose what it has acknowledged."""
        return self.cluster and not self.durable and not cluster_faults.LOSING.keys().isdisjoint(self.kinds())

    def stage(self, folder: Path) -> Stage:
        """Start servers and processes for such a run in an empty folder."""
        kind = Clustered if self.cluster else OneServer
        return kind(folder, self.boards, self.workers, durable=self.durable, partitions=self.partitions)


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
    stage = scale.stage(folder)
    try:
        storm = Storm(stage, scale.kinds(), chance)
        feeders = _start_feeders(folder, scale, chance)
        storm.run(scale.faults, scale.seconds)
        say(f"{sum(storm.counts.values())} faults injected; waiting for the remaining tasks")
        storm.end()
        for name, feeder in feeders.items():
            if feeder.wait() != 0:
                raise RuntimeError(f"{name} failed: {(folder / f'errors-{name}').read_text()[-500:]}")
        found = stage.boards()
        for board in found:
            _push_to_each_worker(folder, stage, board)
        _wait_until_idle(found, say)
        verdict = total_of({board.name: _check(folder, board, scale.may_lose) for board in found})
        verdict.wrong += [f"a fault failed: {failure}" for failure in storm.failed]
        verdict.wrong += _tracebacks(folder)
        ledger = total_ledger(one for board in found for one in boards.ledgers(board))
        return Report(verdict, dict(storm.counts), ledger, time.monotonic() - began)
    finally:
        stage.close()


def _start_feeders(folder: Path, scale: Scale, chance: random.Random) -> dict[str, subprocess.Popen[bytes]]:
    """Start a process for each board that adds work to it. Returns them by their names."""
    share = -(-scale.occurrences // len(scale.boards))
    return {
        name: launch(folder, "feeder", name, board, chance.random(), share, scale.seconds)
        for board in scale.boards
        for name in [feeder_of(board)]
    }


def _push_to_each_worker(folder: Path, stage: Stage, board: Board) -> None:
    """Push a task for each worker, which stays undone if that worker has not recovered from the faults."""
    with (folder / board.name / "asked").open("a") as asked:
        for member in stage.fleet.members:
            if member.role != "clock":
                payload = f"quick:{member.name}"
                asked.write(f"push {board.push('work', payload, queue=member.name)} {payload}\n")


def _wait_until_idle(found: Sequence[Board], say: Callable[[str], None]) -> None:
    """Wait until nothing is scheduled, waiting or running, or until nothing changes any more."""
    last: Counter[str] = Counter()
    moved = told = time.monotonic()
    while True:
        counts: Counter[str] = Counter()
        for board in found:
            counts.update(board.count())
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


def _check(folder: Path, board: Board, may_lose: bool) -> Verdict:
    logs = folder / board.name
    asked = Asked.read(_lines(logs / "asked"))
    ran = Ran.read(_lines(logs / "ran"))
    jumps = [(float(began), float(ended)) for began, ended in map(str.split, _lines(folder / "jumps"))]
    overlaps = find_overlaps(_lines(logs / "stamps"), jumps)
    dead_of, ledgers = boards.dead_letters(board), boards.ledgers(board)
    verdict = check(asked, ran, overlaps, dead_of, ledgers, partial(_ledger_of, board), may_lose=may_lose)
    check_hours(verdict, board.hours(), total_ledger(ledgers))
    return verdict


def _ledger_of(board: Board, job: str) -> Mapping[str, int]:
    """Return the ledger of a job. That of a job which a failover has lost counts nothing."""
    try:
        return board.stats(job)
    except NotFoundError:
        return Counter()


def _tracebacks(folder: Path) -> list[str]:
    """Return a sentence for each process that printed a traceback."""
    printed = {path.name: path.read_text() for path in folder.glob("errors-*")}
    return [f"{name} has a traceback: {text[-300:]}" for name, text in printed.items() if "Traceback" in text]


def _lines(path: Path) -> Iterator[str]:
    if path.exists():
        with path.open() as file:
            yield from file
