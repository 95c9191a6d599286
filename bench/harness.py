"""What measurements share: a result, a clock, a board of many jobs, and the server's own figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import redis

from jobs_core import Board

BODY = '{"line": "pg_dump app > /backup/app.sql"}'
"""The payload of every job: of a usual length."""

BATCH = 500
"""Commands in one round trip, for Jobs and for the floor."""


@dataclass(frozen=True, slots=True)
class Result:
    """One figure, its floor where there is one, and what it should reach."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    target: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure as a part of its floor."""
        return None if self.floor is None else self.value / self.floor


def seconds(work: Callable[[], Any]) -> float:
    """How long a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def empty(board: Board) -> None:
    """Empty the server, and wait until it has given the memory back."""
    board.client.flushall(asynchronous=False)
    board.commands.load()
    time.sleep(0.2)


def jobs(count: int, **options: Any) -> Iterator[dict[str, Any]]:
    """Any number of jobs, an hour apart unless told otherwise."""
    for number in range(count):
        yield {"id": f"job-{number}", "runner": "noop", "payload": BODY, "every": 3600, **options}


def put_all(board: Board, count: int, **options: Any) -> None:
    """Put that many jobs."""
    for reply in board.put_many(jobs(count, **options)):
        if isinstance(reply, Exception):
            raise reply


def floor_put(client: redis.Redis, count: int, at: float) -> None:
    """The floor of a put: the same definition in a hash, the same time in a sorted set, in pipelines."""
    definition = f"noop\n\n{BODY}"
    for start in range(0, count, BATCH):
        pipe = client.pipeline(transaction=False)
        for number in range(start, min(start + BATCH, count)):
            pipe.hset("floor:job", f"job-{number}", definition)
            pipe.zadd("floor:schedule", {f"job-{number}": at})
        pipe.execute()


def memory(client: redis.Redis) -> int:
    """Bytes that the server uses."""
    return int(client.info("memory")["used_memory"])
