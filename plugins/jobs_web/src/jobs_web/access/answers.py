"""Answers to requests that are not let in: a page for browsers, a problem (RFC 9457) for programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from jobs_core import JobsError
from jobs_web.access.gate import home, path_of
from jobs_web.errors import error_html, status_of
from jobs_web.problem_details import LATER, code_of, details

_FOR_PROGRAMS = re.compile(r"(/boards/[^/]+)?/(api(/|$)|metrics$)")


def wants_page(request: Request) -> bool:
    """Return whether a request wants a page: its path is for people, and it asks for no JSON or stream."""
    accept = request.headers.get("accept", "*/*")
    return not _FOR_PROGRAMS.match(path_of(request)) and ("text/html" in accept or "*/*" in accept)


def refuse(
    request: Request,
    status: int,
    sentence: str,
    headers: Mapping[str, str] | None = None,
    code: str | None = None,
) -> Response:
    """Answer with one sentence that says what is wrong. Programs get a code, too."""
    headers = {**(LATER if status == 503 else {}), **(headers or {})}
    if wants_page(request):
        response = error_html(request, status, sentence)
        response.headers.update(headers)
        return response
    return JSONResponse(details(status, sentence, code=code), status, headers, "application/problem+json")


async def refuse_error(request: Request, error: Exception) -> Response:
    """Answer with what an error says."""
    if isinstance(error, HTTPException):
        is_bare = error.detail == HTTPStatus(error.status_code).phrase and error.status_code == 404
        sentence = "There is no such page." if is_bare else error.detail
        return refuse(request, error.status_code, sentence, error.headers)
    code = code_of(error)[0] if isinstance(error, JobsError) else None
    return refuse(request, status_of(error), str(error), code=code)


def ask_for_login(request: Request, sentence: str) -> Response:
    """Lead a browser to the login, and answer a program with 401."""
    if not wants_page(request):
        return refuse(request, 401, sentence, {"WWW-Authenticate": "Bearer"})
    here = "/"
    if request.method in ("GET", "HEAD"):
        query = request.url.query
        here = path_of(request) + (f"?{query}" if query else "")
    return RedirectResponse(f"{home(request)}/login?{urlencode({'next': here})}", 303)


def too_many(request: Request, seconds: int) -> Response:
    """Answer to somebody whose logins fail too often."""
    sentence = f"Too many logins from this address have failed. Try again in {seconds} s."
    return refuse(request, 429, sentence, {"Retry-After": str(seconds)})
