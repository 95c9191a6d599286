"""Putting jobs and pushing tasks, and writing down what Redis acknowledged.

Lines of `asked`, times in ms:

    at <job> <due> <payload>                        a job that runs once
    every <job> <first> <every> <stop> <payload>    a repeating one, from its first run on
    push <task id> <payload>                        a one-off task

What is asked again because a reply was lost is asked in a way that cannot double it: a job by its id, a push
with `unique-for`. A repeating job whose reply was lost is left alone, for nobody knows its first run; another
takes its place.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from jobs_core import Board
from jobs_core.errors import FaultError, JobsError
from torture.timesource import TimeSource
from torture.work import KINDS, OPTIONS, kind_of

WINDOW = 1.0
"""Seconds between portions."""

SHARE_REPEATING, SHARE_PUSHED = 0.3, 0.3
RUNS = 15
"""The occurrences of a repeating job."""

PAUSE = 0.2


class Feeder:
    """Puts a portion of the work each second, until all is asked for."""

    def __init__(
        self, board: Board, source: TimeSource, write: Callable[..., None], chance: random.Random
    ) -> None:
        self._board = board
        self._source = source
        self._write = write
        self._chance = chance
        self._number = 0

    def feed(self, count: int, seconds: float) -> None:
        """Ask for at least `count` occurrences, spread over so many seconds."""
        asked, began = 0, time.monotonic()
        while asked < count:
            portion = min(count - asked, max(10, round(count * WINDOW / seconds)))
            asked += self._repeating(round(portion * SHARE_REPEATING / RUNS + self._chance.random() / 2))
            asked += self._pushed(round(portion * SHARE_PUSHED))
            asked += self._single(max(1, round(portion * (1 - SHARE_REPEATING - SHARE_PUSHED))))
            behind = time.monotonic() - began - seconds * asked / count
            if behind < 0:
                time.sleep(min(WINDOW, -behind))

    def _payload(self) -> str:
        self._number += 1
        return f"{self._chance.choice(KINDS)}:{self._number}"

    def _job(self, name: str, payload: str, **options: Any) -> dict[str, Any]:
        kind = OPTIONS[kind_of(payload)]
        return {"id": f"{name}-{self._number}", "runner": "work", "payload": payload, **kind, **options}

    def _single(self, n: int) -> int:
        """Jobs that run once, in the next seconds."""
        now = self._source.now()
        jobs = [
            self._job("one", self._payload(), at=_s(now + self._chance.uniform(0.5, 4))) for _ in range(n)
        ]
        for job in self._insist(jobs, lambda batch: self._board.put_many(batch)):
            self._write("at", job["id"], _ms(job["at"]), job["payload"])
        return n

    def _pushed(self, n: int) -> int:
        """One-off tasks, some of them for later, of several priorities."""
        tasks = [self._task() for _ in range(n)]
        for task, id in zip(tasks, self._insist_on_ids(tasks), strict=True):
            self._write("push", id, task["payload"])
        return n

    def _task(self) -> dict[str, Any]:
        payload = self._payload()
        options = OPTIONS[kind_of(payload)] | {
            "unique-for": "1d",
            "priority": self._chance.choice((0, 0, 0, 5, -5)),
        }
        if self._chance.random() < 0.2:
            options["at"] = _s(self._source.now() + self._chance.uniform(0, 3))
        return {"runner": "work", "payload": payload, **options}

    def _repeating(self, n: int) -> int:
        """Repeating jobs, some of which run no two tasks at once. Returns how many occurrences they have."""
        return sum(self._put_repeating() for _ in range(n))

    def _put_repeating(self) -> int:
        while True:
            payload = f"{self._chance.choice(('quick', 'quick', 'flaky'))}:{self._number}"
            self._number += 1
            every = self._chance.choice((250, 500, 1000))
            start = round((self._source.now() + 1) * 1000)
            stop = start + every * (RUNS - 1)
            job = self._job(
                "every", payload, every=f"{every}ms", start=_s(start / 1000), stop=_s(stop / 1000)
            )
            if self._chance.random() < 0.3:
                job["concurrency"] = 1
            try:
                first: Any = next(iter(self._board.put_many([job])))
            except FaultError:
                time.sleep(PAUSE)
                continue
            if isinstance(first, datetime):
                runs_from = round(first.timestamp() * 1000)
                self._write("every", job["id"], runs_from, every, stop, payload)
                return (stop - runs_from) // every + 1

    def _insist(
        self, things: list[dict[str, Any]], ask: Callable[[list[dict[str, Any]]], Iterator[Any]]
    ) -> list[dict[str, Any]]:
        """Ask until Redis has acknowledged each."""
        self._replies(things, ask)
        return things

    def _insist_on_ids(self, tasks: list[dict[str, Any]]) -> list[str]:
        return [str(id) for id in self._replies(tasks, lambda batch: self._board.push_many(batch))]

    def _replies(
        self, things: list[dict[str, Any]], ask: Callable[[list[dict[str, Any]]], Iterator[Any]]
    ) -> list[Any]:
        replies: dict[int, Any] = {}
        while len(replies) < len(things):
            places = [place for place in range(len(things)) if place not in replies]
            try:
                answers = ask([things[place] for place in places])
                for place, answer in zip(places, answers, strict=True):
                    if not isinstance(answer, JobsError):
                        replies[place] = answer
                    elif not isinstance(answer, FaultError):
                        raise answer
            except FaultError:
                time.sleep(PAUSE)
        return [replies[place] for place in range(len(things))]


def _s(seconds: float) -> str:
    return f"{seconds:.3f}"


def _ms(seconds: str) -> int:
    return round(float(seconds) * 1000)
