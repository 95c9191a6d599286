"""Shared by the measurements: results, timers, boards of many jobs, and the server's own figures."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jobs_core import Board, Outcome, Runner, hookimpl
from jobs_core.errors import JobsError
from jobs_core.plugins.manager import Plugins

PAYLOAD = '{"line": "pg_dump app > /backup/app.sql"}'
"""The payload of every job, of typical length."""

BATCH = 500
"""Commands in one round trip, for Jobs (10 JMSETs of 50 jobs) and for the floors alike."""


@dataclass(frozen=True, slots=True)
class Result:
    """A figure, its floor if there is one, and its target."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    target: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure divided by its floor."""
        return None if self.floor is None else self.value / self.floor


@dataclass(slots=True)
class Scripts:
    """Server-side script times: total in seconds, 99th percentile (`most`) and longest in ms."""

    seconds: float = 0.0
    most: float = 0.0
    longest: float = 0.0

    def result(self, what: str) -> Result:
        """Return the longest script as a result, with the 99th percentile in its name."""
        name = f"{what}: longest script (99 in 100 under {self.most:.1f})"
        return Result(name, self.longest, "ms", None, "≤ about 10 ms")


class _Noop:
    """A plugin with a runner that does nothing."""

    @hookimpl
    def jobs_runners(self) -> Iterator[Runner]:
        yield Runner("noop", lambda task, context: Outcome.done())


def open_board(url: str, name: str = "bench") -> Board:
    """Open the board to measure. It checks jobs as a user's board does."""
    plugins = Plugins.load()
    plugins.add("noop", _Noop())
    return Board(name, url, plugins=plugins)


def seconds(work: Callable[[], Any]) -> float:
    """Return how many seconds `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def scripts(*clients: Any) -> Iterator[Scripts]:
    """Collect the timings of the scripts that run on these servers within the context."""
    found = Scripts()
    for client in clients:
        client.config_set("latency-tracking-info-percentiles", "99 100")
        client.config_resetstat()
    yield found
    for client in clients:
        calls, times = client.info("commandstats"), client.info("latencystats")
        for name in ("evalsha", "fcall", "fcall_ro"):  # floors are scripts, commands are functions
            found.seconds += calls.get(f"cmdstat_{name}", {}).get("usec", 0) / 1e6
            percentiles = times.get(f"latency_percentiles_usec_{name}", {})
            found.most = max(found.most, percentiles.get("p99", 0) / 1000)
            found.longest = max(found.longest, percentiles.get("p100", 0) / 1000)


def empty(board: Board) -> None:
    """Empty the server and its append-only file, so that measurements do not affect each other."""
    client: Any = board.client
    client.flushall(asynchronous=False)
    board.init()
    if client.info("persistence")["aof_enabled"]:
        await_rewrite(client)  # a rewrite that the server started itself
        client.bgrewriteaof()
        await_rewrite(client)


def await_rewrite(client: Any) -> None:
    """Wait until the server rewrites its append-only file no more."""
    while True:
        state = client.info("persistence")
        if not (state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"]):
            return
        time.sleep(0.02)


def each_line(count: int, first: int = 0, **options: Any) -> Iterator[str]:
    """Yield the jobs from `first` to `count` as `jobs put --stdin` reads them, by default hourly ones."""
    job = {"runner": "noop", "payload": PAYLOAD, "every": 3600, **options}
    return (json.dumps({"id": f"job-{number}", **job}) for number in range(first, count))


def lines(count: int, **options: Any) -> list[str]:
    """Return `count` jobs in a list, so that making them is not measured."""
    return list(each_line(count, **options))


def put_all(board: Board, jobs: Iterable[str]) -> None:
    """Put jobs in bulk."""
    for reply in board.put_many(jobs):
        if isinstance(reply, JobsError):
            raise reply


def definition_size(board: Board) -> int:
    """Return the bytes of one job's definition."""
    put_all(board, lines(1, start="+1h"))
    return int(board.client.hstrlen(board.keys.job, "job-0"))
