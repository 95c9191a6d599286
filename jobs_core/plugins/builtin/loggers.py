"""The built-in loggers: `console` and `json` print, `file` writes a rotating file."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from jobs_core.text import KEPT, json_line, visible
from jobs_core.types import Decision, Event

_printing = threading.Lock()


def event_line(event: Event, clock_format: str = "%H:%M:%S") -> str:
    """Return an event as one readable line: `12:00:05 backup@1763900005000 done (exit 0) in 1.2 s`.

    Control characters, in a line of output or a note, are escaped.
    """
    return visible(_event_text(event, clock_format), keep=KEPT.replace("\n", ""))


def _event_text(event: Event, clock_format: str) -> str:
    clock = time.strftime(clock_format, time.localtime(event.time))
    if event.task is None:
        return (
            f"{clock} {event.worker} {event.kind.partition('.')[2] or event.kind} {_details(event)}".rstrip()
        )
    if event.kind == "task.line":
        return f"{clock} {event.task.id} | {event.data['line']}"
    return f"{clock} {event.task.id} {_details(event)}"


def _details(event: Event) -> str:
    took = f" in {event.data['seconds']:.3f} s" if "seconds" in event.data else ""
    if event.outcome is None:
        note = str(event.data.get("note", ""))
        if event.kind == "task.released":
            return f"released ({note}){took}" if note else f"released{took}"
        return note if event.task is None else f"{event.kind.rpartition('.')[2]} {note}".rstrip()
    note = f" ({event.outcome.note})" if event.outcome.note else ""
    decision = event.decision
    then = "" if decision is None or decision.verb == "done" else f", {_next_step(decision)}"
    return f"{event.outcome.status}{note}{took}{then}"


def _next_step(decision: Decision) -> str:
    return "given up" if decision.verb == "dead" else f"again in {decision.delay:g} s"


def event_json(event: Event) -> dict[str, Any]:
    """Return an event as a JSON object, without the payload."""
    record: dict[str, Any] = {"time": round(event.time, 3), "kind": event.kind, "worker": event.worker}
    if event.task is not None:
        record |= {"task": event.task.id, "job": event.task.job, "runner": event.task.runner}
        record |= {"attempt": event.task.attempt}
    if event.outcome is not None:
        record |= {"status": event.outcome.status, "note": event.outcome.note, "code": event.outcome.code}
    if event.decision is not None:
        record |= {"decision": event.decision.verb}
    return record | dict(event.data)


def print_line(event: Event) -> None:
    if event.kind != "task.started":
        with _printing:
            print(event_line(event), flush=True)


def print_json(event: Event) -> None:
    with _printing:
        sys.stdout.write(json_line(event_json(event)) + "\n")
        sys.stdout.flush()
