"""Runs of quick runners, which the worker's loop carries out itself: no thread is worth it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from jobs_core.worker.run import Run

SLICE = 0.02
"""Seconds of runs after which the loop looks at all else."""

LONG = 0.1
"""Seconds from which a run is too long: all else waits for it."""


class Inline:
    """Runs that wait for the loop to carry them out, one after the other.

    Args:
        execute: Carries a run out. It must not raise.
        ended: Is told of each run that was carried out.
        too_long: Is told of the first run of each runner that held up all else.
    """

    def __init__(
        self,
        execute: Callable[[Run], None],
        ended: Callable[[Run], None],
        too_long: Callable[[Run], None],
    ) -> None:
        self._execute = execute
        self._ended = ended
        self._too_long = too_long
        self._runs: deque[Run] = deque()
        self._known: set[str] = set()  # runners that took too long

    def __bool__(self) -> bool:
        return bool(self._runs)

    def put(self, run: Run) -> None:
        """Let a run wait for its turn."""
        self._runs.append(run)

    def work(self, until: float) -> None:
        """Carry out one run, and more for a slice of time, but not past `until` by the monotonic clock."""
        began = time.monotonic()
        until = min(until, began + SLICE)
        while self._runs:
            run = self._runs.popleft()
            self._execute(run)
            ended = time.monotonic()
            if ended - began > LONG and run.task.runner not in self._known:
                self._known.add(run.task.runner)
                self._too_long(run)
            self._ended(run)
            if ended > until:
                return
            began = ended

    def leave(self) -> list[Run]:
        """Take out what has not begun and can be given back; a task of at most once cannot."""
        left = [run for run in self._runs if run.task.token]
        self._runs = deque(run for run in self._runs if not run.task.token)
        return left
