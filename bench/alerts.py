"""What alerts cost jobs that run as they should: time of Redis for a tick, a pop and an ending."""

from __future__ import annotations

import random
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

BOARDS = 3
"""Boards of each sort: where one lies in memory, by chance, costs or saves up to 15 %."""
ROUNDS = 3
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
    """Measure boards with alerts and boards without, in random turns. The floor is those without.

    Of each kind of call, the fastest counts, so that what else the machine does is left out.
    """
    empty(board)
    now = int(time.time())
    plain, ours = (
        [_Side(_make(board, f"{name}-{number}", count, now), now) for number in range(BOARDS)]
        for name in ("plain", "alert")
    )
    for side in ours:
        for condition in CONDITIONS:
            side.board.alert_put(condition.split()[0], "noop", when=condition)
        _arm(side.board, count, now + 60)
    for _ in range(ROUNDS):
        for side in random.sample([*plain, *ours], 2 * BOARDS):
            _round(side, count)
    for what in ours[0].samples:
        value, floor = (min(min(side.samples[what]) for side in sides) for sides in (ours, plain))
        yield Result(f"with alerts: {what}", value, "us", floor, TARGET)
    longest, floor = (max(side.longest for side in sides) for sides in (ours, plain))
    yield Result("with alerts: longest script", longest, "ms", floor, "≤ about 10 ms")


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
    calls = [call for call, _ in group_calls("JMACK")(((task.token, "done") for task in tasks), 1)]
    return lambda: board.commands.batch(calls)
