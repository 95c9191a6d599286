"""What a function is given: its event, and beside it the client context with the task."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from jobs_core import PayloadError, Task

# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (since October 2025: 1 MB, not 256 KB)
LARGEST_EVENT = {"sync": 6 * 2**20, "event": 2**20, "dry-run": 6 * 2**20}
"""Bytes of JSON, for each kind of invocation."""
LARGEST_CONTEXT = 3583
"""Bytes of a client context, in base64."""

NAME = "jobs"
"""The key of `custom`, in the client context, that holds the task."""


def sample(job: str) -> Task:
    """The task of a job that takes the most room.

    >>> sample("a").id
    'a@9999999999999-f999999999'
    """
    id = f"{job}@9999999999999-f999999999"
    return Task(id, job, "lambda", "lambda", 9999999999.999, 999999, raw="", token=f"{id}#999999")


def about(payload: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """What a function learns of its task; the token only if it is to call back."""
    found = {"task": task.id, "job": task.job, "attempt": task.attempt, "due": task.due}
    return found | {"token": task.token} if payload.get("callback") and task.token else found


def event(payload: Mapping[str, Any], task: Task) -> bytes:
    """The event as JSON. Raises PayloadError.

    >>> event({"function": "f", "event": {"a": 1}}, task)
    b'{"a":1}'
    """
    value = payload.get("event", {})
    if "task-key" in payload:
        value = value | {payload["task-key"]: about(payload, task)}
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise PayloadError("the key 'event' holds text that UTF-8 cannot encode") from None
    except ValueError:
        raise PayloadError("the key 'event' holds a number that JSON has no word for") from None
    invocation = payload.get("invocation", "sync")
    if len(text) > (most := LARGEST_EVENT[invocation]):
        raise PayloadError(
            f"the key 'event' is {len(text):,} bytes of JSON, and an invocation {invocation!r} takes at "
            f"most {most:,}: put it elsewhere, as in S3, and pass its name"
        )
    return text


def client_context(payload: Mapping[str, Any], task: Task) -> str:
    """The client context, in base64. Raises PayloadError if it is too large.

    It is ASCII throughout, for it reaches the function as a header.
    """
    given = payload.get("client-context", {})
    whole = given | {"custom": given.get("custom", {}) | {NAME: about(payload, task)}}
    try:
        text = json.dumps(whole, allow_nan=False, separators=(",", ":"))
    except ValueError:
        raise PayloadError("the key 'client-context' holds a number that JSON has no word for") from None
    coded = base64.b64encode(text.encode()).decode()
    if len(coded) > LARGEST_CONTEXT:
        raise PayloadError(
            f"the client context is {len(coded):,} bytes in base64, with what the runner adds, and "
            f"AWS takes at most {LARGEST_CONTEXT:,}: shorten the key 'client-context' or the job's id"
        )
    return coded
