"""Forecasts of 10,000 jobs over 7 days: 1.7 million runs."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bench.harness import PAYLOAD, Result, empty, seconds
from jobs_core import Board

JOBS, DAYS = 10_000, 7

KINDS: dict[str, list[dict[str, Any]]] = {
    "intervals": [{"every": 3600}],
    "cron": [{"cron": "{minute} * * * *"}],
    "cron, in zones": [{"cron": "{minute} * * * *", "zone": "Europe/Brussels"}],
    "overlap skip": [{"cron": "{minute} * * * *", "overlap": "skip"}],
    "a fifth in limited queues, a tenth after others": [
        *[{"cron": "{minute} * * * *"}] * 6,
        *[{"cron": "{minute} * * * *", "queue": "narrow"}] * 2,
        {"cron": "{minute} * * * *", "zone": "Europe/Brussels", "overlap": "skip"},
        {"after": ["job-{parent}"]},
    ],
}
"""Kinds of boards: the options of their jobs, in turns."""


def measure(board: Board) -> Iterator[Result]:
    """Measure a forecast of each kind of board, from a private server that has to start first."""
    for name, kinds in KINDS.items():
        empty(board)
        board.limit("queue", "narrow", concurrency=100)
        for reply in board.put_many(_jobs(kinds)):
            if isinstance(reply, Exception):
                raise reply
        yield _result(name, seconds(lambda: board.forecast(DAYS)))
    durations = _durations()
    took = seconds(lambda: board.forecast(DAYS, durations=durations))
    yield _result(f"{name}, runs of 0.05 to 30 s", took)


def _result(name: str, took: float) -> Result:
    return Result(f"forecast, {JOBS:,} jobs hourly, {DAYS} days: {name}", took, "s", None, "< 60 s")


def _durations() -> dict[str, float]:
    """Return seconds that runs take, in ms, as a board learns them."""
    chance = random.Random(2)
    return {f"job-{number}": round(chance.uniform(0.05, 30), 3) for number in range(JOBS)}


def _jobs(kinds: list[dict[str, Any]]) -> Iterable[Mapping[str, Any]]:
    chance = random.Random(1)
    for number in range(JOBS):
        words = {"minute": chance.randrange(60), "parent": number - len(kinds) + 1}
        options = {name: _filled(value, words) for name, value in kinds[number % len(kinds)].items()}
        yield {"id": f"job-{number}", "runner": "noop", "payload": PAYLOAD, **options}


def _filled(value: Any, words: Mapping[str, int]) -> Any:
    if isinstance(value, list):
        return [_filled(item, words) for item in value]
    return value.format(**words) if isinstance(value, str) else value
