"""What is shown when a request cannot be answered: one sentence, and what to do."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from jobs_core import ConflictError, DeniedError, JobsError, NotFoundError, ServerError, UserError
from jobs_web.access.same_origin import SAFE_METHODS

STATUSES: tuple[tuple[type[JobsError], int], ...] = (
    (NotFoundError, 404),
    (ConflictError, 409),
    (DeniedError, 403),
    (UserError, 400),
    (ServerError, 503),
)


def status_of(error: Exception) -> int:
    """Return the HTTP status for an error."""
    if isinstance(error, HTTPException):
        return error.status_code
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


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
            status=status,
            sentence=sentence,
            tries_again=status == 503 and request.method in SAFE_METHODS,
        )
    )
    return HTMLResponse(html, status)
