"""The form that puts and edits alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from starlette.datastructures import FormData

from jobs_core import Alert, ConflictError, ExistsError, UserError
from jobs_core.plugin_ui import ALERT_OPTIONS, WORK_OPTIONS, AlertOptions, Option
from jobs_web.actions.done import Done
from jobs_web.editing.fields import Field
from jobs_web.editing.steps import runners
from jobs_web.job_texts import form_value
from jobs_web.site import Page, View

OPTIONS: Mapping[str, Option] = ALERT_OPTIONS | {
    "recovery": replace(ALERT_OPTIONS["recovery"], choices=("yes",))
}
"""The options of the form."""

WHAT = ("when", "for")
"""The options that are shown first."""

NAMES = ("name", "runner", "payload", *OPTIONS)
"""The fields of the form."""


@dataclass(frozen=True)
class AlertDraft:
    """An alert as it is typed.

    Args:
        name: Its name.
        is_new: Whether it is to be created.
        typed: The other fields by their names, as text. Empty ones are left out.
        etag: The version that the form was opened with.
        because: Why it is changed.
    """

    name: str = ""
    is_new: bool = False
    typed: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    because: str = ""

    @property
    def options(self) -> AlertOptions:
        """The options for `alert_put`."""
        given: dict[str, Any] = {name: self.typed[name] for name in OPTIONS if name in self.typed}
        given = {"for_" if name == "for" else name: value for name, value in given.items()}
        if "recovery" in given:
            given["recovery"] = given["recovery"] == "yes"
        return cast(AlertOptions, given)


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is now another than what was typed."""

    name: str
    now: str
    typed: str


def edit(view: View) -> Page:
    """Show the form with the alert that the field `name` of the query names."""
    view.require_role("editor")
    found = view.board.alert_show(view.query.get("name", ""))
    return form_page(view, AlertDraft(found.name, typed=fields_of(found), etag=found.etag))


def new(view: View) -> Page:
    """Show an empty form, or one with the options of the alert `like`, or for the job `for`."""
    view.require_role("editor")
    like, job = view.query.get("like"), view.query.get("for")
    typed = fields_of(view.board.alert_show(like)) if like else {}
    return form_page(view, AlertDraft(is_new=True, typed=typed | ({"for": job} if job else {})))


def submit_edit(view: View, form: FormData) -> Page | Done:
    """Save an alert that was edited."""
    return _submit(view, read_draft(form, is_new=False))


def submit_new(view: View, form: FormData) -> Page | Done:
    """Put a new alert."""
    return _submit(view, read_draft(form, is_new=True))


def form_page(view: View, draft: AlertDraft, errors: Mapping[str, str] | None = None, **data: Any) -> Page:
    """Show the form with what was typed, and what is wrong with it, by the names of fields."""
    found = errors or {}
    fields = {
        name: Field(option, draft.typed.get(name, ""), found.get(name, ""))
        for name, option in OPTIONS.items()
    }
    of_tasks = [one for name, one in fields.items() if name in WORK_OPTIONS]
    shown = {
        "draft": draft,
        "errors": found,
        "what": [fields[name] for name in WHAT],
        "how": [one for name, one in fields.items() if name not in WORK_OPTIONS and name not in WHAT],
        "of_tasks": of_tasks,
        "is_open": any(one.value or one.error for one in of_tasks),
        "runners": runners(view.board),
    }
    return Page("alert_edit.html", shown | data)


def fields_of(alert: Alert) -> dict[str, str]:
    """Return the fields of an alert as they are typed."""
    given = alert.declared | ({"recovery": "yes"} if alert.recovery else {})
    found = {name: form_value(name, given[name]) for name in NAMES if name in given}
    return {name: _normal(name, text) for name, text in found.items() if text}


def read_draft(form: FormData, *, is_new: bool) -> AlertDraft:
    """Read a form."""
    typed = {name: _normal(name, str(form.get(name, ""))) for name in NAMES[1:]}
    return AlertDraft(
        str(form.get("name", "")).strip(),
        is_new,
        {name: text for name, text in typed.items() if text},
        str(form.get("etag", "")),
        str(form.get("because", "")).strip(),
    )


def _submit(view: View, draft: AlertDraft) -> Page | Done:
    view.require_role("editor")
    try:
        _save(view, draft)
    except ConflictError:
        return _conflict_page(view, draft)
    except ExistsError as error:
        return form_page(view, draft, {"name": str(error)})
    except UserError as error:
        return form_page(view, draft, {_field_of(error): str(error)})
    sentence = f"{'Put' if draft.is_new else 'Saved'} the alert {draft.name}."
    return Done(sentence, view.below("/alert", name=draft.name))


def _save(view: View, draft: AlertDraft) -> None:
    """Put a new alert, or the version that the form was opened with."""
    options, payload, etag = draft.options, draft.typed.get("payload", ""), "none"
    if not draft.is_new:
        found, etag = view.board.alert_show(draft.name), draft.etag
        if found.owner is not None:
            options["owner"] = found.owner
        if payload == _normal("payload", found.payload):
            payload = found.payload  # which a form may not be able to show
    runner, because = draft.typed.get("runner", ""), draft.because or None
    view.board.alert_put(draft.name, runner, payload, because=because, if_match=etag, **options)


def _conflict_page(view: View, draft: AlertDraft) -> Page:
    """Show the form with what was typed, and how the alert differs now. Saving it again replaces that."""
    found = view.board.alert_show(draft.name)
    now = fields_of(found)
    differences = [
        Difference(name, now.get(name, ""), draft.typed.get(name, ""))
        for name in NAMES[1:]
        if now.get(name, "") != draft.typed.get(name, "")
    ]
    return form_page(view, replace(draft, etag=found.etag), is_conflict=True, differences=differences)


def _field_of(error: UserError) -> str:
    """Return the field that an error is about; empty if it is about none of the form."""
    name = "name" if error.option == "alert" else error.option
    return name if name in NAMES else ""


def _normal(name: str, text: str) -> str:
    """Return a text as forms send it: with plain line ends, and no spaces around it but for the payload."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if name == "payload" else text.replace("\n", "").strip()
