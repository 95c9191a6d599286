"""The pages that edit a job, and put a new one."""

from __future__ import annotations

from jobs_core import OptionError
from jobs_web.editing.conflict import latest_change
from jobs_web.editing.draft import Draft, fields_of, has_large_payload, opened_with
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
    job = view.board.show(like) if like else None
    if job and has_large_payload(job):
        raise OptionError(
            f"The payload of {like} is too large for a form. Copy the job with `jobs dump` and `jobs load`.",
            option="like",
        )
    fields = fields_of(job) if job else {}
    for name in ("start", "left", "next"):
        fields.pop(name, None)
    return form_page(view, Draft(is_new=True, typed=fields))
