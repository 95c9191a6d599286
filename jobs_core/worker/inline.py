"""Runs of inline runners. The worker's loop executes them itself, because a thread would cost more."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from jobs_core.worker.run import Run

SLICE = 0.02
"""Seconds of inline work after which the loop turns to its other work."""

LONG = 0.1
"""Seconds after which an inline run is reported as too slow, because it blocks the loop."""


class Inline:
    """Runs that wait for the loop to execute them, one after the other.

    Args:
        execute: Executes a run. It must not raise.
        ended: Called with each run after its execution.
        report: Called with the first slow run of each runner, and a sentence.
    """

    def __init__(
        self,
        execute: Callable[[Run], None],
        ended: Callable[[Run], None],
        report: Callable[[Run, str], None],
    ) -> None:
        self._execute = execute
        self._ended = ended
        self._report = report
        self._runs: deque[Run] = deque()
        self._known: set[str] = set()  # runners already reported as too slow

    def __bool__(self) -> bool:
        return bool(self._runs)

    def put(self, run: Run) -> None:
        """Add a run to the end of the line."""
        self._runs.append(run)

    def work(self) -> None:
        """Execute one run, and more until a slice of time has passed."""
        began = time.monotonic()
        until = began + SLICE
        while self._runs:
            run = self._runs.popleft()
            self._execute(run)
            ended = time.monotonic()
            if ended - began > LONG and run.task.runner not in self._known:
                self._known.add(run.task.runner)
                self._report(
                    run, f"the inline runner {run.task.runner!r} is slow and blocks the worker's other tasks"
                )
            self._ended(run)
            if ended > until:
                return
            began = ended

    def take_releasable(self) -> list[Run]:
        """Remove and return the runs that can be released. At-most-once tasks cannot be, so they stay."""
        left = [run for run in self._runs if run.task.token]
        self._runs = deque(run for run in self._runs if not run.task.token)
        return left
