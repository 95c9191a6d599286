"""What a board costs as it grows: `--jobs` jobs, on one server and over three primaries of a cluster.

On one server, it is measured beside jobs by hand. A sixteenth of the jobs are enough for that: tables of
Redis double as they grow, so both fill them equally. Ticks and pages are measured beside those of a board of
10,000.

It has servers of its own, which it starts again to measure how long they take to load.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import click
import redis

from bench import floor, partitions
from bench.harness import (
    Result,
    await_rewrite,
    definition_size,
    each_line,
    open_board,
    put_all,
    scripts,
    seconds,
)
from bench.memory import used
from bench.tick import tick_all
from jobs_core import Board
from jobs_core.embedded import EmbeddedServer
from jobs_core.embedded.binary import find_binary
from torture.nodes import Cluster, wait

SMALL = 10_000
"""The jobs of the board that a large one is measured beside, and those that are due at once on both."""

ROUNDS = 200
"""Ticks without due jobs, and pages, whose median counts."""

BY_HAND = 1 / 16
"""The share of the jobs that the floor has."""

PRIMARIES = 3

SAY_EVERY = 500_000


class Servers(Protocol):
    """What has the board: it can be stopped, and started with the data that it had."""

    url: str

    def open(self) -> Board: ...

    def stop(self) -> None: ...

    def start(self) -> None: ...


class _One:
    """One server, with an ordinary board."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.url, self.stop, self.start = server.url, server.stop, server.start

    def open(self) -> Board:
        return open_board(self.url)


class _Primaries:
    """A cluster, with a board of as many partitions as there are primaries, one on each."""

    def __init__(self, cluster: Cluster) -> None:
        self.url, self._cluster = cluster.url, cluster

    def open(self) -> Board:
        open_board(self.url, partitions.NAME).init(partitions=PRIMARIES)
        return open_board(self.url, partitions.NAME)

    def stop(self) -> None:
        for node in self._cluster.nodes:
            with suppress(redis.ConnectionError):
                node.call("SHUTDOWN", "NOSAVE")
            if node.process is not None:
                node.process.wait()

    def start(self) -> None:
        with ThreadPoolExecutor(PRIMARIES) as pool:
            list(pool.map(lambda node: node.start(), self._cluster.nodes))
        wait(self._cluster.is_whole, "the cluster to be whole")


@dataclass(frozen=True, slots=True)
class Cost:
    """What it takes to fill servers with jobs, and to start them again, in seconds."""

    count: int
    seconds: float
    client_cpu: float
    server_cpu: float
    bytes: float
    restart: float
    restart_cpu: float


def measure(count: int) -> Iterator[Result]:
    """Measure one server: putting, memory, a restart, ticks and pages."""
    with tempfile.TemporaryDirectory() as data, EmbeddedServer(Path(data)) as server:
        yield from _measure(_One(server), count)


