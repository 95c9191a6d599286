"""What alerts cost: a tick, a pop and an ending, beside the same board without alerts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from bench.harness import Result, empty, lines, put_all, scripts
from jobs_core import Board

WATCHED = ("silent 1d", "late 1h", "long 1h")
"""The conditions of the alert, which is for all jobs. None is met."""

AT_ONCE = 100
"""Tasks that are popped, or reported, in one call."""

ROUNDS = 5
"""How often each board is measured. The fastest counts."""

TARGET = "≤ 1.1 times the board without alerts"


def measure(board: Board, count: int) -> Iterator[Result]:
    """Measure the CPU time of Redis per job, with an alert and without."""
    plain, watched = [], []
    for _ in range(ROUNDS):  # by turns, so that what else the machine does meets both
        plain.append(_measure(board, count, watched=False))
        watched.append(_measure(board, count, watched=True))
    for what in ("tick", "pop", "ending"):
        floor, ours = (min(one[what] for one in found) for found in (plain, watched))
        yield Result(f"with alerts, {what}", ours, "us/job", floor, TARGET)
    for what in ("idle tick", "longest script"):
        floor, ours = (min(one[what] for one in found) for found in (plain, watched))
        yield Result(f"with alerts, {what}", ours, "ms", floor, "≤ about 10 ms")


def _measure(board: Board, count: int, *, watched: bool) -> dict[str, float]:
    """Let all jobs become due, and run them. Times are given, so the machine's speed changes nothing."""
    empty(board)
    now = int(time.time()) + 3600
    put_all(board, lines(count, start=now))
    if watched:
        board.alert_put("all", "noop", "{subject}", when=list(WATCHED))
    _settle(board, now - 60)
    found = {"longest script": 0.0}

    def timed(what: str, work: Callable[[], None], divisor: float) -> None:
        with scripts(board.client) as times:
            work()
        found[what] = times.seconds * 1e6 / divisor
        found["longest script"] = max(found["longest script"], times.most)

    tasks: list[str] = []
    timed("tick", lambda: _tick_all(board, now), count)
    timed("pop", lambda: tasks.extend(_pop_all(board, now)), count)
    timed("idle tick", lambda: _idle(board, now), 1000 * 60)
    timed("ending", lambda: _end_all(board, tasks, now + 60), count)
    return found


def _settle(board: Board, now: float) -> None:
    """Tick until the alert has given every job its deadline."""
    for tick in range(100_000):
        _, following, at = board.commands.call("JTICK", "now", now + tick / 1000)
        if following > at + 500:
            return
    raise RuntimeError("ticks never came to rest")


def _tick_all(board: Board, now: float) -> None:
    while board.commands.call("JTICK", "now", now, "limit", 500)[0]:
        pass


def _pop_all(board: Board, now: float) -> Iterator[str]:
    while popped := board.commands.call(
        "JPOP", 1, "noop", "count", AT_ONCE, "lease", 3600, "raw", 1, "now", now
    ):
        yield from (token for token, _ in popped)


def _idle(board: Board, now: float) -> None:
    """Tick every second for a minute, while all tasks run."""
    for second in range(60):
        board.commands.call("JTICK", "now", now + second)


def _end_all(board: Board, tokens: list[str], now: float) -> None:
    for start in range(0, len(tokens), AT_ONCE):
        words: list[Any] = []
        for token in tokens[start : start + AT_ONCE]:
            words += (4, token, "done", "now", now)
        board.commands.call("JMACK", *words)
