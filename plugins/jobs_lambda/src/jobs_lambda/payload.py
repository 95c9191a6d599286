"""The payload of the lambda runner: schema and checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs_core import PayloadError
from jobs_lambda import message
from jobs_lambda.place import is_url

LIMIT = 64 * 1024
"""Bytes of the response kept in the outcome."""

_TEXT = {"type": "string", "minLength": 1, "maxLength": 2048}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["function"],
    "properties": {
        "function": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9_.:\$-]{1,256}$",
            "description": "Function: name, ARN, or the part of the ARN from the account on",
        },
        "qualifier": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9_.\$-]{1,128}$",
            "description": "Version or alias",
        },
        "event": {"description": "Event for the function, any JSON (default {})"},
        "invocation": {
            "enum": ["sync", "event", "dry-run"],
            "description": "Wait for the function (sync, default), queue the event, or dry-run",
        },
        "task-key": _TEXT | {"description": "Key of the event that receives the task"},
        "client-context": {
            "type": "object",
            "properties": {"custom": {"type": "object"}},
            "description": "Client context; the runner adds the task to it",
        },
        "callback": {
            "type": "boolean",
            "description": "Whether the task stays open until its token is acknowledged",
        },
        "log": {
            "type": "boolean",
            "description": "Whether the last 4 KB of its log go to the loggers (default true)",
        },
        "limit": {
            "type": "integer",
            "minimum": 0,
            "maximum": 2**20,
            "description": f"Bytes of the response kept in the outcome (default {LIMIT})",
        },
        "region": {
            "type": "string",
            "pattern": "^[a-z0-9-]{1,64}$",
            "description": "AWS region (default: that of the function's ARN, or the worker's)",
        },
        "profile": _TEXT | {"description": "Profile in the worker's AWS configuration"},
        "endpoint": _TEXT | {"description": "URL of another Lambda service, such as LocalStack"},
        "role": {
            "type": "string",
            "pattern": "^arn:[^:]+:iam::[0-9]{12}:role/[^ ]{1,512}$",
            "description": "ARN of a role to assume",
        },
    },
}


def check(payload: Any, job: str) -> None:
    """Check what the schema cannot express. Raises PayloadError; the error names the key, never its value.

    `job` is the id of the job, which is part of the function's input.
    """
    if not isinstance(payload, dict):
        raise PayloadError("lambda payload: expected a function name or a JSON object")
    _check_kind(payload)
    _check_task_key(payload)
    if message.NAME in payload.get("client-context", {}).get("custom", {}):
        raise PayloadError(
            f"client-context: the lambda runner sets the key {message.NAME!r} of 'custom' itself"
        )
    if "endpoint" in payload and not is_url(payload["endpoint"]):
        raise PayloadError("endpoint: expected a URL that begins with http:// or https://")
    task = message.sample(job)
    message.event(payload, task)
    message.client_context(payload, task)


def _check_kind(payload: Mapping[str, Any]) -> None:
    """Reject keys that do not apply to the kind of invocation. AWS would silently ignore them."""
    kind = payload.get("invocation", "sync")
    if kind == "event" and "client-context" in payload:
        raise PayloadError("client-context: not valid with 'event', because AWS drops it")
    if kind == "event" and payload.get("callback") and "task-key" not in payload:
        raise PayloadError(
            "callback: with 'event', also set 'task-key': the function finds the token only in its event"
        )
    if kind == "dry-run" and payload.get("callback"):
        raise PayloadError("callback: not valid with 'dry-run', which runs no function")
    if kind != "sync" and payload.get("log"):
        raise PayloadError(f"log: not valid with {kind!r}, because only 'sync' returns a log")


def _check_task_key(payload: Mapping[str, Any]) -> None:
    if "task-key" not in payload:
        return
    event = payload.get("event", {})
    if not isinstance(event, dict):
        raise PayloadError("task-key: only valid if the event is an object")
    if payload["task-key"] in event:
        raise PayloadError("task-key: the event already has this key")
