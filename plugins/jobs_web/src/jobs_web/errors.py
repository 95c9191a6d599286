"""What is shown when a request cannot be answered: one sentence, and what to do."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from jobs_core import JobsError
from jobs_web.access.same_origin import SAFE_METHODS
from jobs_web.problem_details import code_of

TITLES = {
    400: "Not possible",
    403: "Not allowed",
    404: "Not found",
    409: "Changed meanwhile",
    408: "Too slow",
    412: "Changed meanwhile",
    413: "Too large",
    422: "Not possible",
    429: "Too many tries",
    500: "Jobs failed",
    503: "Not available",
}
"""What happened, for people."""


def status_of(error: Exception) -> int:
    """Return the HTTP status for an error."""
    if isinstance(error, HTTPException):
        return error.status_code
    return code_of(error)[1] if isinstance(error, JobsError) else 500


async def unexpected(request: Request, error: Exception) -> Response:
    """Answer for an error of Jobs itself. Its text may quote a payload, so only its kind is shown."""
    return error_html(
        request, 500, f"Jobs failed to answer ({type(error).__name__}). The log of the server says why."
    )


def error_html(request: Request, status: int, sentence: str) -> Response:
    """Answer with one sentence. While Redis is away, the page tries again, unless it answers a form."""
    from jobs_web.rendering import environment

    home: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    html = (
        environment()
        .get_template("error.html")
        .render(
            home=home,
            title=TITLES.get(status, "Not possible"),
            sentence=sentence,
            tries_again=status == 503 and request.method in SAFE_METHODS,
        )
    )
    return HTMLResponse(html, status)
