"""The floors: the minimum work that Redis would do without Jobs, in plain commands."""

from __future__ import annotations

from typing import Any

from bench.harness import BATCH

TICK = """#!lua
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

JOB, SCHEDULE, QUEUE, TASK = "floor:job", "floor:schedule", "floor:queue", "floor:task"


def put(client: Any, count: int, definition: str, at: float) -> None:
    """HSET a definition and ZADD its time for each job, in a pipeline, as one would by hand."""
    for start in range(0, count, BATCH):
        pipe = client.pipeline(transaction=False)
        for number in range(start, min(start + BATCH, count)):
            pipe.hset(JOB, f"job-{number}", definition)
            pipe.zadd(SCHEDULE, {f"job-{number}": at})
        pipe.execute()


def put_batched(client: Any, count: int, definition: str, at: float) -> None:
    """Do the same with one HSET and one ZADD per batch: the minimum for client and server."""
    for start in range(0, count, BATCH):
        ids = [f"job-{number}" for number in range(start, min(start + BATCH, count))]
        pipe = client.pipeline(transaction=False)
        pipe.hset(JOB, mapping=dict.fromkeys(ids, definition))
        pipe.zadd(SCHEDULE, dict.fromkeys(ids, at))
        pipe.execute()


def tick(client: Any, now: float, limit: int) -> None:
    """Reschedule and queue due ids, `limit` per script, without reading definitions."""
    script = client.register_script(TICK)
    while script([SCHEDULE, QUEUE], [now, limit, now + 3600000]):
        pass


def push(client: Any, count: int, payload: str) -> None:
    """Queue tasks as plain strings."""
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        client.rpush(QUEUE, *(f"task-{number} {payload}" for number in numbers))


def work(client: Any, size: int) -> None:
    """Pop `size` tasks at a time, store each in a hash, and delete it, with one round trip per step."""
    while tasks := client.lpop(QUEUE, size):
        held = {task.split(" ", 1)[0]: task for task in tasks}
        pipe = client.pipeline(transaction=False)
        for id, task in held.items():
            pipe.hset(TASK, id, task)
        pipe.execute()
        for id in held:
            pipe.hdel(TASK, id)
        pipe.execute()
