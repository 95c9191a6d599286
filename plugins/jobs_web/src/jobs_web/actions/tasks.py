"""Actions on tasks: push and cancel; retry and purge dead letters.

Their forms have a field `task` for each task, or `ticket` for each dead letter, or `scope` with `all` and
`filter` with the filter of the page. `because` has the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from starlette.datastructures import FormData

from jobs_core import JobsError, NotFoundError, OptionError
from jobs_core.plugin_ui import WORK_OPTIONS, PushOptions
from jobs_web.actions.done import Done
from jobs_web.actions.fields import required, text, texts
from jobs_web.actions.question import Question, mark_of, require_asked
from jobs_web.actions.selection import is_all, query_of
from jobs_web.filters import code_of, task_filters
from jobs_web.site import View
from jobs_web.texts import counted


def push(view: View, form: FormData) -> Done:
    """Run a job's runner once with another payload, and with the options of the job."""
    job = view.board.show(required(form, "job"))
    options: dict[str, Any] = {name: job[name] for name in WORK_OPTIONS if name in job}
    payload = str(form.get("payload", "")).replace("\r\n", "\n")
    task = view.board.push(job["runner"], payload, **cast(PushOptions, options))
    return Done(f"Queued {task}.", view.below("/task", id=task))


def cancel_job(view: View, form: FormData) -> str:
    """Cancel what runs or waits of a job."""
    counts = view.board.cancel_job(required(form, "job"), because=text(form, "because"))
    told = counted(counts["cancelling"], "running task")
    stopped = f" {told} told to stop." if counts["cancelling"] else ""
    return f"Cancelled {counted(counts['cancelled'], 'waiting task')}.{stopped}"


def ask_cancel_job(view: View, form: FormData) -> str:
    """Return the question before the tasks of a job are cancelled."""
    return f"Cancel all tasks of {required(form, 'job')} that run or wait? The job stays."


def cancel(view: View, form: FormData) -> str:
    """Cancel tasks."""
    ids, because = _ids(form), text(form, "because")
    errors: list[JobsError] = []
    states = []
    for id in ids:
        try:
            states.append(view.board.cancel(id, because=because))
        except NotFoundError as error:
            errors.append(error)
    if not states:
        raise errors[0]
    ended = f" {len(errors)} had ended before." if errors else ""
    if states == ["cancelling"]:
        return f"Cancelling {ids[0]}: its worker is told to stop.{ended}"
    return f"Cancelled {ids[0] if len(ids) == 1 else counted(len(states), 'task')}.{ended}"


def retry(view: View, form: FormData) -> str:
    """Queue dead letters again."""
    return f"Retried {_change(view, form, view.board.dead_retry)}."


def purge(view: View, form: FormData) -> str:
    """Delete dead letters."""
    return f"Purged {_change(view, form, view.board.dead_purge)}."


def ask_retry(view: View, form: FormData) -> Question | None:
    """Ask before all dead letters that match are retried."""
    if not is_all(form):
        return None
    tickets = _matching(view, form)
    return Question(f"Retry {_counted(len(tickets))}?", mark_of(tickets))


def ask_purge(view: View, form: FormData) -> Question:
    """Return the question before dead letters are purged."""
    tickets = _matching(view, form) if is_all(form) else [*texts(form, "ticket"), *texts(form, "task")]
    return Question(f"Purge {_counted(len(tickets))}? They cannot be brought back.", mark_of(tickets))


def _change(view: View, form: FormData, change: Callable[..., int]) -> str:
    """Retry or purge dead letters. Returns what was changed, in words."""
    because = text(form, "because")
    if is_all(form):
        count = _change_all(view, form, change, because)
    else:
        count = _change_selected(form, change, because)
    if not count:
        raise NotFoundError("There is no such dead letter any more")
    return _counted(count)


def _change_all(view: View, form: FormData, change: Callable[..., int], because: str | None) -> int:
    tickets = _matching(view, form)
    if not tickets:
        return 0
    require_asked(form, tickets)
    return change(tickets=tickets, because=because)


def _change_selected(form: FormData, change: Callable[..., int], because: str | None) -> int:
    tickets, tasks = texts(form, "ticket"), texts(form, "task")
    if not (tickets or tasks):
        raise OptionError("No dead letter is selected: select at least one", option="ticket")
    count = change(tickets=tickets, because=because) if tickets else 0
    return count + sum(change(task=task, because=because) for task in tasks)


def _matching(view: View, form: FormData) -> list[str]:
    """Return the tickets of all dead letters that the filter of the page matches."""
    query = query_of(form)
    code, letters = query.get("code"), view.board.dead(**task_filters(query))
    return [letter["ticket"] for letter in letters if not code or code_of(letter) == code]


def _ids(form: FormData) -> list[str]:
    ids = texts(form, "task")
    if not ids:
        raise OptionError("No task is selected: select at least one", option="task")
    return ids


def _counted(count: int) -> str:
    return counted(count, "dead letter")
