"""The schemas of the API. Those of options come from the table of options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jobs_core.plugin_ui import JOB_OPTIONS, JOB_STATES, PUSH_OPTIONS, TASK_STATES, option_schema
from jobs_web.api.model import Parameter, Schema

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
SWITCH: Schema = {"type": "boolean"}
TIME: Schema = {"type": "number", "description": "epoch seconds"}
MAYBE_TIME: Schema = {"type": ["number", "null"], "description": "epoch seconds; null: none"}
ANY_OBJECT: Schema = {"type": "object"}
COUNTS: Schema = {"type": "object", "additionalProperties": {"type": "integer"}}
PAYLOAD: Schema = {"type": ["string", "object"], "description": "the input of the runner"}
RUNNER: Schema = {"type": "string", "description": "the plugin that runs the job"}
WHEN: Schema = {"type": ["string", "number"], "description": "epoch seconds, ISO 8601 or +10m"}
SPAN: Schema = {"type": ["string", "number"], "description": "seconds, 1h30m or PT1H30M"}
LABELS: Schema = {"type": "array", "items": TEXT}


def record(
    properties: Mapping[str, Schema], required: Iterable[str] = (), *, is_open: bool = False
) -> Schema:
    """Return the schema of an object. Other fields are allowed if it is open."""
    found: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": is_open}
    return found | ({"required": list(required)} if required else {})


def shown(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Return the schema of an object that is answered: some fields are always there, others may be."""
    return record({**required, **(optional or {})}, required, is_open=True)


def page_of(item: Schema) -> Schema:
    """Return the schema of a page of a list."""
    return shown({"items": {"type": "array", "items": item}, "next": {"type": ["string", "null"]}})


_OPTIONS = {name: option_schema(option) for name, option in JOB_OPTIONS.items()}

JOB_BODY = record({"runner": RUNNER, "payload": PAYLOAD, **_OPTIONS}, ("runner", "payload"))
"""A job to put."""

NEW_JOB = record({"id": TEXT, "runner": RUNNER, "payload": PAYLOAD, **_OPTIONS}, ("id", "runner", "payload"))
"""A job of many to put."""

EDIT_BODY = record({"runner": RUNNER, "payload": PAYLOAD, **_OPTIONS})
"""The options of a job to change. Null removes one."""

PUSH_FIELDS = {name: option_schema(option) for name, option in PUSH_OPTIONS.items()}

TASK_FIELDS = {"runner": RUNNER, "payload": PAYLOAD, **PUSH_FIELDS}
"""The fields of one of many tasks."""

TASK_BODY = record(
    {name: TASK_FIELDS[name] for name in TASK_FIELDS if name != "idempotency-key"}, ("runner", "payload")
)
"""A one-off task. Its idempotency key is a header."""

RUN = shown(
    {"outcome": TEXT, "due": TIME},
    {"job": TEXT, "task": {"type": ["string", "null"]}, "started": MAYBE_TIME, "ended": MAYBE_TIME},
)
JOB = shown(
    {"id": TEXT, "runner": TEXT, "state": {"enum": list(JOB_STATES)}},
    {"next": MAYBE_TIME, "etag": TEXT, "last": ANY_OBJECT, "failures": COUNT, "last_done": TIME},
)
TASK = shown(
    {"id": TEXT, "job": TEXT, "state": {"enum": list(TASK_STATES)}},
    {"queue": TEXT, "runner": TEXT, "attempt": COUNT, "due": TIME, "since": TIME, "until": TIME},
)
ENTRY = shown({"time": TIME, "task": TEXT, "job": TEXT, "what": TEXT}, {"attempt": COUNT, "note": TEXT})
CHANGE = shown({"id": TEXT, "time": TIME, "what": TEXT, "by": TEXT})
WHY = shown(
    {"job": TEXT, "at": TIME, "reason": TEXT, "text": TEXT, "complete": SWITCH, "proof": {"type": "array"}},
    {"task": {"type": ["string", "null"]}},
)
NEXT = shown({"next": MAYBE_TIME})
TIMES = shown({"items": {"type": "array", "items": TIME}})
QUEUED = shown({"task": TEXT})
LINE = shown({}, {"stream": TEXT, "line": TEXT, "attempt": COUNT, "what": TEXT, "missing": COUNT})

LIMIT = Parameter("limit", "how many items a page has", {"type": "integer", "minimum": 1, "maximum": 500})
CURSOR = Parameter("cursor", "the `next` of the page before, with the same filters")
PAGING = (LIMIT, CURSOR)
BECAUSE = Parameter("because", "why, for the changes")
PAYLOADS = Parameter("payload", "include payloads, which may be secret", SWITCH)
FROM = Parameter("from", "the beginning: epoch seconds, ISO 8601 or -1d")
TO = Parameter("to", "the end: epoch seconds, ISO 8601 or +1d")
LABEL = Parameter("label", "name=value; if repeated, all of them", LABELS)
IF_MATCH = Parameter("If-Match", "only if the job has this ETag", place="header")
IF_NONE_MATCH = Parameter("If-None-Match", "only if the job has changed since this ETag", place="header")
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key", "do nothing if a push with this key has added a task within a day", place="header"
)
TRACE = ("traceparent", "tracestate")
TRACE_HEADERS = tuple(
    Parameter(name, f"{PUSH_OPTIONS[name].summary}; the body goes first", place="header") for name in TRACE
)
PUSH_HEADERS = (IDEMPOTENCY_KEY, *TRACE_HEADERS)

JOB_FILTERS = (
    Parameter("state", "only jobs in this state", {"enum": list(JOB_STATES)}),
    LABEL,
    Parameter("failing", "failed so many times in a row, or more", {"type": "integer", "minimum": 1}),
    Parameter("late", "a run is overdue", SWITCH),
    Parameter("running", "a worker holds a task of the job", SWITCH),
    Parameter("paused", "only paused jobs", SWITCH),
    Parameter("runner", "only jobs of this runner"),
    Parameter("text", "a part of the id, the description or a label"),
)
TASK_FILTERS = (
    Parameter("task", "only this task"),
    Parameter("job", "only tasks of this job"),
    Parameter("runner", "only tasks of this runner"),
    Parameter("queue", "only tasks of this queue"),
    Parameter("worker", "only tasks that this worker holds"),
    LABEL,
    Parameter("older-than", "only tasks that have been in their state for so long"),
)


def names(parameters: Iterable[Parameter]) -> tuple[str, ...]:
    """Return the names of parameters."""
    return tuple(parameter.name for parameter in parameters)


def without_payload(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job or a task without its payload."""
    return {name: value for name, value in job.items() if name != "payload"}
