"""Ticking while everything is due at once, and the longest script of all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from bench.harness import Result, empty, floor_put, put_all, seconds
from jobs_core import Board

FLOOR = """#!lua
local due = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
if #due == 0 then return 0 end
local moved = {}
for i, id in ipairs(due) do
  moved[2 * i - 1], moved[2 * i] = ARGV[3], id
end
redis.call('ZADD', KEYS[1], unpack(moved))
redis.call('LPUSH', KEYS[2], unpack(due))
return #due
"""


def measure(board: Board, count: int, limit: int = 500) -> Iterator[Result]:
    """Tick `count` due jobs in batches of `limit`; the floor moves bare ids in the same batches."""
    now = time.time()
    empty(board)
    floor_put(board.client, count, now * 1000)
    floor = count / seconds(lambda: _floor_ticks(board.client, now, limit))

    empty(board)
    put_all(board, count, start=now + 3600, next=now)
    board.client.config_resetstat()
    board.client.slowlog_reset()
    board.client.config_set("slowlog-log-slower-than", 500)
    rate = count / seconds(lambda: _ticks(board, now + 1, limit))
    longest = max((entry["duration"] for entry in board.client.slowlog_get(1000)), default=500) / 1000
    board.client.config_set("slowlog-log-slower-than", 10000)
    yield Result("tick, all due at once", rate, "jobs/s", floor, "≥ 0.35 of the floor")
    yield Result("longest script", longest, "ms", None, "about 10 ms at most")


def _floor_ticks(client: Any, now: float, limit: int) -> None:
    script = client.register_script(FLOOR)
    while script(["floor:schedule", "floor:queue"], [now * 1000 + 1, limit, now * 1000 + 3600000]):
        pass


def _ticks(board: Board, now: float, limit: int) -> None:
    while board.tick(limit, now=now).moved:
        pass
