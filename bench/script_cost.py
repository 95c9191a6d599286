"""Time that Redis spends on a call by EVALSHA, compared with the same call by FCALL."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from bench.harness import BATCH, PAYLOAD, Result, empty
from jobs_core import Board
from jobs_core.engine.build import commands

CALLS = 8 * BATCH
"""Calls of each command, however many jobs other measurements use."""

Way = Callable[[str], tuple[str, str]]
"""Turns a command's name into the words that call it."""

EVERY = ("noop", PAYLOAD, "every", "3600", "start", "+1h")


def measure(board: Board) -> Iterator[Result]:
    """Measure microseconds per call: put a job, read it, push a task, pop it, and report on it."""
    by_function = _measure(board, lambda name: ("FCALL", name))
    by_script = _measure(board, lambda name: ("EVALSHA", commands()[name].sha))
    for name, cost in by_script.items():
        yield Result(f"{name} by EVALSHA", cost, "us/call", by_function[name])


def _measure(board: Board, way: Way) -> dict[str, float]:
    """Return the microseconds per call of each command, on an empty board."""
    empty(board)
    board.count()  # publishes the scripts
    costs: dict[str, float] = {}
    numbers = range(CALLS)
    _run(board, way, costs, "JSET", [(f"job-{number}", *EVERY) for number in numbers])
    _run(board, way, costs, "JGET", [(f"job-{number}",) for number in numbers])
    _run(board, way, costs, "JPUSH", [("noop", PAYLOAD) for _ in numbers])
    popped = _run(board, way, costs, "JPOP", [("1", "noop", "lease", "300") for _ in numbers])
    tokens = [dict(zip(task[::2], task[1::2], strict=True))["token"] for (task,) in popped]
    _run(board, way, costs, "JACK", [(token, "done") for token in tokens])
    return costs


def _run(
    board: Board, way: Way, costs: dict[str, float], name: str, calls: list[tuple[str, ...]]
) -> list[Any]:
    """Call a command again and again, and note what a call costs in the best batch. Returns the replies."""
    client: Any = board.client
    replies: list[Any] = []
    costs[name] = math.inf
    for start in range(0, len(calls), BATCH):
        pipe = client.pipeline(transaction=False)
        for arguments in calls[start : start + BATCH]:
            pipe.execute_command(*way(name), 1, board.keys.tag, *arguments)
        client.config_resetstat()
        replies += pipe.execute()
        found = client.info("commandstats")
        used = (found.get(f"cmdstat_{call}", {}).get("usec", 0) for call in ("evalsha", "fcall"))
        costs[name] = min(costs[name], sum(used) / BATCH)
    return replies
