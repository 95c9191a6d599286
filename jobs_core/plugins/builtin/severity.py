"""How bad an event is."""

from __future__ import annotations

from typing import Literal

from jobs_core.types import Event

Severity = Literal["error", "warn", "info"]

JOURNAL_PRIORITIES: dict[Severity, int] = {"error": 3, "warn": 4, "info": 6}
"""The priorities of syslog, and so of the systemd journal."""

OTEL_NUMBERS: dict[Severity, int] = {"error": 17, "warn": 13, "info": 9}
"""The severity numbers of OpenTelemetry."""


def severity_of(event: Event) -> Severity:
    """Return how bad an event is: an error needs somebody, a warning may pass by itself.

    A failed attempt is a warning if the task is tried again, and an error if not.
    """
    if event.kind == "trouble":
        return "error"
    if event.kind == "task.stale":
        return "warn"
    if event.outcome is None or event.outcome.status not in ("failed", "lost"):
        return "info"
    is_tried_again = event.decision is not None and event.decision.verb in ("retry", "release")
    return "warn" if is_tried_again else "error"
