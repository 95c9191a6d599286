"""What alerts cost jobs that run as they should: time of Redis for a tick, a pop and an ending."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.harness import Result, empty, lines, put_all, scripts
from bench.runs import work
from jobs_core import Board
from jobs_core.engine.bulk import group_calls

CONDITIONS = ("silent 1d", "late 10m", "long 1h")
"""One alert each, for all jobs: so each has a deadline, and any tick, pop or ending may be worth telling."""

ROUNDS = 5
"""An hour of the board each, less than a day in all, so that no job becomes silent."""
SIZE = 100
"""Tasks per pop and report."""
MOST = 20000
"""Tasks that one round pops and reports."""
QUIET = 600
"""Ticks of a round with nothing due, one a second."""
TARGET = "≤ 1.1 of the floor"


@dataclass(slots=True)
class _Side:
    """A board under measurement, the time that its ticks have come to (epoch seconds), what calls took."""

    board: Board
    now: int
    samples: dict[str, list[float]] = field(default_factory=dict)
    longest: float = 0.0

    def time(self, what: str, per_call: int, calls: list[Callable[[], Any]]) -> list[Any]:
        """Make calls. Note the microseconds that each takes in Redis, divided by `per_call`."""
        replies: list[Any] = []
        for call in calls:
            with scripts(self.board.client) as run:
                replies.append(call())
            self.samples.setdefault(what, []).append(run.seconds * 1e6 / per_call)
            self.longest = max(self.longest, run.longest)
        return replies


def measure(board: Board, count: int) -> Iterator[Result]:
    """Measure a board with alerts and one without, in turns. The floor is the one without.

    Of each kind of call, the fastest counts, so that what else the machine does is left out. Without any
    alert, ratios from 0.95 to 1.2 were seen on a busy machine.
    """
    empty(board)
    now = int(time.time())
    plain, ours = (_Side(_make(board, name, count, now), now) for name in ("plain", "alert"))
    for condition in CONDITIONS:
        ours.board.alert_put(condition.split()[0], "noop", when=condition)
    _arm(ours.board, count, now + 60)
    for number in range(ROUNDS):
        for side in (plain, ours) if number % 2 else (ours, plain):
            _round(side, count)
    for what in ours.samples:
        value, floor = (min(side.samples[what]) for side in (ours, plain))
        yield Result(f"with alerts: {what}", value, "us", floor, TARGET)
    yield Result("with alerts: longest script", ours.longest, "ms", plain.longest, "≤ about 10 ms")


def _make(board: Board, name: str, count: int, now: int) -> Board:
    """Make a board whose jobs are due every hour, from an hour after now on."""
    made = Board(name, client=board.client, plugins=board.plugins)
    made.init()
    put_all(made, lines(count, start=now + 3600, next=now + 3600))
    return made


def _arm(board: Board, count: int, now: int) -> None:
    """Tick until each job has a deadline."""
    client: Any = board.client
    while client.zcard(f"{board.keys.tag}:deadlines") < count:
        board.tick(now=now)


def _round(side: _Side, count: int) -> None:
    """Run every job once."""
    board = side.board
    side.now += 3600
    now = side.now + 1

    def pop() -> Any:
        return board.pop("noop", count=SIZE, lease=3600, worker="host-1:4242")

    side.time("a tick, per job due", 500, [lambda: board.tick(500, now=now)] * (count // 500))
    popped = side.time("a pop, per task", SIZE, [pop] * (min(count, MOST) // SIZE))
    side.time("an ending, per task", SIZE, [_report(board, tasks) for tasks in popped[1:]])
    side.time("a tick with nothing due", 1, [_tick(board, now + number) for number in range(1, QUIET + 1)])
    _report(board, popped[0])()  # these ran meanwhile
    while board.count()["queued"]:
        work(board, 500)


def _tick(board: Board, now: int) -> Callable[[], Any]:
    return lambda: board.tick(now=now)


def _report(board: Board, tasks: list[Any]) -> Callable[[], Any]:
    calls = [call for call, _ in group_calls("JMACK")((task.token, "done") for task in tasks)]
    return lambda: board.commands.batch(calls)
