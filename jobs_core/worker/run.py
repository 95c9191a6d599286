"""A task in a worker's hands, and the JACK that reports it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs_core.context import Context
from jobs_core.engine.calls import ack_pairs
from jobs_core.lease import Lease
from jobs_core.types import DECISIONS, Attempt, Decision, Outcome, Task
from jobs_core.worker.served import Served
from jobs_core.worker.tail import Tail

GRACE = 15.0
"""Seconds that a runner has to return after it is told to stop."""

SUSPICIOUS = 2
"""Losses after which a task is a suspect. A worker runs one suspect at a time."""

RETURN_DELAY = 1.0
"""Seconds to delay a task that this worker cannot start now, such as a suspect while another one runs."""


@dataclass(slots=True, eq=False)
class Run:
    """A task in a worker's hands.

    A run without an outcome is released. If it is `unstarted`, the decision is about the previous attempt.
    `served` is the task's board. `started` is in monotonic seconds. `timeout` and `put_off` are in seconds.
    `shortage` says why the task could not start on this worker. `tail` has what it printed last.
    """

    task: Task
    served: Served
    context: Context
    started: float
    timeout: float | None = None
    outcome: Outcome | None = None
    decision: Decision | None = None
    unstarted: bool = False
    timed_out: bool = False
    asked_to_cancel: bool = False
    lost: bool = False
    begun: bool = False
    put_off: float = 0.0
    shortage: str = ""
    tail: Tail | None = None

    @property
    def is_suspect(self) -> bool:
        """Whether several attempts were lost with their worker, so that the task may be the cause."""
        history = self.task.history
        return len(history) >= SUSPICIOUS and sum(one.status == "lost" for one in history) >= SUSPICIOUS

    @property
    def is_running(self) -> bool:
        """Whether a runner works on the task."""
        return self.begun and self.outcome is None and not self.shortage

    @property
    def lease(self) -> Lease | None:
        """The worker's hold on the task; None if the task has no lease."""
        return self.context.lease

    @property
    def is_unproven(self) -> bool:
        """Whether the worker could not renew the lease in time, so that the run had to stop."""
        return self.lease is not None and self.lease.is_overdue

    def has_timed_out(self, grace: float = 0.0) -> bool:
        """Return whether the run has exceeded its timeout, by more than `grace` seconds."""
        return self.timeout is not None and time.monotonic() >= self.started + self.timeout + grace

    def may_give_back(self) -> bool:
        """Return whether a worker that exits may return the task, because nothing works on it after that."""
        return not self.lost and not (self.is_running and self.lease and self.lease.outlives_worker)

    def may_hold(self) -> bool:
        """Return whether to renew the lease. A run that did not stop after its timeout loses it."""
        return not self.lost and not self.has_timed_out(GRACE)

    @property
    def keeps_output(self) -> bool:
        """Whether the board keeps the task's output."""
        return "keep" in self.task.options

    def give_back(self, shortage: str) -> None:
        """Return the task to its queue, because this worker is too short of files or memory to start it."""
        self.shortage, self.put_off = shortage, RETURN_DELAY

    def tell_to_stop(self) -> None:
        """Tell the runner to stop."""
        self.context.stop()

    def cancel(self) -> None:
        """Tell the runner to stop because a user cancelled the task."""
        self.asked_to_cancel = True
        self.tell_to_stop()

    def is_open(self, outcome: Outcome) -> bool:
        """Return whether no decision is needed: the task was accepted, or it stopped when told to."""
        return outcome.status == "accepted" or self._has_stopped(outcome)

    def report(self) -> Sequence[str]:
        """Return the arguments of the JACK that reports the run."""
        verb, options = self._verb()
        if self.outcome is not None and (verb != "release" or self.decision is not None):
            options |= {
                "note": self.outcome.note,
                "code": self.outcome.code,
                "data": self.outcome.data or None,
                "tail": self.tail.text() if self.tail and not self.unstarted else None,
            }
        return self.task.token, verb, *ack_pairs(options)

    def kind(self) -> str | None:
        """Return the kind of event to emit after the report, or None if it was already emitted."""
        if self.outcome is None or self._has_stopped(self.outcome):
            return "task.cancelled" if self.asked_to_cancel else "task.released"
        if self.unstarted:
            return None
        return "task.accepted" if self.outcome.status == "accepted" else "task.finished"

    def why_released(self) -> str:
        """Return why the task goes back to its queue."""
        if self.shortage:
            return self.shortage
        if self.is_unproven:
            return "the lease could not be renewed in time"
        if self.put_off:
            return "this worker cannot start it now"
        return "the worker is stopping"

    def _verb(self) -> tuple[str, dict[str, Any]]:
        if self.outcome is None:
            return "release", {"delay": self.put_off or None}
        if self.outcome.status == "accepted":
            progress = self.outcome.data.get("progress")
            return "accepted", {"timeout": self.context.remaining, "progress": progress}
        if self._has_stopped(self.outcome):
            return ("cancelled" if self.asked_to_cancel else "release"), {}
        if self.decision is None:
            return "failed", {}
        delay = round(self.decision.delay, 3) or None
        if self.decision.verb == "release" and self.unstarted:
            return "retry", {"delay": delay, "unstarted": True}  # the previous attempt is already decided
        return self.decision.verb, {"delay": delay, "unstarted": self.unstarted or None}

    def _has_stopped(self, outcome: Outcome) -> bool:
        return outcome.status == "cancelled" and self.context.cancelled.is_set()


def check_decision(decision: object) -> None:
    """Raise ValueError unless a policy returned a valid Decision."""
    if (
        not isinstance(decision, Decision)
        or decision.verb not in DECISIONS
        or not 0 <= decision.delay < math.inf
    ):
        raise ValueError(f"expected a Decision, got {decision!r}")


def lost_outcome(attempt: Attempt) -> Outcome:
    """Return the outcome of an attempt that ended without a policy, in the form a policy receives."""
    if attempt.status == "lost":
        return Outcome.lost()
    return Outcome.failed(attempt.note, code=attempt.code)
