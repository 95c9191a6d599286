"""The plugin that is always there: a runner and loggers that print, policies, checks, default hooks."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from jobs_core.checks import jobs_checks as jobs_checks
from jobs_core.hookspecs import hookimpl
from jobs_core.model import Context, Decision, Event, Logger, Outcome, Policy, Runner, Task
from jobs_core.policies import jobs_policies as jobs_policies

_printing = threading.Lock()


def print_payload(task: Task, context: Context) -> Outcome:
    """The `console` runner: pass the payload to the loggers as a line of output."""
    context.line(task.raw)
    return Outcome.done()


def log_line(event: Event) -> str:
    """An event as one line for people: `12:00:05 backup@1763900005000 done (exit 0) in 1.2 s`."""
    clock = time.strftime("%H:%M:%S", time.localtime(event.time))
    if event.task is None:
        return (
            f"{clock} {event.worker} {event.kind.partition('.')[2] or event.kind} {_details(event)}".rstrip()
        )
    if event.kind == "task.line":
        return f"{clock} {event.task.id} | {event.data['line']}"
    return f"{clock} {event.task.id} {_details(event)}"


def _details(event: Event) -> str:
    if event.outcome is None:
        note = str(event.data.get("note", ""))
        return note if event.task is None else f"{event.kind.partition('.')[2]} {note}".rstrip()
    note = f" ({event.outcome.note})" if event.outcome.note else ""
    took = f" in {event.data['seconds']:.3f} s" if "seconds" in event.data else ""
    decision = event.decision
    then = "" if decision is None or decision.verb == "ack" else f", {_then(decision)}"
    return f"{event.outcome.status}{note}{took}{then}"


def _then(decision: Decision) -> str:
    return f"again in {decision.delay:g} s" if decision.verb == "retry" else "given up"


def event_json(event: Event) -> dict[str, Any]:
    """An event as a JSON object. A payload is never part of it."""
    record: dict[str, Any] = {"time": round(event.time, 3), "kind": event.kind, "worker": event.worker}
    if event.task is not None:
        record |= {"task": event.task.id, "job": event.task.job, "runner": event.task.runner}
        record |= {"attempt": event.task.attempt}
    if event.outcome is not None:
        record |= {"status": event.outcome.status, "note": event.outcome.note, "code": event.outcome.code}
    if event.decision is not None:
        record |= {"decision": event.decision.verb}
    return record | dict(event.data)


def _write_line(event: Event) -> None:
    if event.kind != "task.started":
        with _printing:
            print(log_line(event), flush=True)


def _write_json(event: Event) -> None:
    with _printing:
        sys.stdout.write(json.dumps(event_json(event), ensure_ascii=False) + "\n")
        sys.stdout.flush()


@hookimpl
def jobs_runners() -> Iterator[Runner]:
    """The `console` runner."""
    yield Runner("console", print_payload, "Print the payload: for trying things out")


@hookimpl
def jobs_loggers() -> Iterator[Logger]:
    """The loggers `console` and `json`."""
    yield Logger("console", _write_line, "One line an event, for people")
    yield Logger("json", _write_json, "One JSON object an event, for programs")


@hookimpl(trylast=True)
def jobs_execute(task: Task, runner: Runner, context: Context) -> Outcome:
    """Run a task with its runner."""
    return runner.run(task, context)


@hookimpl(trylast=True)
def jobs_decide(task: Task, outcome: Outcome, policy: Policy) -> Decision:
    """Ask the task's policy."""
    return policy.decide(task, outcome)
