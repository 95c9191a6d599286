"""Errors as problem details: RFC 9457."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from jobs_core import (
    AgainError,
    ConflictError,
    DeniedError,
    ExistsError,
    JobsError,
    NotFoundError,
    OptionError,
    PayloadError,
    RunnerError,
    ServerError,
    StaleError,
)
from jobs_web.api.model import Problem, Schema

LOG = logging.getLogger("jobs_web")

CODES: tuple[tuple[type[JobsError], str, int], ...] = (
    (NotFoundError, "not-found", 404),
    (ExistsError, "exists", 409),
    (ConflictError, "conflict", 412),
    (PayloadError, "payload", 422),
    (RunnerError, "runner", 422),
    (OptionError, "option", 400),
    (DeniedError, "denied", 403),
    (AgainError, "again", 503),
    (StaleError, "stale", 409),
    (ServerError, "server", 503),
)
"""The code and the status of each error. Any other error is a `fault`, with the status 500."""

STATUS_CODES = {403: "denied", 404: "not-found", 412: "conflict", 400: "option", 503: "busy"}
"""The codes of other problems, by status. All others are `request`."""

SCHEMA: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "the code of the error: urn:jobs:option"},
        "title": {"type": "string", "description": "what the status means"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong, where, and what to do"},
        "option": {"type": "string", "description": "the option or field that the error is about"},
    },
}


def problem(error: Exception) -> Response:
    """Answer with what is wrong."""
    body = describe(error)
    headers = error.headers if isinstance(error, Problem) else {}
    return JSONResponse(body, body["status"], headers, "application/problem+json")


def describe(error: Exception) -> dict[str, Any]:
    """Return an error as problem details. An unexpected one is logged: its text may quote a payload."""
    code, status, detail = "fault", 500, str(error)
    option = None
    match error:
        case Problem():
            status, option = error.status, error.option
            code = STATUS_CODES.get(status, "request")
        case JobsError():
            code, status = next(
                ((code, status) for kind, code, status in CODES if isinstance(error, kind)), (code, status)
            )
            option = getattr(error, "option", None)
        case UnicodeError():  # an id that is no UTF-8
            code, status, detail = "option", 400, "Expected UTF-8, got other bytes."
        case _:
            LOG.error("the API failed to answer", exc_info=error)
            detail = f"Jobs failed to answer ({type(error).__name__}). The log of the server says why."
    found = {
        "type": f"urn:jobs:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return found | ({"option": option} if option else {})


def brief(error: Exception) -> Mapping[str, Any]:
    """Return an error of one of many things."""
    return {"error": describe(error)}
