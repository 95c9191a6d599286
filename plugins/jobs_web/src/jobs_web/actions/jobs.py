"""Actions on one or more jobs: run, pause, resume, remove.

Their forms have a field `job` for each job, or `scope` with `all` and `filter` with the filter of the page.
`because` has the reason.
"""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData

from jobs_web.actions.fields import text, texts
from jobs_web.actions.question import Question, mark_of
from jobs_web.actions.selection import CHUNK, is_all, jobs_named, matching_jobs, outcome, selected_jobs
from jobs_web.site import View
from jobs_web.texts import counted


def run(view: View, form: FormData) -> str:
    """Run jobs now, beside their schedules."""
    ids = selected_jobs(view, form)
    if len(ids) == 1:
        return f"Queued {view.board.push(ids[0])}."
    return outcome("Queued", ids, view.board.push_many({"id": id} for id in ids))


def pause(view: View, form: FormData) -> str:
    """Pause jobs: until a time, or until they are resumed."""
    ids, because = selected_jobs(view, form), text(form, "because")
    return outcome("Paused", ids, view.board.pause_many(ids, until=text(form, "until"), because=because))


def resume(view: View, form: FormData) -> str:
    """Resume jobs."""
    ids = selected_jobs(view, form)
    return outcome("Resumed", ids, view.board.resume_many(ids, because=text(form, "because")))


def remove(view: View, form: FormData) -> str:
    """Remove jobs."""
    ids, because = selected_jobs(view, form), text(form, "because")
    removed = 0
    for first in range(0, len(ids), CHUNK):
        removed += view.board.remove(*ids[first : first + CHUNK], because=because)
    return f"Removed {ids[0] if len(ids) == 1 else counted(removed, 'job')}."


def ask_all(verb: str) -> Any:
    """Return a function that asks before an action about everything that a filter matches, and only then."""

    def ask(view: View, form: FormData) -> Question | None:
        if not is_all(form):
            return None
        ids = matching_jobs(view, form)
        return Question(f"{verb} {jobs_named(form, ids)}?", mark_of(ids))

    return ask


def ask_remove(view: View, form: FormData) -> Question:
    """Return the question before jobs are removed."""
    ids = matching_jobs(view, form) if is_all(form) else texts(form, "job")
    return Question(f"Remove {jobs_named(form, ids)}? Tasks that are queued still run.", mark_of(ids))
