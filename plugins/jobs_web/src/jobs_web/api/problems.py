"""Errors as problem details: RFC 9457."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from jobs_core import JobsError
from jobs_web.api.model import Problem, Schema
from jobs_web.problem_details import code_of, details

LOG = logging.getLogger("jobs_web")

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
    headers = error.headers if isinstance(error, Problem | HTTPException) else {}
    return JSONResponse(body, body["status"], headers, "application/problem+json")


def describe(error: Exception) -> dict[str, Any]:
    """Return an error as problem details. An unexpected one is logged: its text may quote a payload."""
    match error:
        case Problem():
            return details(error.status, str(error), option=error.option)
        case HTTPException():
            return details(error.status_code, error.detail)
        case JobsError():
            code, status = code_of(error)
            return details(status, str(error), code=code, option=getattr(error, "option", None))
        case UnicodeError():  # an id that is no UTF-8
            return details(400, "Expected UTF-8, got other bytes.")
    LOG.error("the API failed to answer", exc_info=error)
    sentence = f"Jobs failed to answer ({type(error).__name__}). The log of the server says why."
    return details(500, sentence, code="fault")


def brief(error: Exception) -> Mapping[str, Any]:
    """Return an error of one of many things."""
    return {"error": describe(error)}
