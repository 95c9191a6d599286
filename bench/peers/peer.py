"""Shared by the scripts of all systems. Runs in their environments: imports only the standard library."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable

CHUNK = 500
"""Tasks per batch, for systems that can push in bulk."""

_calls = itertools.count()  # its next() is atomic: some systems run tasks on threads


def called(line: str) -> None:
    """Count a run of the no-op task, and print its lateness if its line is a due time."""
    next(_calls)
    if line[0].isdigit():
        print("late", time.time() - float(line), flush=True)


def ready() -> None:
    """Tell the benchmark that this worker is about to take tasks."""
    print("ready", flush=True)


def ended(count: int | None = None) -> None:
    """Tell the benchmark how many tasks this worker ran."""
    print("ran", next(_calls) if count is None else count, flush=True)


def chunks(count: int) -> list[int]:
    """Return the sizes of the batches that make up `count` tasks."""
    return [min(CHUNK, count - start) for start in range(0, count, CHUNK)]


def main(
    push: Callable[[str, int, str, int], None],
    late: Callable[[str, list[float]], None],
    work: Callable[[str, int, int, str], None],
) -> None:
    """Run the action on the command line.

    `push URL COUNT LINE PROCESSES`, `late URL COUNT START APART` or `work URL CONCURRENCY INDEX MODE`.
    """
    action, url, number, *rest = sys.argv[1:]
    if action == "push":
        push(url, int(number), rest[0], int(rest[1]))
    elif action == "late":
        late(url, [float(rest[0]) + index * float(rest[1]) for index in range(int(number))])
    else:
        work(url, int(number), int(rest[0]), rest[1])
