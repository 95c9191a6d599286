"""Renew the leases of running tasks, on a thread of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence, Set
from typing import Any

import redis

from jobs_core.engine.commands import Commands
from jobs_core.engine.replies import lease_states
from jobs_core.engine.timeouts import answer_timeout
from jobs_core.engine.together import BoardCall, call_together
from jobs_core.errors import FaultError, JobsError
from jobs_core.lease import lease_clock
from jobs_core.worker.run import Run
from jobs_core.worker.served import Served

RETRY = 1.0
"""Maximum seconds between attempts to renew while Redis cannot be reached."""

SHORTEST_ANSWER = 0.5
"""Seconds for which a renewal waits at least for its answer, however short the lease is."""


def renewal_timeout(client: redis.Redis, lease: float) -> float:
    """Return how many seconds a renewal waits for its answer: trouble must be heard early."""
    return min(answer_timeout(client) or lease, max(lease / 6, SHORTEST_ANSWER))


class Leases:
    """Renews leases, three times per lease. Nothing else that a worker waits for can delay it.

    Args:
        boards: The boards, which share connections, with their commands for renewals.
        runs: The runs that the worker holds, on other boards too. The worker changes this set.
        lease: Seconds for which to hold a task without a lease option.
    """

    def __init__(self, boards: Mapping[Served, Commands], runs: Set[Run], lease: float) -> None:
        self._boards = boards
        self._runs = runs
        self._lease = lease
        self._next_beat = time.monotonic() + lease / 3
        self._wake = threading.Event()
        self._stopped = False

    def watch(self, run: Run) -> None:
        """Renew the lease of a new run in time."""
        if run.lease and time.monotonic() + run.lease.seconds / 3 < self._next_beat:
            self._wake.set()

    def run(self) -> None:
        """Renew leases until `stop`."""
        while not self._stopped:
            try:
                self._next_beat = time.monotonic() + self._renew()
            except FaultError:  # the worker's loop reports it
                self._next_beat = time.monotonic() + min(RETRY, self._shortest() / 6)
            self._wake.wait(max(0.0, self._next_beat - time.monotonic()))
            self._wake.clear()

    def stop(self) -> None:
        """Make `run` return."""
        self._stopped = True
        self._wake.set()

    def _renew(self) -> float:
        """Renew all leases. Returns the seconds until the next renewal. Raises FaultError."""
        leases: dict[tuple[Served, float], list[Run]] = {}
        for run in tuple(self._runs):
            if run.lease and run.served in self._boards and run.may_hold():
                leases.setdefault((run.served, run.lease.seconds), []).append(run)
        calls: list[BoardCall] = [
            (self._boards[served], ("JBEAT", (seconds, *(run.task.token for run in runs))))
            for (served, seconds), runs in leases.items()
        ]
        sent = lease_clock()
        replies = call_together(next(iter(self._boards.values())), calls)
        for runs, reply in zip(leases.values(), replies, strict=True):
            if not isinstance(reply, JobsError):
                _note_states(runs, reply, sent)
        for reply in replies:
            if isinstance(reply, JobsError):
                raise reply
        return self._shortest() / 3

    def _shortest(self) -> float:
        return min((run.lease.seconds for run in tuple(self._runs) if run.lease), default=self._lease)


def _note_states(runs: Sequence[Run], reply: Any, sent: float) -> None:
    """Note that leases were renewed. Stop what was lost or cancelled."""
    for run, hold in zip(runs, lease_states(reply), strict=True):
        if hold == "lost":
            run.lost = True
            run.tell_to_stop()
            continue
        if run.lease:
            run.lease.renew(sent)
        if hold == "cancelling":
            run.cancel()
