"""Webhooks from one worker process to a server on loopback that keeps connections open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import requests

from bench.harness import Result, empty, open_board, seconds
from bench.server import serving
from jobs_core import Board, Event, Logger, Worker
from jobs_core.errors import JobsError
from jobs_core.plugins.builtin.checks import check_ledger
from jobs_core.plugins.manager import Plugins

MOST = 10000
PATIENCE = 180
"""Seconds after which a worker that has not ended counts as stuck."""

EVENT = {"type": "invoice.paid", "data": {"id": 12345, "amount": "42.00"}}


def measure(board: Board, count: int, url: str) -> Iterator[Result]:
    """Measure webhooks. The floor is the same requests, sent directly from as many threads."""
    count = min(count, MOST)
    for concurrency in (10, 50):
        with serving() as target:
            floor_took = seconds(lambda size=concurrency, to=target: _post(to, size, count))  # type: ignore[misc]
            took = _time_worker(board, url, target, concurrency, count)
        yield Result(
            f"webhooks, concurrency {concurrency}",
            count / took,
            "a second",
            count / floor_took,
            "≥ 1,000 a second",
        )
    with serving(failing=0.3) as target:
        took = _time_worker(board, url, target, 50, count, attempts=3, backoff="fixed 0.1")
    stats = board.stats()
    if stats["done"] + stats["dead"] != count:
        raise RuntimeError(f"of {count} webhooks, not all have ended: {stats}")
    if (finding := check_ledger(board)).state != "ok":
        raise RuntimeError(finding.note)
    yield Result("webhooks of which 30 % fail: dead after 3 attempts", 100 * stats["dead"] / count, "%", 2.7)


def _post(target: str, threads: int, count: int) -> None:
    body = json.dumps(EVENT)
    local = threading.local()

    def post(_: int) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        local.session.post(target, data=body, headers={"Content-Type": "application/json"})

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(post, range(count), chunksize=1))


def _time_worker(
    board: Board, url: str, target: str, concurrency: int, count: int, **options: object
) -> float:
    """Return the seconds that a worker in a separate process takes for `count` tasks."""
    empty(board)
    payload = {"url": target, "json": EVENT}
    for reply in board.push_many({"runner": "http", "payload": payload, **options} for _ in range(count)):
        if isinstance(reply, JobsError):
            raise reply
    command = [sys.executable, "-m", "bench.webhooks", url, str(concurrency), str(count)]
    environment = os.environ | {"JOBS_HTTP_ALLOW": "loopback"}
    ended = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE
    )
    return float(ended.stdout)


def work(url: str, concurrency: int, count: int) -> float:
    """Run a worker until `count` tasks have ended. Returns the seconds that this took."""
    ended = 0

    def write(event: Event) -> None:  # these events come only from the worker's own thread
        nonlocal ended
        if event.kind == "task.finished" and event.decision is not None and event.decision.verb != "retry":
            ended += 1
            if ended == count:
                worker.stop()

    runner = Plugins.load().runner("http")
    worker = Worker(open_board(url), [runner], concurrency=concurrency, loggers=[Logger("count", write)])
    return seconds(worker.run)


if __name__ == "__main__":
    print(work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
