"""The tasks of a run: what each kind does, and how it should end. The payload is `<kind>:<number>`."""

from __future__ import annotations

import zlib
from typing import Any

from jobs_core import Context, Outcome, Task

LEASE = 2.0
"""Lease in seconds. It is short, so that faults outlast it."""

PATIENT = {"policy": "retry", "attempts": 10000, "backoff": "fixed 0.2", "losses": 20}
"""Options that keep faults alone from turning tasks into dead letters."""

OPTIONS: dict[str, dict[str, Any]] = {
    "quick": {"losses": 20},
    "slow": {"losses": 20},
    "flaky": PATIENT,
    "doomed": PATIENT | {"never-on": "doomed"},
    "once": {"policy": "none"},
    "command": PATIENT,
    "thread": PATIENT,
}
"""The options of each kind of task."""

KINDS = ("quick",) * 12 + ("flaky",) * 4 + ("slow", "slow", "doomed", "once")
"""The kinds, in proportion to their frequency."""


def kind_of(payload: str) -> str:
    """Return the kind of a task."""
    return payload.partition(":")[0]


def planned_failures(task_id: str) -> int:
    """Return how often a flaky task fails before it succeeds."""
    return 1 + zlib.crc32(task_id.encode()) % 3


def run(task: Task, context: Context) -> Outcome:
    """Run a task according to its kind."""
    kind = kind_of(task.raw)
    if kind == "doomed":
        return Outcome.failed("as planned", code="doomed")
    if kind == "flaky":
        failures = sum(attempt.status == "failed" for attempt in task.history)
        if failures < planned_failures(task.id):
            return Outcome.failed("as planned", code="flaky")
    if kind == "slow" and context.cancelled.wait(0.1 + zlib.crc32(task.id.encode()) % 100 / 50):
        return Outcome.cancelled()
    return Outcome.done()
