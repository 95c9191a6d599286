"""Tasks: list, show, push, cancel."""

from __future__ import annotations

from typing import Any

from jobs_core import JobsError, NotFoundError, trace_of
from jobs_web.api import schemas as s
from jobs_web.api.jobs import push_options
from jobs_web.api.model import BULK, Call, Parameter, Route
from jobs_web.api.problems import brief
from jobs_web.api.schedules import why


def list_(call: Call) -> dict[str, Any]:
    """Answer with a page of tasks."""
    options = call.options("limit", "cursor", "state", "payload", *s.names(s.TASK_FILTERS))
    page = call.board.task_page(**options)
    return {"items": page.items, "next": page.next}


def show(call: Call) -> dict[str, Any]:
    """Answer with a task that has not ended, or a dead letter; else with how it ended."""
    id = call.path["id"]
    for state in (None, "dead"):
        for found in call.board.tasks(state, task=id, payload=call.query.get("payload")):
            return dict(found)
    for entry in call.board.history(task=id):
        told = {name: entry[name] for name in ("attempt", "code", "note", "data") if name in entry}
        return {"id": id, "job": entry["job"], "state": entry["what"], "ended": entry["time"], **told}
    raise NotFoundError(f"There is no task {id!r} on the board {call.board.name!r}.")


def logs(call: Call) -> dict[str, Any]:
    """Answer with the end of what a task printed."""
    return {"items": list(call.board.logs(call.path["id"])), "next": None}


def push(call: Call) -> dict[str, str]:
    """Queue a one-off task."""
    options = push_options(call, call.body)
    return {"task": call.board.push(options.pop("runner"), options.pop("payload"), **options)}


def push_many(call: Call) -> dict[str, Any]:
    """Queue many tasks."""
    trace = trace_of(call.headers)
    tasks = (one if one.get("traceparent") else {**one, **trace} for one in call.body["tasks"])
    replies = call.board.push_many(tasks)
    items = [brief(reply) if isinstance(reply, JobsError) else {"task": reply} for reply in replies]
    return {"items": items, "next": None}


def cancel(call: Call) -> dict[str, str]:
    """Cancel a task."""
    return {"state": call.board.cancel(call.path["id"], **call.options("because"))}


def cancel_many(call: Call) -> dict[str, int]:
    """Cancel the tasks of a job, or with labels."""
    found: dict[str, int] = call.board.cancel_job(**call.body, **call.options("because"))
    return found


STATE = Parameter(
    "state",
    "only tasks in this state (default: all but dead)",
    {"enum": ["queued", "held", "delayed", "leased", "accepted", "dead"]},
)
ENDED = s.shown({"id": s.TEXT, "job": s.TEXT, "state": s.TEXT})
RUN_ALSO = s.record({**s.TASK_FIELDS, "id": s.TEXT})
MANY = s.record({"tasks": {"type": "array", "items": RUN_ALSO, "maxItems": 10000}}, ("tasks",))
RESULT = s.shown({}, {"task": s.TEXT, "error": s.ANY_OBJECT})
SELECTED = s.record({"job": s.TEXT, "label": {"type": ["string", "array", "object"], "items": s.TEXT}})

ROUTES = (
    Route(
        "GET", "/tasks", "viewer",
        "List tasks that have not ended. A page ends soon after it has `limit` tasks.", list_,
        s.page_of(s.TASK), (*s.PAGING, STATE, *s.TASK_FILTERS, s.PAYLOADS),
    ),
    Route("POST", "/tasks", "editor", "Queue a one-off task.", push, s.QUEUED, s.PUSH_HEADERS,
          s.TASK_BODY, status=201),
    Route(
        "POST", "/tasks/bulk", "editor", "Queue many one-off tasks, or runs of jobs by `id`.", push_many,
        s.page_of(RESULT), s.TRACE_HEADERS, MANY, limit=BULK,
    ),
    Route("POST", "/tasks/cancel", "operator", "Cancel all tasks of a job, or with labels.", cancel_many,
          s.COUNTS, (s.BECAUSE,), SELECTED),
    Route("GET", "/tasks/{id}", "viewer", "Show a task, or how it ended.", show, ENDED, (s.PAYLOADS,)),
    Route("GET", "/tasks/{id}/logs", "viewer", "Show the end of what a task printed.", logs,
          s.page_of(s.LINE)),
    Route("GET", "/tasks/{id}/why", "viewer", "Say why a task is where it is.", why, s.WHY),
    Route("POST", "/tasks/{id}/cancel", "operator", "Cancel a task.", cancel, s.shown({"state": s.TEXT}),
          (s.BECAUSE,)),
)  # fmt: skip
