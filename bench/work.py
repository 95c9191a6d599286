"""Taking tasks and reporting them, through one worker process with a runner that does nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from bench.harness import BATCH, BODY, Result, empty, seconds
from jobs_core import Board, Context, Outcome, Runner, Task

WORKER = """
import sys
from bench.work import work
work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
"""


def measure(board: Board, count: int, url: str) -> Iterator[Result]:
    """Work through `count` pushed tasks; the floor moves strings from a list to a hash and deletes them."""
    empty(board)
    floor = count / _floor(board, count)
    for concurrency in (10, 100):
        empty(board)
        for _ in board.push_many({"runner": "noop", "payload": BODY} for _ in range(count)):
            pass
        command = [sys.executable, "-c", WORKER, url, str(concurrency), str(count)]
        took = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        assert board.stats()["succeeded"] == count
        name = f"pop + ack, concurrency {concurrency}"
        yield Result(name, count / took, "tasks/s", floor, "≥ 10,000 a second")


def work(url: str, concurrency: int, count: int) -> None:
    """Be the worker: end after `count` tasks, and print how many seconds that took."""
    from jobs_core import Worker

    left = count

    def run(task: Task, context: Context) -> Outcome:
        nonlocal left
        left -= 1
        if left <= 0:
            worker.stop()
        return Outcome.done()

    worker = Worker(Board("bench", url, validate=False), [Runner("noop", run)], concurrency=concurrency)
    print(seconds(worker.run))


def _floor(board: Board, count: int) -> float:
    client = board.client
    for start in range(0, count, BATCH):
        client.rpush("floor:queue", *(f"task-{number} {BODY}" for number in range(start, start + BATCH)))

    def move() -> None:
        while tasks := client.lpop("floor:queue", 100):
            pipe = client.pipeline(transaction=False)
            for task in tasks:
                pipe.hset("floor:task", task.split(" ", 1)[0], task)
            for task in tasks:
                pipe.hdel("floor:task", task.split(" ", 1)[0])
            pipe.execute()

    return seconds(move)
