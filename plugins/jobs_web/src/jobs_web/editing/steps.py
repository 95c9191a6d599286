"""The steps of the form: what is typed, the preview, and saving."""

from __future__ import annotations

from typing import Any, cast

from starlette.datastructures import FormData

from jobs_core import Board, ConflictError, UserError
from jobs_core.plugin_ui import PutOptions
from jobs_web.actions.done import Done
from jobs_web.editing.conflict import changes_since, merge
from jobs_web.editing.draft import NAMES, OPENED, Draft, read_draft
from jobs_web.editing.fields import groups
from jobs_web.editing.preview import preview, require_same
from jobs_web.job_texts import clock_of
from jobs_web.site import Page, View


def form_page(view: View, draft: Draft, errors: dict[str, str] | None = None, **data: Any) -> Page:
    """Show the form with what was typed.

    Args:
        view: The request.
        draft: What was typed.
        errors: Sentences by the names of fields. The empty name is for those about none.
        data: What else the page shows.
    """
    found = errors or {}
    shown = {"draft": draft, "groups": groups(draft, found), "errors": found, "hidden": _opened(draft)}
    return Page("edit.html", shown | {"runners": runners(view.board)} | data)


def submit_edit(view: View, form: FormData) -> Page | Done:
    """Take the form that edits a job one step further."""
    return _submit(view, read_draft(form, is_new=False), str(form.get("go", "")))


def submit_new(view: View, form: FormData) -> Page | Done:
    """Take the form that puts a new job one step further."""
    return _submit(view, read_draft(form, is_new=True), str(form.get("go", "")))


def _submit(view: View, draft: Draft, step: str) -> Page | Done:
    view.require_role("editor")
    if step == "form":
        return form_page(view, draft)
    try:
        return _advance(view, draft, step)
    except UserError as error:
        return form_page(view, draft, {_field_of(error): str(error)})


def _advance(view: View, draft: Draft, step: str) -> Page | Done:
    """Save, or else show the preview. Raises UserError if what was typed is wrong."""
    try:
        if step == "save":
            return _save(view, draft)
        found = preview(view.board, draft)
    except ConflictError:
        return _conflict_page(view, draft)
    hidden = [(name, draft.typed[name]) for name in NAMES if name in draft.typed] + _opened(draft)
    data = {"draft": draft, "preview": found, "hidden": hidden, "clock": clock_of(draft.typed)}
    return Page("preview.html", data)


def _save(view: View, draft: Draft) -> Done:
    """Put a new job, or edit the version that the form was opened with."""
    board, because = view.board, draft.because or None
    runner, payload = draft.typed.get("runner", ""), draft.typed.get("payload", "")
    if draft.is_new:
        board.create(draft.id, runner, payload, because=because, **cast(PutOptions, draft.options()))
    elif draft.changes_state:
        job = require_same(board, draft)
        options = cast(PutOptions, draft.options(job))
        if "payload" not in draft.changed:
            payload = job["payload"]  # which a form may not be able to show
        board.put(draft.id, runner, payload, because=because, if_match=draft.etag, **options)
    else:
        changes, unset = draft.edit
        board.edit(draft.id, unset=unset, because=because, if_match=draft.etag, **changes)
    return Done(f"{'Put' if draft.is_new else 'Saved'} {draft.id}.", view.below("/job", id=draft.id))


def _conflict_page(view: View, draft: Draft) -> Page:
    """Show who has changed the job since, and the form with both changes merged."""
    merged, differences = merge(view.board, draft, view.board.show(draft.id))
    disputed = {one.name: "Changed by both: choose." for one in differences if one.is_disputed}
    changes = changes_since(view.board, draft)
    return form_page(view, merged, disputed, differences=differences, changes=changes, is_conflict=True)


def _opened(draft: Draft) -> list[tuple[str, str]]:
    """Return the hidden fields that say what the form was opened with."""
    fields = [(OPENED + name, text) for name, text in draft.opened.items()]
    return [*fields, ("etag", draft.etag), ("seen", draft.seen)]


def _field_of(error: UserError) -> str:
    """Return the field that an error is about; empty if it is about none of the form."""
    return error.option if error.option in (*NAMES, "id") else ""


def runners(board: Board) -> list[str]:
    """Return the names of runners that are known, to choose from."""
    served = {name for worker in board.workers() for name in worker["runners"]}
    return sorted({*served, *board.plugins.names("runners")})
