"""What is answered when a form has done its work."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from jobs_web.site import View

SAID = "jobs_said"
"""The cookie with what an action says, for the next page."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an action says, and the page to show next: its path and query below the root of the board."""

    sentence: str
    path: str


def answer(view: View, done: Done) -> Response:
    """Show the next page, with what the action says."""
    response = RedirectResponse(view.root + done.path, 303)
    said = quote(done.sentence, safe="", errors="replace")
    response.set_cookie(SAID, said, max_age=30, httponly=True, samesite="strict", path=view.home or "/")
    return response
