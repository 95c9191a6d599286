"""CPU time that Redis spends on popping and reporting a task, compared with plain commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.harness import PAYLOAD, Result, empty, scripts
from jobs_core import Board
from jobs_core.engine.bulk import group_calls
from jobs_core.errors import JobsError

MOST = 20000
"""Maximum number of tasks, however many jobs other measurements use."""

RAW = ("lpop", "hset", "zadd", "zrem", "hdel", "hincrby", "xadd")
TARGETS = {100: "≤ 3.5 times the floor", 10: "≤ 5.5 times the floor"}
SECOND = 1_000_000


def measure(board: Board, count: int) -> Iterator[Result]:
    """Measure microseconds per task in Redis alone, popped and reported 100 and 10 at a time."""
    count = min(count, MOST)
    for size, target in TARGETS.items():
        floor = min(_measure_floor(board, count, size) for _ in range(3))
        ours = min(_measure_jobs(board, count, size) for _ in range(3))
        yield Result(f"pop and report in Redis, {size} at a time", ours, "us/task", floor, target)


def _measure_floor(board: Board, count: int, size: int) -> float:
    """Pop, store and delete strings with plain commands, one of each per task."""
    client: Any = board.client
    empty(board)
    for start in range(0, count, 500):
        client.rpush("floor:queue", *(f"task-{number} {PAYLOAD}" for number in range(start, start + 500)))
    client.config_resetstat()
    for start in range(0, count, size):
        tokens = [f"task-{number}" for number in range(start, start + size)]
        pipe = client.pipeline(transaction=False)
        for token in tokens:
            pipe.lpop("floor:queue")
            pipe.hset("floor:task", token, PAYLOAD)
            pipe.zadd("floor:leased", {token: 1.7e12})
        pipe.execute()
        for token in tokens:
            pipe.zrem("floor:leased", token)
            pipe.hdel("floor:task", token)
            pipe.hincrby("floor:stats", "done", 1)
            fields = {"task": token, "attempt": 1, "what": "done"}
            pipe.xadd("floor:history", fields, maxlen=10000, approximate=True)
        pipe.execute()
    calls = client.info("commandstats")
    return float(sum(calls[f"cmdstat_{name}"]["usec"] for name in RAW)) / count


def _measure_jobs(board: Board, count: int, size: int) -> float:
    """Do the same with JPOP and JMACK, as a worker calls them."""
    empty(board)
    for reply in board.push_many({"runner": "noop", "payload": PAYLOAD} for _ in range(count)):
        if isinstance(reply, JobsError):
            raise reply
    with scripts(board.client) as run:
        for _ in range(0, count, size):
            tasks = board.pop("noop", count=size, lease=30, worker="bench")
            calls = [call for call, _ in group_calls("JMACK")(((task.token, "done") for task in tasks), 1)]
            board.commands.batch(calls)
    if board.stats()["done"] != count:
        raise RuntimeError("not every task was reported")
    return run.seconds * SECOND / count
