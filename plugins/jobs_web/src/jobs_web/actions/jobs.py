"""Actions on one or more jobs: run, pause, resume, remove.

Their forms have a field `job` for each job, and `because` with the reason.
"""

from __future__ import annotations

from starlette.datastructures import FormData

from jobs_core import OptionError
from jobs_web.actions.fields import text, texts
from jobs_web.site import View


def run(view: View, form: FormData) -> str:
    """Run jobs now, beside their schedules."""
    tasks = [view.board.push(id) for id in _ids(form)]
    return f"Queued {tasks[0]}." if len(tasks) == 1 else f"Queued {len(tasks)} tasks."


def pause(view: View, form: FormData) -> str:
    """Pause jobs: until a time, or until they are resumed."""
    ids, until = _ids(form), text(form, "until")
    for id in ids:
        view.board.pause(id, until=until, because=text(form, "because"))
    return f"Paused {_named(ids)}."


def resume(view: View, form: FormData) -> str:
    """Resume jobs."""
    ids = _ids(form)
    for id in ids:
        view.board.resume(id, because=text(form, "because"))
    return f"Resumed {_named(ids)}."


def remove(view: View, form: FormData) -> str:
    """Remove jobs."""
    ids = _ids(form)
    view.board.remove(*ids, because=text(form, "because"))
    return f"Removed {_named(ids)}."


def ask_remove(view: View, form: FormData) -> str:
    """Return the question before jobs are removed."""
    return f"Remove {_named(_ids(form))}? Tasks that are queued still run."


def _ids(form: FormData) -> list[str]:
    ids = texts(form, "job")
    if not ids:
        raise OptionError("No job is selected: select at least one", option="job")
    return ids


def _named(ids: list[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{len(ids)} jobs"
