"""What a payload of the lambda runner may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs_core import PayloadError
from jobs_lambda import message
from jobs_lambda.place import is_url

LIMIT = 64 * 1024
"""Bytes of the function's answer kept in the outcome."""

_TEXT = {"type": "string", "minLength": 1, "maxLength": 2048}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["function"],
    "properties": {
        "function": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9_.:\$-]{1,256}$",
            "description": "The function: its name, its ARN, or the end of its ARN from the account on",
        },
        "qualifier": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9_.\$-]{1,128}$",
            "description": "A version or an alias",
        },
        "event": {"description": "What the function is given, any JSON: {} unless given"},
        "invocation": {
            "enum": ["sync", "event", "dry-run"],
            "description": "Wait for the function (sync, unless given), queue the event, or only try",
        },
        "task-key": _TEXT | {"description": "The key of the event that is to hold the task"},
        "client-context": {
            "type": "object",
            "properties": {"custom": {"type": "object"}},
            "description": "Passed beside the event, where the runner adds the task",
        },
        "callback": {
            "type": "boolean",
            "description": "Whether the task stays open until somebody acknowledges its token",
        },
        "log": {
            "type": "boolean",
            "description": "Whether the last 4 KB of its log go to the loggers: they do, unless given",
        },
        "limit": {
            "type": "integer",
            "minimum": 0,
            "maximum": 2**20,
            "description": f"Bytes of the answer kept in the outcome: {LIMIT} unless given",
        },
        "region": {
            "type": "string",
            "pattern": "^[a-z0-9-]{1,64}$",
            "description": "The AWS region; unless given, that of the function's ARN or the worker",
        },
        "profile": _TEXT | {"description": "The profile in the AWS configuration of the worker"},
        "endpoint": _TEXT | {"description": "The URL of a Lambda that is not AWS's own"},
        "role": {
            "type": "string",
            "pattern": "^arn:[^:]+:iam::[0-9]{12}:role/[^ ]{1,512}$",
            "description": "The ARN of a role to assume",
        },
    },
}


def check(payload: Any, job: str) -> None:
    """Refuse what a schema cannot say. Raises PayloadError; the sentence names the key, never its value.

    `job` is the id of the job: it is part of what the function is given.
    """
    if not isinstance(payload, dict):
        raise PayloadError("the lambda runner needs the name of a function or a JSON object")
    _check_kind(payload)
    _check_task_key(payload)
    if message.NAME in payload.get("client-context", {}).get("custom", {}):
        raise PayloadError(
            f"the key 'client-context' has {message.NAME!r} in 'custom', which the lambda runner sets"
        )
    if "endpoint" in payload and not is_url(payload["endpoint"]):
        raise PayloadError("the key 'endpoint' must be a URL that begins with http:// or https://")
    task = message.sample(job)
    message.event(payload, task)
    message.client_context(payload, task)


def _check_kind(payload: Mapping[str, Any]) -> None:
    """Refuse what does not go with the invocation. AWS would ignore it without a word."""
    kind = payload.get("invocation", "sync")
    if kind == "event" and "client-context" in payload:
        raise PayloadError("the key 'client-context' does not go with 'event', for AWS would drop it")
    if kind == "event" and payload.get("callback") and "task-key" not in payload:
        raise PayloadError(
            "the key 'callback' with 'event' needs the key 'task-key': the function can find the token "
            "only in its event"
        )
    if kind == "dry-run" and payload.get("callback"):
        raise PayloadError("the key 'callback' does not go with 'dry-run', which runs no function")
    if kind != "sync" and payload.get("log"):
        raise PayloadError(
            "the key 'log' does not go with the key 'invocation': only 'sync' answers with a log"
        )


def _check_task_key(payload: Mapping[str, Any]) -> None:
    if "task-key" not in payload:
        return
    event = payload.get("event", {})
    if not isinstance(event, dict):
        raise PayloadError("the key 'task-key' needs an event that is an object")
    if payload["task-key"] in event:
        raise PayloadError("the key 'task-key' names a key that the event already has")
