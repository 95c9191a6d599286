"""Actions on tasks: push, cancel, retry, purge.

Their forms have a field `task` with the id of a task, or `job` with that of a job, and `because` with the
reason.
"""

from __future__ import annotations

from typing import Any, cast

from starlette.datastructures import FormData

from jobs_core import NotFoundError
from jobs_core.plugin_ui import WORK_OPTIONS, PushOptions
from jobs_web.actions.done import Done
from jobs_web.actions.fields import required, text
from jobs_web.site import View


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
    stopped = f" {counts['cancelling']} are told to stop." if counts["cancelling"] else ""
    return f"Cancelled {counts['cancelled']} waiting tasks.{stopped}"


def ask_cancel_job(view: View, form: FormData) -> str:
    """Return the question before the tasks of a job are cancelled."""
    return f"Cancel all tasks of {required(form, 'job')} that run or wait? The job stays."


def cancel(view: View, form: FormData) -> str:
    """Cancel a task."""
    id = required(form, "task")
    if view.board.cancel(id, because=text(form, "because")) == "cancelling":
        return f"{id} is told to stop."
    return f"Cancelled {id}."


def retry(view: View, form: FormData) -> str:
    """Queue a dead letter again."""
    id = required(form, "task")
    if not view.board.dead_retry(task=id, because=text(form, "because")):
        raise NotFoundError(f"{id} is no dead letter any more: somebody else has retried or purged it")
    return f"Queued {id} again."


def purge(view: View, form: FormData) -> str:
    """Delete a dead letter."""
    id = required(form, "task")
    view.board.dead_purge(task=id, because=text(form, "because"))
    return f"Purged {id}."


def ask_purge(view: View, form: FormData) -> str:
    """Return the question before a dead letter is deleted."""
    return f"Purge the dead letter {required(form, 'task')}? It cannot be retried then."
