"""Turn the response of an invocation into the outcome of a task."""

from __future__ import annotations

import base64
import codecs
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs_core import Outcome
from jobs_lambda import report
from jobs_lambda.request import Request

LARGEST = 8 * 2**20
"""Bytes of a response that are read. AWS sends at most 6 MB."""

CHUNK = 64 * 1024

NOTES = {
    "sync": "the function returned",
    "event": "the event was queued",
    "dry-run": "the invocation is allowed",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of AWS: the function's result, or its error if `failed` is not empty."""

    status: int
    body: bytes = field(default=b"", repr=False)
    failed: str = ""
    version: str = ""
    request: str = ""
    log: Sequence[str] = field(default=(), repr=False)

    @classmethod
    def read(cls, response: Mapping[str, Any]) -> Answer:
        """Read a response of boto3's `invoke`."""
        body = _body(response["Payload"])
        log = base64.b64decode(response.get("LogResult", "")).decode("utf-8", "replace")
        return cls(
            response["StatusCode"],
            body,
            response.get("FunctionError", ""),
            response.get("ExecutedVersion", ""),
            response.get("ResponseMetadata", {}).get("RequestId", ""),
            log.splitlines(),
        )


def _body(payload: Any) -> bytes:
    """Read a body to its end, because only there botocore detects missing bytes."""
    body = bytearray()
    with payload:
        while len(body) < LARGEST and (chunk := payload.read(CHUNK)):
            body += chunk
    return bytes(body)


def outcome(answer: Answer, request: Request, seconds: float) -> Outcome:
    """Return the outcome of a task from its response. `seconds` is the time it took."""
    data = _data(answer, request, seconds)
    after = f"after {seconds:.2f} s"
    if answer.failed:
        type = error_type(answer.body)
        note = f"the function failed with {type} {after}" if type else f"the function failed {after}"
        return Outcome.failed(note, code=type or "function", **data)
    note = f"{NOTES[request.kind]} {after}"
    if request.callback:
        return Outcome.accepted(note)
    return Outcome.done(note, code=str(answer.status), **data)


def _data(answer: Answer, request: Request, seconds: float) -> dict[str, Any]:
    data: dict[str, Any] = {"seconds": round(seconds, 3), "request": answer.request}
    if request.kind != "sync":
        return data
    truncated = len(answer.body) > request.limit
    return {
        **data,
        "version": answer.version,
        **report.find(answer.log),
        "body": text(answer.body[: request.limit], truncated),
        "truncated": truncated,
    }


def text(body: bytes, truncated: bool = False) -> str:
    """Decode a body as UTF-8. Invalid bytes are replaced; a character cut at the end is dropped."""
    return codecs.getincrementaldecoder("utf-8")("replace").decode(body, not truncated)


def error_type(body: bytes) -> str:
    """Return the type of a function's error, such as `ValueError`; empty if it is not usable as a code.

    >>> error_type(b'{"errorMessage": "Boom", "errorType": "Runtime.ExitError"}')
    'Runtime.ExitError'
    """
    try:
        found = json.loads(body)["errorType"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    fits = isinstance(found, str) and re.fullmatch(r"[A-Za-z_][\w.:$-]{0,79}", found, re.ASCII)
    return found if fits else ""
