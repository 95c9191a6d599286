"""What the answer to an invocation means for the task."""

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
"""Bytes of an answer that are read; AWS's have at most 6 MB."""

CHUNK = 64 * 1024

NOTES = {
    "sync": "the function returned",
    "event": "the event was queued",
    "dry-run": "the function may be invoked, AWS said",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of AWS: what the function returned, or its error if `failed` says of which sort."""

    status: int
    body: bytes = field(default=b"", repr=False)
    failed: str = ""
    version: str = ""
    request: str = ""
    log: Sequence[str] = field(default=(), repr=False)

    @classmethod
    def read(cls, response: Mapping[str, Any]) -> Answer:
        """From what boto3's `invoke` returns."""
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
    """What a function returned, read to its very end: only there botocore sees that some is missing."""
    body = bytearray()
    with payload:
        while len(body) < LARGEST and (chunk := payload.read(CHUNK)):
            body += chunk
    return bytes(body)


def outcome(answer: Answer, request: Request, seconds: float) -> Outcome:
    """What an answer, after so many seconds, makes of the task."""
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
    """A body as text. What is not UTF-8 is replaced; a character that was cut is left out."""
    return codecs.getincrementaldecoder("utf-8")("replace").decode(body, not truncated)


def error_type(body: bytes) -> str:
    """The type of a function's error, such as `ValueError`; empty if it has none that is fit for a code.

    >>> error_type(b'{"errorMessage": "Boom", "errorType": "Runtime.ExitError"}')
    'Runtime.ExitError'
    """
    try:
        found = json.loads(body)["errorType"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    fits = isinstance(found, str) and re.fullmatch(r"[A-Za-z_][\w.:$-]{0,79}", found, re.ASCII)
    return found if fits else ""
