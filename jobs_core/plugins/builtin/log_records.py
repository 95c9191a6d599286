"""Events as records of a log: as text, and as JSON by the names of Jobs, OpenTelemetry or Elastic."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jobs_core.contract import WorkerInfo
from jobs_core.errors import OptionError
from jobs_core.plugins.builtin.severity import OTEL_NUMBERS, severity_of
from jobs_core.tracing import trace_ids
from jobs_core.types import Decision, Event

ECS_VERSION = "8.11.0"
"""The version of the Elastic Common Schema."""

OUTCOMES = {"done": "success", "failed": "failure", "lost": "failure"}
"""The outcomes of the Elastic Common Schema. Any other is unknown."""


def event_text(event: Event) -> str:
    """Return what an event says, without its time: `backup@1763900005000 done (exit 0) in 1.2 s`."""
    if event.task is None:
        return f"{event.worker} {event.kind.partition('.')[2] or event.kind} {_details(event)}".rstrip()
    if event.kind == "task.line":
        return f"{event.task.id} | {event.data['line']}"
    return f"{event.task.id} {_details(event)}"


def _details(event: Event) -> str:
    if event.task is None:
        return str(event.data.get("note", ""))
    took = f" in {event.data['seconds']:.3f} s" if "seconds" in event.data else ""
    if event.outcome is None:
        note = str(event.data.get("note", ""))
        if event.kind == "task.released":
            return f"released ({note}){took}" if note else f"released{took}"
        return f"{event.kind.rpartition('.')[2]} {note}".rstrip()
    note = f" ({event.outcome.note})" if event.outcome.note else ""
    decision = event.decision
    then = "" if decision is None or decision.verb == "done" else f", {_next_step(decision)}"
    return f"{event.outcome.status}{note}{took}{then}"


def _next_step(decision: Decision) -> str:
    return "given up" if decision.verb == "dead" else f"again in {decision.delay:g} s"


def chosen_names(worker: WorkerInfo) -> Callable[[Event], dict[str, Any]]:
    """Return the function that makes records with the names of the setting `log_json`.

    Raises OptionError for an unknown one.
    """
    name = worker.settings["log_json"]
    if name not in NAMES:
        raise OptionError(f"log_json: expected {' or '.join(NAMES)}, got {name!r}")
    return NAMES[name]


def event_json(event: Event) -> dict[str, Any]:
    """Return an event as a JSON object, without the payload."""
    record: dict[str, Any] = {"time": round(event.time, 3), "kind": event.kind, "worker": event.worker}
    if event.board:
        record["board"] = event.board
    if event.task is not None:
        record |= {"task": event.task.id, "job": event.task.job, "runner": event.task.runner}
        record |= {"attempt": event.task.attempt}
    if event.outcome is not None:
        record |= {"status": event.outcome.status, "note": event.outcome.note, "code": event.outcome.code}
    if event.decision is not None:
        record |= {"decision": event.decision.verb}
    if ids := trace_ids(event.trace):
        record |= {"trace_id": ids.trace, "span_id": ids.span}
    return record | dict(event.data)


def otel_record(event: Event) -> dict[str, Any]:
    """Return an event by the log data model of OpenTelemetry. Its attributes are those of messaging.

    https://opentelemetry.io/docs/specs/otel/logs/data-model/
    """
    level = severity_of(event)
    record: dict[str, Any] = {
        "Timestamp": str(int(event.time * 1_000_000_000)),
        "SeverityText": level.upper(),
        "SeverityNumber": OTEL_NUMBERS[level],
        "EventName": f"jobs.{event.kind}",
        "Body": _message(event),
    }
    if ids := trace_ids(event.trace):
        record |= {"TraceId": ids.trace, "SpanId": ids.span, "TraceFlags": int(ids.flags, 16)}
    return record | {
        "Resource": {"service.name": _service(), "service.instance.id": event.worker},
        "Attributes": _otel_attributes(event),
    }


def _otel_attributes(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if event.task is not None:
        found |= {
            "messaging.system": "jobs",
            "messaging.message.id": event.task.id,
            "messaging.destination.name": event.task.queue,
        }
    stream = event.data.get("stream")
    own = {name: value for name, value in _facts(event).items() if name not in ("task", "queue")}
    found |= {f"messaging.jobs.{name}": value for name, value in own.items()}
    if event.kind == "task.line" and stream in ("stdout", "stderr"):
        found["log.iostream"] = stream
    return found


def ecs_record(event: Event) -> dict[str, Any]:
    """Return an event by the Elastic Common Schema.

    https://www.elastic.co/guide/en/ecs/current/
    """
    clock = datetime.fromtimestamp(event.time, UTC).isoformat(timespec="milliseconds")
    record: dict[str, Any] = {
        "@timestamp": clock.replace("+00:00", "Z"),
        "log.level": severity_of(event),
        "message": _message(event),
        "ecs.version": ECS_VERSION,
        "service.name": _service(),
        "service.node.name": event.worker,
        "event.kind": "event",
        "event.action": event.kind,
    }
    if event.outcome is not None:
        record["event.outcome"] = OUTCOMES.get(event.outcome.status, "unknown")
        if OUTCOMES.get(event.outcome.status) == "failure":
            record |= {"error.code": event.outcome.code, "error.message": event.outcome.note}
    if "seconds" in event.data:
        record["event.duration"] = int(event.data["seconds"] * 1_000_000_000)
    if ids := trace_ids(event.trace):
        record |= {"trace.id": ids.trace, "span.id": ids.span}
    return record | {f"jobs.{name}": value for name, value in _facts(event).items()}


def _facts(event: Event) -> dict[str, Any]:
    """Return what Jobs alone has names for: the board, the task, its outcome, and the event's data."""
    found: dict[str, Any] = {"board": event.board} if event.board else {}
    if event.task is not None:
        task = event.task
        found |= {"task": task.id, "job": task.job, "runner": task.runner, "queue": task.queue}
        found |= {"attempt": task.attempt}
    if event.outcome is not None:
        found |= {"outcome": event.outcome.status, "code": event.outcome.code}
    if event.decision is not None:
        found |= {"decision": event.decision.verb}
    return found | {name: value for name, value in event.data.items() if name not in ("line", "note")}


def _message(event: Event) -> str:
    """Return the text of a record: a line of output as it was printed, or what the event says."""
    return str(event.data["line"]) if event.kind == "task.line" else event_text(event)


def _service() -> str:
    """Return the name under which traces know the service, so that logs and traces meet."""
    return os.environ.get("OTEL_SERVICE_NAME") or "jobs"


NAMES: dict[str, Callable[[Event], dict[str, Any]]] = {
    "jobs": event_json,
    "otel": otel_record,
    "ecs": ecs_record,
}
"""The records of the setting `log_json`."""
