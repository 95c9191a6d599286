"""What a board costs as it grows: `--jobs` jobs beside jobs by hand, and beside a board of 10,000.

A sixteenth of the jobs are enough by hand: tables of Redis double as they grow, so both fill them equally.

It has a server of its own, which it starts again to measure how long that takes to load.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from bench import floor
from bench.harness import (
    Result,
    await_rewrite,
    definition_size,
    each_line,
    empty,
    open_board,
    put_all,
    scripts,
    seconds,
)
from bench.memory import used
from bench.tick import tick_all
from jobs_core import Board
from jobs_core.embedded import EmbeddedServer

T = TypeVar("T")

SMALL = 10_000
"""The jobs of the board that a large one is measured beside, and those that are due at once on both."""

ROUNDS = 200
"""Ticks without due jobs, and pages, whose median counts."""

BY_HAND = 1 / 16
"""The share of the jobs that the floor has."""

SAY_EVERY = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What it takes to fill a server with jobs, and to start it again, in seconds."""

    count: int
    seconds: float
    client_cpu: float
    server_cpu: float
    bytes: float
    restart: float
    restart_cpu: float


def measure(count: int) -> Iterator[Result]:
    """Measure putting, memory, a restart, ticks and pages."""
    with tempfile.TemporaryDirectory() as data, EmbeddedServer(Path(data)) as server:
        board = open_board(server.url)
        empty(board)
        definition = "x" * definition_size(board)
        at = (time.time() + 3600) * 1000
        _say("by hand")
        few = int(count * BY_HAND)
        by_hand = _cost(server, few, lambda found: floor.put(found.client, few, definition, at))
        _say(f"a board of {SMALL:,}")
        _cost(server, SMALL, lambda found: put_all(found, each_line(SMALL, start="+1h")))
        small = list(_work(open_board(server.url)))
        _say(f"a board of {count:,}")
        cost = _cost(server, count, lambda found: put_all(found, _said(each_line(count, start="+1h"))))
        yield from _costs(cost, by_hand)
        for result, other in zip(_work(open_board(server.url)), small, strict=True):
            name = f"{result.name}, of {count:,} jobs; floor: of {SMALL:,}"
            yield Result(name, result.value, result.unit, other.value, result.target)


def _costs(cost: Cost, by_hand: Cost) -> Iterator[Result]:
    def of_each(name: str) -> tuple[float, str, float]:
        own, other = (getattr(one, name) / one.count * 1e6 for one in (cost, by_hand))
        return own, "µs/job", other

    rate, rate_by_hand = (one.count / one.seconds for one in (cost, by_hand))
    yield Result(f"put {cost.count:,} jobs in bulk", rate, "jobs/s", rate_by_hand, "≥ 0.7 of the floor")
    yield Result("put: CPU of the client", *of_each("client_cpu"))
    yield Result("put: CPU of the server", *of_each("server_cpu"))
    yield Result("memory", cost.bytes, "bytes/job", by_hand.bytes, "≤ 1.2 of the floor")
    yield Result(f"restart with {cost.count:,} jobs", cost.restart, "s")
    yield Result("restart", *of_each("restart"))
    yield Result("restart: CPU", *of_each("restart_cpu"))


def _cost(server: EmbeddedServer, count: int, fill: Callable[[Board], None]) -> Cost:
    """Fill an empty server, rewrite its append-only file, and start it again."""
    board = open_board(server.url)
    client: Any = board.client
    empty(board)
    before, server_cpu, client_cpu = used(board, 0), _server_cpu(board), time.process_time()
    took = seconds(lambda: fill(board))
    server_cpu, client_cpu = _server_cpu(board) - server_cpu, time.process_time() - client_cpu
    grown = (used(board, count) - before) / count
    await_rewrite(client)  # one that the server started itself
    client.bgrewriteaof()
    await_rewrite(client)
    client.close()
    server.stop()
    restart = seconds(server.start)
    return Cost(count, took, client_cpu, server_cpu, grown, restart, _server_cpu(open_board(server.url)))


def _server_cpu(board: Board) -> float:
    """Return the seconds of CPU that the server has used, without rewrites of its append-only file."""
    client: Any = board.client
    found = client.info("cpu")
    return float(found["used_cpu_user"] + found["used_cpu_sys"])


def _work(board: Board) -> Iterator[Result]:
    """Measure what a board does. At the end, SMALL jobs have become due at once."""
    yield Result("the first page of a list", _median(board.job_page), "ms")
    yield Result("a tick without due jobs", _median(board.tick), "ms")
    now = int(time.time()) + 60
    put_all(board, each_line(SMALL, start=now + 3600, next=now))
    before = board.stats()["queued"]
    with scripts(board.client) as times:
        took = seconds(lambda: tick_all(board, now + 1))
    if board.stats()["queued"] - before != SMALL:
        raise RuntimeError("the ticks did not queue every job that was due")
    yield Result(f"tick, {SMALL:,} due at once", SMALL / took, "jobs/s", None, "≥ 0.8 of the floor")
    yield Result("tick: longest script", times.longest, "ms", None, "≤ about 10 ms")


def _median(work: Callable[[], Any]) -> float:
    """Return the median time of a call, in ms."""
    return statistics.median(seconds(work) for _ in range(ROUNDS)) * 1000


def _said(items: Iterable[T]) -> Iterator[T]:
    """Yield the items, and say now and then how many there were."""
    for number, item in enumerate(items, 1):
        yield item
        if number % SAY_EVERY == 0:
            _say(f"{number:,} jobs put")


def _say(what: str) -> None:
    click.echo(f"growth: {what} ...", err=True)
