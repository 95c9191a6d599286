"""Ticks and memory of cron jobs, compared with jobs that run at intervals."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator

from bench.harness import PAYLOAD, Result, empty, lines, put_all, scripts, seconds
from bench.memory import growth
from bench.tick import tick_all
from jobs_core import Board

ZONES = ("UTC", "Europe/Brussels", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
PATTERNS = 300
"""Number of distinct patterns that the jobs share."""


def measure(board: Board, count: int) -> Iterator[Result]:
    """Measure jobs with shared patterns, and with H. The floor is jobs with as many different intervals."""
    now = int(time.time())
    interval_rate, _ = _tick(board, _interval_lines(count, now), now)
    for name, patterns in (("shared patterns", _patterns()), ("H, one pattern per job", ["H H * * *"])):
        jobs = _cron_lines(count, patterns, next=now)
        rate, longest = _tick(board, jobs, now)
        yield Result(f"tick, cron: {name}", rate, "jobs/s", interval_rate, "≥ 0.5 of intervals")
        yield Result(f"tick, cron: {name}: longest script", longest, "ms", None, "≤ about 10 ms")
    interval_bytes = growth(board, count, lambda: put_all(board, lines(count, start="+1h")))
    cron_bytes = growth(board, count, lambda: put_all(board, _cron_lines(count, _patterns())))
    yield Result("memory, cron", cron_bytes, "bytes/job", interval_bytes, "≤ 1.3 of intervals")


def _patterns() -> list[str]:
    chance = random.Random(1)
    shapes = (
        "{m} {h} * * *",
        "*/{s} * * * *",
        "{m} {h} * * MON-FRI",
        "{m} {h} {d} * *",
        "{m} */{h2} * * SUN#1",
    )
    return [
        chance.choice(shapes).format(
            m=chance.randrange(60),
            h=chance.randrange(24),
            h2=chance.randrange(1, 12),
            s=chance.randrange(1, 30),
            d=chance.randrange(1, 29),
        )
        for _ in range(PATTERNS)
    ]


def _cron_lines(count: int, patterns: list[str], **options: object) -> list[str]:
    chance = random.Random(2)
    return [
        json.dumps(
            {"id": f"job-{number}", "runner": "noop", "payload": PAYLOAD}
            | {"cron": chance.choice(patterns), "zone": chance.choice(ZONES), **options}
        )
        for number in range(count)
    ]


def _interval_lines(count: int, now: int) -> list[str]:
    chance = random.Random(3)
    job = {"runner": "noop", "payload": PAYLOAD, "start": now + 3600, "next": now}
    return [json.dumps({"id": f"job-{n}", "every": chance.randrange(60, 86400)} | job) for n in range(count)]


def _tick(board: Board, jobs: list[str], now: int) -> tuple[float, float]:
    """Return jobs per second, and the longest script in ms."""
    empty(board)
    put_all(board, jobs)
    with scripts(board.client) as run:
        took = seconds(lambda: tick_all(board, now + 1))
    return len(jobs) / took, run.longest
