"""What people change through the page: one function each, which takes a View and the fields of a form.

A form posts to `/actions/<name>`. Its field `back` is the page to return to, which then shows what the action
says. An action with a question asks it on a page of its own, unless the form has the field `confirmed`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import FormData

from jobs_web.access.user import Role
from jobs_web.actions import alerts, forecast, jobs, limits, tasks
from jobs_web.actions.done import Done
from jobs_web.actions.question import Question
from jobs_web.site import View


@dataclass(frozen=True, slots=True)
class Action:
    """An action of the page.

    Args:
        role: Who may do it.
        run: Does it. Returns a sentence that says what was done, or a Done, which also names the next page.
        question: Returns what to ask before. Without it, or if it returns None, the action is done at once. A
            Question has a mark of what it is about, so that nobody confirms something else.
    """

    role: Role
    run: Callable[[View, FormData], str | Done]
    question: Callable[[View, FormData], Question | str | None] | None = None


ACTIONS: dict[str, Action] = {
    "run": Action("operator", jobs.run, jobs.ask_all("Run")),
    "pause": Action("operator", jobs.pause, jobs.ask_all("Pause")),
    "resume": Action("operator", jobs.resume, jobs.ask_all("Resume")),
    "remove": Action("editor", jobs.remove, jobs.ask_remove),
    "push": Action("editor", tasks.push),
    "cancel-job": Action("operator", tasks.cancel_job, tasks.ask_cancel_job),
    "cancel": Action("operator", tasks.cancel),
    "retry": Action("operator", tasks.retry, tasks.ask_retry),
    "purge": Action("editor", tasks.purge, tasks.ask_purge),
    "limit": Action("editor", limits.limit),
    "unlimit": Action("editor", limits.unlimit),
    "trim": Action("editor", limits.trim, limits.ask_trim),
    "alert-test": Action("operator", alerts.test),
    "alert-remove": Action("editor", alerts.remove, alerts.ask_remove),
    "forecast": Action("viewer", forecast.make),
    "cancel-forecast": Action("viewer", forecast.cancel),
}
