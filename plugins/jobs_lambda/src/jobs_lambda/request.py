"""Turn a payload into an invocation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs_core import Task
from jobs_lambda import message, place
from jobs_lambda.message import NO_TRACE
from jobs_lambda.payload import LIMIT, check

KINDS = {"sync": "RequestResponse", "event": "Event", "dry-run": "DryRun"}
"""AWS's names for the kinds of invocation."""


@dataclass(frozen=True, slots=True)
class Request:
    """An invocation to make: the place and the arguments. `limit` is in bytes."""

    place: place.Place
    arguments: Mapping[str, Any] = field(repr=False)
    kind: str = "sync"
    callback: bool = False
    limit: int = LIMIT


def read(
    payload: Any, settings: Mapping[str, Any], task: Task, trace: Mapping[str, str] = NO_TRACE
) -> Request:
    """Return the invocation of a payload. Raises PayloadError, or OptionError for an invalid setting.

    It checks the payload again, because some clients put jobs without validation.

    >>> read({"function": "f"}, settings, task).arguments["InvocationType"]
    'RequestResponse'
    """
    check(payload, task.job)
    kind = payload.get("invocation", "sync")
    arguments = {
        "FunctionName": payload["function"],
        "InvocationType": KINDS[kind],
        "Payload": message.event(payload, task, trace),
    }
    if kind != "event":
        arguments["ClientContext"] = message.client_context(payload, task, trace)
    if kind == "sync" and payload.get("log", True):
        arguments["LogType"] = "Tail"
    if "qualifier" in payload:
        arguments["Qualifier"] = payload["qualifier"]
    return Request(
        place.read(payload, settings),
        arguments,
        kind,
        callback=payload.get("callback", False) and bool(task.token),
        limit=payload.get("limit", LIMIT),
    )
