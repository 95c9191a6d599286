"""Stop runs on time: at their timeout, and before a lease ends that the worker could not renew."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Set

from jobs_core.lease import lease_clock
from jobs_core.worker.run import Run

LONGEST = 1.0
"""Maximum seconds between checks. A clock that stands still while the machine sleeps times the waiting."""


class Deadlines:
    """Tells runs to stop when their time is over. It does not need Redis, so nothing can hold it up.

    Args:
        runs: The runs that the worker holds. The worker changes this set.
        report: Called with each run that is stopped because its lease could not be renewed, and a sentence.
    """

    def __init__(self, runs: Set[Run], report: Callable[[Run, str], None]) -> None:
        self._runs = runs
        self._report = report
        self._next_check = math.inf
        self._wake = threading.Event()
        self._stopped = False

    def watch(self, run: Run) -> None:
        """Stop a new run in time."""
        if time.monotonic() + self._seconds_left(run) < self._next_check:
            self._wake.set()

    def run(self) -> None:
        """Stop runs until `stop`."""
        while not self._stopped:
            wait = self._check()
            self._next_check = time.monotonic() + wait
            self._wake.wait(wait)
            self._wake.clear()

    def stop(self) -> None:
        """Make `run` return."""
        self._stopped = True
        self._wake.set()

    def _check(self) -> float:
        """Stop the runs whose time is over. Returns the seconds until the next check."""
        wait = LONGEST
        for run in tuple(self._runs):
            if not run.begun or run.outcome is not None or run.context.stop_was_called:
                continue
            left = self._seconds_left(run)
            if left <= 0:
                self._stop_run(run)
            else:
                wait = min(wait, left)
        return wait

    def _stop_run(self, run: Run) -> None:
        if run.has_timed_out():
            run.timed_out = True
        elif run.lease:
            seconds = lease_clock() - run.lease.sent
            self._report(run, f"told to stop: Redis has not confirmed its lease for {seconds:.1f} s")
        run.tell_to_stop()

    def _seconds_left(self, run: Run) -> float:
        left = math.inf if run.timeout is None else run.started + run.timeout - time.monotonic()
        return left if run.lease is None else min(left, run.lease.stop_at - lease_clock())
