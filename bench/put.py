"""Putting jobs in bulk."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench import floor
from bench.harness import PAYLOAD, Result, definition_size, empty, lines, put_all, scripts, seconds
from jobs_core import Board

ROUNDS = 2
"""Number of rounds. The best counts: the first warms both sides up."""


def measure(board: Board, count: int) -> Iterator[Result]:
    """Put `count` jobs as `jobs put --stdin` does, parsed and checked. The floors write the same bytes."""
    client, jobs = board.client, lines(count, start="+1h")
    at = (time.time() + 3600) * 1000
    empty(board)
    definition = "x" * definition_size(board)
    single, batched, bulk = [], [], []
    for _ in range(ROUNDS):
        empty(board)
        single.append(seconds(lambda: floor.put(client, count, definition, at)))
        empty(board)
        batched.append(seconds(lambda: floor.put_batched(client, count, definition, at)))
        empty(board)
        with scripts(client) as run:
            bulk.append(seconds(lambda: put_all(board, jobs)))
    rate = count / min(bulk)
    yield Result("put in bulk", rate, "jobs/s", count / min(single), "≥ 0.7 of the floor")
    yield Result("put in bulk, floor without a command per job", rate, "jobs/s", count / min(batched))
    yield run.result("put")
    rate = count / min(_one_by_one(board, count) for _ in range(ROUNDS))
    yield Result("put one by one, in a pipeline", rate, "jobs/s", count / min(single), "≥ 0.4 of the floor")


def _one_by_one(board: Board, count: int) -> float:
    """Return the seconds that `count` pipelined JSETs take."""
    empty(board)
    calls = [
        ("JSET", (f"job-{number}", "noop", PAYLOAD, "every", 3600, "start", "+1h")) for number in range(count)
    ]
    return seconds(lambda: [reply for reply in board.commands.stream(calls) if isinstance(reply, Exception)])
