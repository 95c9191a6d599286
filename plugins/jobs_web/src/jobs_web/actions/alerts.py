"""Actions on alerts: test and remove. Their forms have the field `alert` with its name."""

from __future__ import annotations

from starlette.datastructures import FormData

from jobs_core import NotFoundError
from jobs_web.actions.fields import required, text
from jobs_web.site import View


def test(view: View, form: FormData) -> str:
    """Queue a task of an alert, to see whether it reaches somebody."""
    return f"Queued {view.board.alert_test(required(form, 'alert'))}."


def remove(view: View, form: FormData) -> str:
    """Remove an alert."""
    name = required(form, "alert")
    if not view.board.alert_remove(name, because=text(form, "because")):
        raise NotFoundError(f"There is no alert {name!r} any more")
    return f"Removed the alert {name}."


def ask_remove(view: View, form: FormData) -> str:
    """Return the question before an alert is removed."""
    name = required(form, "alert")
    return f"Remove the alert {name}? It tells nobody any more. Tasks that it has queued still run."
