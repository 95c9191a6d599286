"""Renewing the leases of running tasks, and telling those to stop that have lost theirs or their time."""

from __future__ import annotations

import time
from collections.abc import Set

from jobs_core.engine.commands import Commands
from jobs_core.engine.replies import as_holds
from jobs_core.worker.run import Run

GRACE = 15.0
"""Seconds that a runner has to return after it was told to stop."""


class Leases:
    """Renews the leases of `runs` three times in each.

    Args:
        runs: Those that the worker holds; the worker changes the set.
        lease: Seconds for which a task is held that names no lease of its own.
    """

    def __init__(self, commands: Commands, runs: Set[Run], lease: float) -> None:
        self._commands = commands
        self._runs = runs
        self._lease = lease
        self.next_beat = time.monotonic() + lease / 3
        """When `renew` has something to do, by the monotonic clock."""

    def watch(self, run: Run) -> None:
        """Look at a run that starts in time."""
        self.next_beat = min(self.next_beat, self._beat_by(run, run.started))

    def renew(self) -> None:
        """Renew the leases whose time has come. Raises FaultError; what is due then stays due."""
        now = time.monotonic()
        if now < self.next_beat:
            return
        leases: dict[float, list[Run]] = {}
        for run in self._runs:
            if self._is_in_time(run, now) and run.task.token and not run.lost:
                leases.setdefault(self._lease_of(run), []).append(run)
        self.next_beat = min((self._beat_by(run, now) for run in self._runs), default=now + self._lease)
        for lease, runs in leases.items():
            reply = self._commands.call("JBEAT", lease, *(run.task.token for run in runs))
            for run, hold in zip(runs, as_holds(reply), strict=True):
                if hold == "lost":
                    run.lost = True
                    run.tell_to_stop()
                elif hold == "cancelling":
                    run.cancel()

    def _lease_of(self, run: Run) -> float:
        return float(run.task.options.get("lease", self._lease))

    def _beat_by(self, run: Run, now: float) -> float:
        """When this run must be looked at: its lease renewed, or its timeout enforced."""
        beat = now + self._lease_of(run) / 3
        if run.timeout is None:
            return beat
        ends = run.started + run.timeout
        return min(beat, ends) if ends > now else beat

    def _is_in_time(self, run: Run, now: float) -> bool:
        """Tell a run past its timeout to stop. One that goes on all the same loses its lease in the end."""
        if run.timeout is None or now < run.started + run.timeout:
            return True
        if not run.context.cancelled.is_set():
            run.timed_out = True
            run.tell_to_stop()
        return now < run.started + run.timeout + GRACE
