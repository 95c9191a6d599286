"""The answer to why: a reason, one or two sentences, and the facts that prove them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Reason = Literal[
    "ran",
    "running",
    "dead",
    "cancelled",
    "unleased",
    "retrying",
    "lost",
    "skipped",
    "coalesced",
    "held",
    "queued",
    "unserved",
    "delayed",
    "waiting",
    "idle",
    "clock",
    "paused",
    "changed",
    "not-due",
    "will-run",
    "ended",
    "manual",
    "absent",
    "unknown",
]
REASONS: tuple[str, ...] = get_args(Reason)
"""What an answer may come to. Each is explained in docs/guides/why.md."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why a job or a task did, does or will do what it does at a moment.

    Args:
        job: The job's id.
        at: The moment that the answer is about, in epoch seconds.
        reason: One word for the answer: `ran`, `paused`, `held` …
        text: The answer in one or two sentences.
        task: The id of the task or occurrence that the answer is about, if there is one.
        proof: The recorded facts behind the answer, each with its `kind`: run, task, change, gap, limit,
            worker, schedule or history.
        is_complete: False if what is recorded does not reach back to that moment.
    """

    job: str
    at: float
    reason: Reason
    text: str
    task: str | None = None
    proof: tuple[Mapping[str, Any], ...] = ()
    is_complete: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as `jobs why --json` prints it."""
        return {
            "job": self.job,
            "task": self.task,
            "at": self.at,
            "reason": self.reason,
            "text": self.text,
            "complete": self.is_complete,
            "proof": [dict(fact) for fact in self.proof],
        }
