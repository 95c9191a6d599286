"""Renew the leases of running tasks, and stop runs that lost their lease or exceeded their timeout."""

from __future__ import annotations

import time
from collections.abc import Set

import redis

from jobs_core.engine.commands import Commands
from jobs_core.engine.replies import as_holds
from jobs_core.engine.timeouts import answer_timeout
from jobs_core.worker.run import Run

GRACE = 15.0
"""Seconds that a runner has to return after it is told to stop."""

SHORTEST_ANSWER = 0.5
"""Seconds for which a renewal waits at least for its answer, however short the lease is."""


def renewal_timeout(client: redis.Redis, lease: float) -> float:
    """Return how many seconds a renewal waits for its answer: trouble must be heard early."""
    return min(answer_timeout(client) or lease, max(lease / 6, SHORTEST_ANSWER))


class Leases:
    """Renews leases, three times per lease.

    Args:
        commands: The commands of the board.
        runs: The runs that the worker holds. The worker changes this set.
        lease: Seconds for which to hold a task without a lease option.
    """

    def __init__(self, commands: Commands, runs: Set[Run], lease: float) -> None:
        self._commands = commands
        self._runs = runs
        self._lease = lease
        self.next_beat = time.monotonic() + lease / 3
        """When to call `renew` next, in monotonic seconds."""

    def watch(self, run: Run) -> None:
        """Schedule the first renewal of a new run."""
        self.next_beat = min(self.next_beat, self._beat_by(run, run.started))

    def renew(self) -> None:
        """Renew the leases if it is time. Raises FaultError."""
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
        """Return when to renew this run's lease or enforce its timeout, in monotonic seconds."""
        beat = now + self._lease_of(run) / 3
        if run.timeout is None:
            return beat
        ends = run.started + run.timeout
        return min(beat, ends) if ends > now else beat

    def _is_in_time(self, run: Run, now: float) -> bool:
        """Stop a run that exceeded its timeout. Returns False if it did not stop: its lease then expires."""
        if run.timeout is None or now < run.started + run.timeout:
            return True
        if not run.context.cancelled.is_set():
            run.timed_out = True
            run.tell_to_stop()
        return now < run.started + run.timeout + GRACE
