"""The feeder puts jobs, pushes tasks, and logs what Redis acknowledged.

Lines of `asked`, with times in ms:

    at <job> <due> <payload>                        a job that runs once
    every <job> <first> <every> <stop> <payload>    a repeating job, from its first run on
    push <task id> <payload>                        a one-off task

If a reply is lost, the request is repeated in a way that cannot create duplicates: a job has its id, and a
push has `unique-for`. A repeating job whose reply was lost is not logged, since its first run is unknown;
another job replaces it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from jobs_core import Board
from jobs_core.errors import FaultError, JobsError
from torture.timesource import TimeSource
from torture.work import KINDS, OPTIONS, kind_of

WINDOW = 1.0
"""Seconds between batches, unless these are small."""

SHARE_REPEATING, SHARE_PUSHED = 0.3, 0.3
RUNS = 15
"""Occurrences per repeating job."""

REPEATING = ("quick",) * 8 + ("flaky",) * 4 + ("command", "command", "thread")
"""Kinds of repeating jobs, in proportion to their frequency. Commands and threads have `overlap skip`."""

LIMITED = ("command",) * 4 + ("thread",) * 2
"""Kinds of the jobs with `concurrency 1`, each of which is pushed once per batch."""

PAUSE = 0.2


class Feeder:
    """Adds a batch of work each second, until the total is reached."""

    def __init__(
        self, board: Board, source: TimeSource, write: Callable[..., None], chance: random.Random
    ) -> None:
        self._board = board
        self._source = source
        self._write = write
        self._chance = chance
        self._number = 0
        self._limited = [
            {"id": f"{kind}-limited-{n}", "runner": kind, "payload": f"{kind}:{n}", "concurrency": 1}
            | OPTIONS[kind]
            for n, kind in enumerate(LIMITED)
        ]

    def feed(self, count: int, seconds: float) -> None:
        """Add at least `count` occurrences, spread over `seconds`."""
        asked, began = 0, time.monotonic()
        self._put_until_acknowledged(self._limited, lambda batch: self._board.put_many(batch))
        while asked < count:
            batch = min(count - asked, max(10, round(count * WINDOW / seconds)))
            asked += self._put_repeating_jobs(
                round(batch * SHARE_REPEATING / RUNS + self._chance.random() / 2)
            )
            asked += self._push_limited()
            asked += self._push_tasks(round(batch * SHARE_PUSHED))
            asked += self._put_single(max(1, round(batch * (1 - SHARE_REPEATING - SHARE_PUSHED))))
            behind = time.monotonic() - began - seconds * asked / count
            time.sleep(max(0.0, -behind))

    def _payload(self) -> str:
        self._number += 1
        return f"{self._chance.choice(KINDS)}:{self._number}"

    def _job(self, name: str, payload: str, **options: Any) -> dict[str, Any]:
        kind = OPTIONS[kind_of(payload)]
        return {"id": f"{name}-{self._number}", "runner": "work", "payload": payload, **kind, **options}

    def _put_single(self, n: int) -> int:
        """Put jobs that run once, in the next few seconds."""
        now = self._source.now()
        jobs = [
            self._job("one", self._payload(), at=_s(now + self._chance.uniform(0.5, 4))) for _ in range(n)
        ]
        for job in self._put_until_acknowledged(jobs, lambda batch: self._board.put_many(batch)):
            self._write("at", job["id"], _ms(job["at"]), job["payload"])
        return n

    def _push_tasks(self, n: int) -> int:
        """Push one-off tasks with various priorities, some with a delay."""
        tasks = [self._task() for _ in range(n)]
        for task, id in zip(tasks, self._push_until_acknowledged(tasks), strict=True):
            self._write("push", id, task["payload"])
        return n

    def _push_limited(self) -> int:
        """Push the jobs with concurrency 1. A push whose reply is lost is not repeated."""
        asked = 0
        with suppress(FaultError):
            pushes = self._board.push_many([{"id": job["id"]} for job in self._limited])
            for job, id in zip(self._limited, pushes, strict=True):
                if isinstance(id, str):
                    self._write("push", id, job["payload"])
                    asked += 1
                elif not isinstance(id, FaultError):
                    raise id
        return asked

    def _task(self) -> dict[str, Any]:
        payload = self._payload()
        options = OPTIONS[kind_of(payload)] | {
            "unique-for": "1d",
            "priority": self._chance.choice((0, 0, 0, 5, -5)),
        }
        if self._chance.random() < 0.2:
            options["at"] = _s(self._source.now() + self._chance.uniform(0, 3))
        return {"runner": "work", "payload": payload, **options}

    def _put_repeating_jobs(self, n: int) -> int:
        """Put repeating jobs, some with limits. Returns the number of their occurrences."""
        return sum(self._put_repeating_job() for _ in range(n))

    def _put_repeating_job(self) -> int:
        while True:
            kind = self._chance.choice(REPEATING)
            payload = f"{kind}:{self._number}"
            self._number += 1
            every = self._chance.choice((250, 500, 1000))
            start = round((self._source.now() + 1) * 1000)
            stop = start + every * (RUNS - 1)
            job = self._job(
                "every", payload, every=f"{every}ms", start=_s(start / 1000), stop=_s(stop / 1000)
            )
            if kind in LIMITED:
                job |= {"id": f"{kind}-{job['id']}", "runner": kind, "overlap": "skip"}
            elif self._chance.random() < 0.3:
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

    def _put_until_acknowledged(
        self, things: list[dict[str, Any]], ask: Callable[[list[dict[str, Any]]], Iterator[Any]]
    ) -> list[dict[str, Any]]:
        """Send each item until Redis has acknowledged it."""
        self._replies(things, ask)
        return things

    def _push_until_acknowledged(self, tasks: list[dict[str, Any]]) -> list[str]:
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
