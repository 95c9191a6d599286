"""The pages that edit a job, and put a new one."""

from __future__ import annotations

from jobs_web.editing.conflict import latest_change
from jobs_web.editing.draft import Draft, fields_of, opened_with
from jobs_web.editing.steps import form_page
from jobs_web.site import Page, View


def edit(view: View) -> Page:
    """Show the form with the job that the field `id` of the query names."""
    view.require_role("editor")
    board, id = view.board, view.query.get("id", "")
    seen = latest_change(board, id)  # before the job is read, so that no change in between is missed
    return form_page(view, opened_with(board.show(id), seen))


def new(view: View) -> Page:
    """Show an empty form, or one with the options of the job that the field `like` of the query names."""
    view.require_role("editor")
    like = view.query.get("like")
    fields = fields_of(view.board.show(like)) if like else {}
    for name in ("start", "left", "next"):
        fields.pop(name, None)
    return form_page(view, Draft(is_new=True, typed=fields))
