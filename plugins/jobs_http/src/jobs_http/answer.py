"""Turn a response into the outcome of a task."""

from __future__ import annotations

import codecs
import time
from dataclasses import dataclass, field
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from jobs_core import Outcome, Task
from jobs_http.request import Request

ACCEPTED = 202
BUSY = (429, 503)
"""Statuses whose `Retry-After` is used."""

LONGEST = 86400.0
"""The longest `Retry-After`, in seconds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. `body` is cut at the limit. `seconds` is the time since the request began."""

    status: int
    seconds: float
    body: bytes = field(default=b"", repr=False)
    truncated: bool = False
    type: str = ""
    retry_after: str = ""


def outcome(answer: Answer, request: Request, task: Task) -> Outcome:
    """Return the outcome of a task from its response."""
    note = f"{phrase(answer.status)} in {answer.seconds:.2f} s"
    code, data = str(answer.status), _data(answer)
    if not request.expects(answer.status):
        return Outcome.failed(note, code=code, retry_after=_retry_after(answer), **data)
    calls_back = answer.status == ACCEPTED if request.callback is None else request.callback
    if calls_back and task.token:
        return Outcome.accepted(note)
    return Outcome.done(note, code=code, **data)


def phrase(status: int) -> str:
    """Return a status with its standard phrase. A server's own phrase could contain anything.

    >>> phrase(503)
    'HTTP 503 Service Unavailable'
    """
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


def _data(answer: Answer) -> dict[str, Any]:
    return {
        "seconds": round(answer.seconds, 3),
        "type": answer.type,
        "body": text(answer.body, answer.type, answer.truncated),
        "truncated": answer.truncated,
    }


def text(body: bytes, type: str, truncated: bool = False) -> str:
    """Decode a body with the charset of its type, or as UTF-8. Bad bytes are replaced. A character
    cut at the end is dropped."""
    message = Message()
    message["content-type"] = type
    charset = message.get_content_charset("utf-8")
    try:
        decoder = codecs.getincrementaldecoder(charset)("replace")
        return decoder.decode(body, not truncated)
    except (LookupError, ValueError, AssertionError):  # an unknown charset, or one that is not for text
        return codecs.getincrementaldecoder("utf-8")("replace").decode(body, not truncated)


def _retry_after(answer: Answer) -> float | None:
    """Return the seconds of `Retry-After`, given as a number or a date; None if absent."""
    if answer.status not in BUSY:
        return None
    words = answer.retry_after.strip()
    if words.isascii() and words.isdigit():
        return min(LONGEST, float(words[:9]))
    try:
        until = parsedate_to_datetime(words).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(LONGEST, max(0.0, round(until - time.time(), 3)))
