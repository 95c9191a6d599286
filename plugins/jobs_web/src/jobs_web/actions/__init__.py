"""What people change through the page: one function each, which takes a View and the fields of a form.

A form posts to `/actions/<name>`. Its field `back` is the page to return to, which then shows what the action
says. An action with a question asks it on a page of its own, unless the form has the field `confirmed`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import FormData

from jobs_web.access.user import Role
from jobs_web.actions import forecast, jobs
from jobs_web.site import View


@dataclass(frozen=True, slots=True)
class Action:
    """An action of the page.

    Args:
        role: Who may do it.
        run: Does it. Returns a sentence that says what was done.
        question: Returns what to ask before, or None to do it at once.
    """

    role: Role
    run: Callable[[View, FormData], str]
    question: Callable[[View, FormData], str] | None = None


ACTIONS: dict[str, Action] = {
    "run": Action("operator", jobs.run),
    "pause": Action("operator", jobs.pause),
    "resume": Action("operator", jobs.resume),
    "remove": Action("editor", jobs.remove, jobs.ask_remove),
    "forecast": Action("viewer", forecast.make),
}
