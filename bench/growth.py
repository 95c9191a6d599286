"""What a board costs as it grows: `--jobs` jobs beside jobs by hand, and beside a board of 10,000.

A sixteenth of the jobs are enough by hand: tables of Redis double as they grow, so both fill them equally. Of
a large board, only the last jobs are put. Those before are copies that a script makes of a job, byte for
byte, since putting all takes most of an hour on a busy machine.

It has a server of its own, which it starts again to measure how long that takes to load.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

SMALL = 10_000
"""The jobs of the board that a large one is measured beside, and those that are due at once on both."""

ROUNDS = 200
"""Ticks without due jobs, and pages, whose median counts."""

BY_HAND = 1 / 16
"""The share of the jobs that the floor has."""

PUT = 100_000
"""The last jobs of a large board, which are put. On a board with partitions, all are put."""

COPY = """
local packed, jobs, dues = redis.call('HGET', KEYS[1], ARGV[1]), {}, {}
for n = tonumber(ARGV[2]), tonumber(ARGV[3]) - 1 do
  jobs[#jobs + 1], dues[#dues + 1] = 'job-' .. n, ARGV[4]
  jobs[#jobs + 1], dues[#dues + 1] = packed, 'job-' .. n
end
redis.call('HSET', KEYS[1], unpack(jobs))
redis.call('ZADD', KEYS[2], unpack(dues))
"""
"""Copies a job to those of a range of numbers."""

COPIES = 2000
"""Jobs that one call copies."""

SAY_EVERY = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What it takes to fill a server with jobs, and to start it again, in seconds."""

    count: int
    put: int
    """How many of the jobs the next three are about."""
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
        by_hand = _cost(server, few, few, lambda found: floor.put(found.client, few, definition, at))
        _say(f"a board of {SMALL:,}")
        _cost_of_jobs(server, SMALL)
        small = list(_work(open_board(server.url)))
        _say(f"a board of {count:,}")
        cost = _cost_of_jobs(server, count)
        yield from _costs(cost, by_hand)
        for result, other in zip(_work(open_board(server.url)), small, strict=True):
            name = f"{result.name}, of {count:,} jobs; floor: of {SMALL:,}"
            yield Result(name, result.value, result.unit, other.value, result.target)


def _costs(cost: Cost, by_hand: Cost) -> Iterator[Result]:
    def of_each(name: str, count: str = "count") -> tuple[float, str, float]:
        own, other = (getattr(one, name) / getattr(one, count) * 1e6 for one in (cost, by_hand))
        return own, "µs/job", other

    rate, rate_by_hand = (one.put / one.seconds for one in (cost, by_hand))
    name = f"put in bulk, up to {cost.count:,} jobs"
    yield Result(name, rate, "jobs/s", rate_by_hand, "≥ 0.7 of the floor")
    yield Result("put: CPU of the client", *of_each("client_cpu", "put"))
    yield Result("put: CPU of the server", *of_each("server_cpu", "put"))
    yield Result("memory", cost.bytes, "bytes/job", by_hand.bytes, "≤ 1.2 of the floor")
    yield Result(f"restart with {cost.count:,} jobs", cost.restart, "s")
    yield Result("restart", *of_each("restart"))
    yield Result("restart: CPU", *of_each("restart_cpu"))


def _cost_of_jobs(server: EmbeddedServer, count: int) -> Cost:
    """Measure a board of so many jobs."""
    has_partitions = len(open_board(server.url).partitions) > 1
    put = count if has_partitions else min(count, PUT)
    copied = count - put
    jobs = each_line(count, copied, start="+1h")
    return _cost(
        server,
        count,
        put,
        lambda found: put_all(found, jobs),
        lambda found: _copy(found, copied) if copied else None,
    )


def _copy(board: Board, count: int) -> None:
    """Put a job, and copy it to the numbers below a count."""
    put_all(board, each_line(1, start="+1h"))
    client: Any = board.client
    due = client.zscore(board.keys.schedule, "job-0")
    copy = client.register_script(COPY)
    for first in range(1, count, COPIES):
        upto = min(first + COPIES, count)
        copy([board.keys.job, board.keys.schedule], ["job-0", first, upto, f"{due:.0f}"])
        if upto // SAY_EVERY > first // SAY_EVERY:
            _say(f"{upto:,} jobs")


def _cost(
    server: EmbeddedServer,
    count: int,
    put: int,
    fill: Callable[[Board], None],
    prepare: Callable[[Board], None] = lambda board: None,
) -> Cost:
    """Fill an empty server, rewrite its append-only file, and start it again. Only `fill` is timed."""
    board = open_board(server.url)
    client: Any = board.client
    empty(board)
    before = used(board, 0)
    prepare(board)
    await_rewrite(client)
    server_cpu, client_cpu = _server_cpu(board), time.process_time()
    took = seconds(lambda: fill(board))
    server_cpu, client_cpu = _server_cpu(board) - server_cpu, time.process_time() - client_cpu
    grown = (used(board, count) - before) / count
    await_rewrite(client)  # one that the server started itself
    client.bgrewriteaof()
    await_rewrite(client)
    client.close()
    server.stop()
    restart = seconds(server.start)
    restart_cpu = _server_cpu(open_board(server.url))
    return Cost(count, put, took, client_cpu, server_cpu, grown, restart, restart_cpu)


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


def _say(what: str) -> None:
    click.echo(f"growth: {what} ...", err=True)
