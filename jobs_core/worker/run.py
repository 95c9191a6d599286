"""A task in a worker's hands, and the JACK that reports what came of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs_core.context import Context
from jobs_core.engine.calls import ack_pairs
from jobs_core.types import DECISIONS, Attempt, Decision, Outcome, Task

SUSPICIOUS = 2
"""Losses after which a task is not run beside another such."""


@dataclass(slots=True, eq=False)
class Run:
    """A task that a worker holds.

    Without an outcome it is given back unfinished. When it is `unstarted`, the decision is about the attempt
    before. `started` is in seconds of the monotonic clock, `timeout` and `put_off` in seconds.
    """

    task: Task
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

    @property
    def is_suspect(self) -> bool:
        """Whether it was lost with its worker again and again: it may be what kills them."""
        history = self.task.history
        return len(history) >= SUSPICIOUS and sum(one.status == "lost" for one in history) >= SUSPICIOUS

    @property
    def is_kept(self) -> bool:
        """Whether the board keeps what it prints."""
        return "keep" in self.task.options

    def tell_to_stop(self) -> None:
        """Tell its runner to stop."""
        self.context.stop()

    def cancel(self) -> None:
        """Tell its runner to stop because somebody asked for that."""
        self.asked_to_cancel = True
        self.tell_to_stop()

    def is_open(self, outcome: Outcome) -> bool:
        """Whether there is nothing to decide: the task was accepted, or it stopped because it was told to."""
        return outcome.status == "accepted" or self._has_stopped(outcome)

    def report(self) -> Sequence[str]:
        """The arguments of the JACK that reports it."""
        verb, options = self._verb()
        if self.outcome is not None and (verb != "release" or self.decision is not None):
            options |= {
                "note": self.outcome.note,
                "code": self.outcome.code,
                "data": self.outcome.data or None,
            }
        return self.task.token, verb, *ack_pairs(options)

    def kind(self) -> str | None:
        """The event that tells of it once it is reported, or None when there was one already."""
        if self.outcome is None or self._has_stopped(self.outcome):
            return "task.cancelled" if self.asked_to_cancel else "task.released"
        if self.unstarted:
            return None
        return "task.accepted" if self.outcome.status == "accepted" else "task.finished"

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
            return "retry", {"delay": delay, "unstarted": True}  # the attempt before has been decided upon
        return self.decision.verb, {"delay": delay, "unstarted": self.unstarted or None}

    def _has_stopped(self, outcome: Outcome) -> bool:
        return outcome.status == "cancelled" and self.context.cancelled.is_set()


def check_decision(decision: object) -> None:
    """Raise ValueError for what a policy decided that is no decision."""
    if (
        not isinstance(decision, Decision)
        or decision.verb not in DECISIONS
        or not 0 <= decision.delay < math.inf
    ):
        raise ValueError(f"{decision!r} is no decision")


def lost_outcome(attempt: Attempt) -> Outcome:
    """The outcome of an attempt that ended where no policy was at hand, as a policy is shown it."""
    if attempt.status == "lost":
        return Outcome.lost()
    return Outcome.failed(attempt.note, code=attempt.code)
