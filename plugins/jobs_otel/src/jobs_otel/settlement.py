"""Spans of reports: from the end of an attempt until Redis has taken what became of the task."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from opentelemetry.trace import Span, SpanKind, set_span_in_context

from jobs_core import Event, Task
from jobs_otel.conventions import Attributes, fail, name_of
from jobs_otel.provider import tracer

MOST = 10_000
"""Reports that are waited for at most. Events may be lost, if observers cannot keep up."""

_VERBS = {
    "task.finished": "",
    "task.accepted": "accepted",
    "task.cancelled": "cancelled",
    "task.released": "release",
    "task.stale": "stale",
}
"""What became of a task, by the event that tells it. After `task.finished`, the policy has decided."""

KINDS = tuple(_VERBS)
"""The events that tell that a report has been made."""


@dataclass(frozen=True, slots=True)
class _Expected:
    """A report under way. `since` is in ns since the epoch."""

    since: int
    attempt: Span
    attributes: Attributes


_expected: OrderedDict[tuple[str, str], _Expected] = OrderedDict()
"""By board and token: a worker may serve several boards."""

_lock = threading.Lock()


def expect(board: str, task: Task, attempt: Span, attributes: Attributes) -> None:
    """Note that an attempt has ended, and will be reported. `attributes` are those of the report's span."""
    if not (task.token and attempt.get_span_context().trace_flags.sampled):
        return
    with _lock:
        _expected[board, task.token] = _Expected(time.time_ns(), attempt, attributes)
        if len(_expected) > MOST:
            _expected.popitem(last=False)


def settled(event: Event) -> None:
    """Make the span of a report, when its event arrives."""
    if event.task is None:
        return
    with _lock:
        expected = _expected.pop((event.board, event.task.token), None)
    if expected is None:
        return
    span = tracer().start_span(
        name_of("settle", event.task.queue),
        context=set_span_in_context(expected.attempt),
        kind=SpanKind.CLIENT,
        attributes=expected.attributes | _decision(event),
        start_time=expected.since,
    )
    if event.kind == "task.stale":
        fail(span, "stale", str(event.data.get("note", "")))
    span.end(max(expected.since, int(event.time * 1_000_000_000)))


def _decision(event: Event) -> Attributes:
    """Return what became of the task."""
    if event.decision is None:
        ended = event.outcome.status if event.outcome else ""
        return {"messaging.jobs.decision": _VERBS[event.kind] or ended}
    found: Attributes = {"messaging.jobs.decision": event.decision.verb}
    return found | ({"messaging.jobs.delay": event.decision.delay} if event.decision.delay else {})
