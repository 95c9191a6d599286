"""The input of a function: its event, and the client context with the task."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from jobs_core import PayloadError, Task, parents_json

# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (since October 2025: 1 MB, not 256 KB)
LARGEST_EVENT = {"sync": 6 * 2**20, "event": 2**20, "dry-run": 6 * 2**20}
"""The largest event in bytes of JSON, per kind of invocation."""
LARGEST_CONTEXT = 3583
"""The largest client context, in bytes of base64."""

NO_TRACE: Mapping[str, str] = {}

LARGEST_PARENTS = 128 * 1024
"""The most that the parents may take in the event, in bytes of JSON."""

NAME = "jobs"
"""The key of the task in the client context's `custom`."""


def sample(job: str) -> Task:
    """Return the largest possible task of a job, to check sizes.

    >>> sample("a").id
    'a@9999999999999-f999999999'
    """
    id = f"{job}@9999999999999-f999999999"
    return Task(id, job, "lambda", "lambda", 9999999999.999, 999999, raw="", token=f"{id}#999999")


def about(payload: Mapping[str, Any], task: Task, room: int = 0) -> dict[str, Any]:
    """Return the task as a function receives it, with the token only for callbacks.

    It has the parents if these fit into `room`, in bytes of JSON.
    """
    found: dict[str, Any] = {"task": task.id, "job": task.job, "attempt": task.attempt, "due": task.due}
    if payload.get("callback") and task.token:
        found["token"] = task.token
    if parents := parents_json(task.parents, room, ascii=True) if task.parents else "":
        found["parents"] = json.loads(parents)
    return found


def event(payload: Mapping[str, Any], task: Task, trace: Mapping[str, str] = NO_TRACE) -> bytes:
    """Return the event as JSON, with the trace beside the task if it fits. Raises PayloadError.

    >>> event({"function": "f", "event": {"a": 1}}, task)
    b'{"a":1}'
    """
    value = payload.get("event", {})
    if "task-key" in payload:
        value = value | {payload["task-key"]: about(payload, task, LARGEST_PARENTS) | dict(trace)}
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise PayloadError("event: contains text that UTF-8 cannot encode") from None
    except ValueError:
        raise PayloadError("event: contains NaN or infinity, which JSON does not allow") from None
    invocation = payload.get("invocation", "sync")
    if len(text) > (most := LARGEST_EVENT[invocation]):
        if trace and "task-key" in payload:
            return event(payload, task)
        raise PayloadError(
            f"event: {len(text):,} bytes of JSON exceed the limit of {most:,} for {invocation!r}: "
            "store the data elsewhere, such as in S3, and pass a reference"
        )
    return text


def client_context(payload: Mapping[str, Any], task: Task, trace: Mapping[str, str] = NO_TRACE) -> str:
    """Return the client context in base64. Raises PayloadError if it is too large.

    It has the trace and the parents of the task if they fit. Its JSON is ASCII, because AWS sends it as a
    header.
    """
    given = payload.get("client-context", {})

    def written(room: int, trace: Mapping[str, str] = NO_TRACE) -> str:
        task_text = {NAME: about(payload, task, room) | dict(trace)}
        return json.dumps(
            given | {"custom": given.get("custom", {}) | task_text}, allow_nan=False, separators=(",", ":")
        )

    most = LARGEST_CONTEXT * 3 // 4
    try:
        text = written(0, trace)
        if len(text) > most:
            text, trace = written(0), NO_TRACE
        if task.parents:
            text = written(most - len(text) - len(',"parents":'), trace)
    except ValueError:
        raise PayloadError("client-context: contains NaN or infinity, which JSON does not allow") from None
    coded = base64.b64encode(text.encode()).decode()
    if len(coded) > LARGEST_CONTEXT:
        raise PayloadError(
            f"client-context: {len(coded):,} bytes of base64, including the task, exceed the limit of "
            f"{LARGEST_CONTEXT:,}: shorten it or the job's id"
        )
    return coded
