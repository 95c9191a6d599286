"""What an error is called in answers to programs: problem details (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

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
    UserError,
)

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
    (UserError, "request", 400),
)
"""The code and the status of each error. Any other error is a `fault`, with the status 500."""

STATUS_CODES = {
    400: "option",
    401: "denied",
    403: "denied",
    404: "not-found",
    412: "conflict",
    429: "busy",
    503: "busy",
}
"""The codes of other problems, by status. All others are `request`."""


LATER = {"Retry-After": "5"}
"""The headers of an answer to try again, unless it knows better."""


def code_of(error: JobsError) -> tuple[str, int]:
    """Return the code and the status of an error."""
    found = ((code, status) for kind, code, status in CODES if isinstance(error, kind))
    return next(found, ("fault", 500))


def details(
    status: int, detail: str, *, code: str | None = None, option: str | None = None
) -> dict[str, Any]:
    """Return problem details.

    Args:
        status: The status of the answer.
        detail: One sentence: what is wrong, where, and what to do.
        code: The code of the error. The default is that of its status.
        option: The option or field that the error is about.
    """
    found = {
        "type": f"urn:jobs:{code or STATUS_CODES.get(status, 'request')}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return found | ({"option": option} if option else {})
