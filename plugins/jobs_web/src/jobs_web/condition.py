"""What is known of a board beyond one look at it: what `jobs doctor` finds, rates, how late runs start."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from statistics import median
from weakref import WeakKeyDictionary

from jobs_core import Board, Finding, Top
from jobs_core.plugin_ui import diagnose

REST = 30.0
"""Seconds for which findings are kept: the checks cost more than a page."""

STEP, LOOKS = 5.0, 13
"""Seconds between the looks that are kept for rates, and how many: the rates are those of the last minute."""

RECENT, JOBS, RUNS = 300, 40, 3
"""The entries of the history, the jobs, and the runs of each, from which lateness is told."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """How many seconds after their time recent runs began: in the middle, at most, and of how many runs."""

    median: float
    most: float
    runs: int


@dataclass
class _Known:
    lock: threading.Lock = field(default_factory=threading.Lock)
    checked: float = 0.0
    findings: tuple[tuple[str, Finding], ...] = ()
    looks: deque[Top] = field(default_factory=lambda: deque(maxlen=LOOKS))


_boards: WeakKeyDictionary[Board, _Known] = WeakKeyDictionary()


def findings(board: Board) -> tuple[tuple[str, Finding], ...]:
    """Return what `jobs doctor` finds that is not well, with the names of the checks: problems first."""
    known = _boards.setdefault(board, _Known())
    with known.lock:
        if not known.checked or time.monotonic() - known.checked > REST:
            found = [(check.name, finding) for check, finding in diagnose(board) if finding.state != "ok"]
            known.findings = tuple(sorted(found, key=lambda one: one[1].state != "problem"))
            known.checked = time.monotonic()
        return known.findings


def rates(board: Board, top: Top) -> dict[str, float] | None:
    """Return how much each counter of the ledger has grown per second in the last minute.

    None if this process has not looked at the board before.
    """
    known = _boards.setdefault(board, _Known())
    with known.lock:
        looks = known.looks
        while looks and top.time - looks[0].time > STEP * LOOKS:
            looks.popleft()
        found = top.rates_since(looks[0]) if looks and top.time > looks[0].time else None
        if not looks or top.time - looks[-1].time >= STEP:
            looks.append(top)
        return found


def lateness(board: Board, since: float) -> Lateness | None:
    """Return how late runs began that ended since a time. None if no run is known."""
    jobs: dict[str, None] = {}
    retried = set()  # by hand: such a run is late because somebody came late
    for number, entry in enumerate(board.history()):
        if number == RECENT or entry["time"] < since or len(jobs) == JOBS:
            break
        jobs[entry["job"]] = None
        if entry["what"] == "revived":
            retried.add(entry["task"])
    late = [
        run.late
        for runs in board.last_runs(*jobs, limit=RUNS).values()
        for run in runs
        if run.late is not None
        and run.attempts == 1
        and (run.ended or 0) >= since
        and run.task not in retried
    ]
    return Lateness(median(late), max(late), len(late)) if late else None