def measure_primaries(count: int) -> Iterator[Result]:
    """Measure three primaries in the same way."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Cluster(
            str(find_binary()), Path(folder), primaries=PRIMARIES, words=("--appendonly", "yes")
        ) as cluster,
    ):
        yield from _measure(_Primaries(cluster), count)


def _measure(servers: Servers, count: int) -> Iterator[Result]:
    by_hand = None
    if isinstance(servers, _One):
        board = servers.open()
        board.init()
        definition = "x" * definition_size(board)
        at = (time.time() + 3600) * 1000
        few = int(count * BY_HAND)
        click.echo("growth: by hand ...", err=True)
        by_hand = _cost(servers, few, lambda found: floor.put(found.client, few, definition, at))
    _cost(servers, SMALL, _put(SMALL))
    small = list(_work(servers.open()))
    cost = _cost(servers, count, _put(count))
    yield from _costs(cost, by_hand)
    for result, other in zip(_work(servers.open()), small, strict=True):
        name = f"{result.name}, of {count:,} jobs; floor: of {SMALL:,}"
        yield Result(name, result.value, result.unit, other.value, result.target)


def _costs(cost: Cost, by_hand: Cost | None) -> Iterator[Result]:
    def micros(one: Cost, name: str) -> float:
        return float(getattr(one, name)) / one.count * 1e6

    def of_each(name: str) -> tuple[float, str, float | None]:
        return micros(cost, name), "µs/job", micros(by_hand, name) if by_hand else None

    def target(text: str) -> str:
        return text if by_hand else ""

    rate_by_hand = by_hand.count / by_hand.seconds if by_hand else None
    name = f"put in bulk, {cost.count:,} jobs on {os.cpu_count()} cores"
    yield Result(name, cost.count / cost.seconds, "jobs/s", rate_by_hand, target("≥ 0.7 of the floor"))
    yield Result("put: CPU of the client", *of_each("client_cpu"))
    yield Result("put: CPU of the server", *of_each("server_cpu"))
    yield Result(
        "memory", cost.bytes, "bytes/job", by_hand.bytes if by_hand else None, target("≤ 1.2 of the floor")
    )
    yield Result(f"restart with {cost.count:,} jobs", cost.restart, "s")
    yield Result("restart", *of_each("restart"))
    yield Result("restart: CPU", *of_each("restart_cpu"))


def _put(count: int) -> Callable[[Board], None]:
    def fill(board: Board) -> None:
        put_all(board, _with_progress(each_line(count, start="+1h"), count))

    return fill


def _with_progress(jobs: Iterator[str], count: int) -> Iterator[str]:
    for number, job in enumerate(jobs):
        if number % SAY_EVERY == 0:
            click.echo(f"growth: {number:,} of {count:,} jobs ...", err=True)
        yield job


def _cost(servers: Servers, count: int, fill: Callable[[Board], None]) -> Cost:
    """Fill empty servers, rewrite their append-only files, and start them again."""
    for part in servers.open().partitions:
        part.client.flushall(asynchronous=False)
        await_rewrite(part.client)
    board = servers.open()
    board.init()
    before = _used(board, 0)
    server_cpu, client_cpu = _server_cpu(board), time.process_time()
    took = seconds(lambda: fill(board))
    server_cpu, client_cpu = _server_cpu(board) - server_cpu, time.process_time() - client_cpu
    grown = (_used(board, count) - before) / count
    for part in board.partitions:
        await_rewrite(part.client)  # one that the server started itself
        part.client.bgrewriteaof()
        await_rewrite(part.client)
    board.close()
    servers.stop()
    restart = seconds(servers.start)
    restart_cpu = _server_cpu(servers.open())
    return Cost(count, took, client_cpu, server_cpu, grown, restart, restart_cpu)


def _used(board: Board, count: int) -> int:
    parts = board.partitions
    return sum(used(part, count // len(parts), has_floor=len(parts) == 1) for part in parts)


def _server_cpu(board: Board) -> float:
    """Return the seconds of CPU that servers have used, without rewrites of their append-only files."""
    found = [part.client.info("cpu") for part in board.partitions]
    return sum(float(one["used_cpu_user"] + one["used_cpu_sys"]) for one in found)


def _work(board: Board) -> Iterator[Result]:
    """Measure what a board does. At the end, SMALL jobs have become due at once."""
    yield Result("the first page of a list", _median(board.job_page), "ms")
    yield Result("a tick without due jobs", _median(board.tick), "ms")
    now = int(time.time()) + 60
    put_all(board, each_line(SMALL, start=now + 3600, next=now))
    before = board.stats()["queued"]
    with scripts(*(part.client for part in board.partitions)) as times:
        took = seconds(lambda: tick_all(board, now + 1))
    if board.stats()["queued"] - before != SMALL:
        raise RuntimeError("the ticks did not queue every job that was due")
    yield Result(f"tick, {SMALL:,} due at once", SMALL / took, "jobs/s", None, "≥ 0.8 of the floor")
    yield Result("tick: longest script", times.longest, "ms", None, "≤ about 10 ms")


def _median(work: Callable[[], Any]) -> float:
    """Return the median time of a call, in ms."""
    return statistics.median(seconds(work) for _ in range(ROUNDS)) * 1000
