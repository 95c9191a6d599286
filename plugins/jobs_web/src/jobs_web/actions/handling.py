"""Handles `POST /actions/<name>`: checks the role, asks, acts, and returns to the page."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from jobs_core import UserError
from jobs_web.actions import ACTIONS, Action
from jobs_web.actions.done import SAID, Done, answer
from jobs_web.actions.fields import texts
from jobs_web.actions.question import ASKED, ChangedError, Question, change_text
from jobs_web.errors import status_of
from jobs_web.rendering import render
from jobs_web.site import Page, View, local_path


async def handle(view: View, request: Request) -> Response:
    """Do the action that the path names."""
    name: str = request.path_params["name"]
    action = ACTIONS.get(name)
    if action is None:
        raise HTTPException(404, "There is no such action.")
    view.require_role(action.role)
    form = await request.form()
    if action.question and not form.get("confirmed"):
        question = await run_in_threadpool(action.question, view, form)
        if question is not None:
            return HTMLResponse(render(view, _confirmation(view, name, form, question)))
    try:
        found = await run_in_threadpool(action.run, view, form)
    except ChangedError:
        return await _ask_again(view, name, action, form)
    except UserError as error:
        page = Page("refused.html", {"sentence": str(error), "back": _back(form)}, status_of(error))
        return HTMLResponse(render(view, page), page.status)
    return answer(view, found if isinstance(found, Done) else Done(found, _back(form)))


def said(request: Request) -> str | None:
    """Return what the last action says, if this is the next page."""
    value = request.cookies.get(SAID)
    return unquote(value) if value else None


def forget_said(view: View, response: Response) -> None:
    """Show what the last action says only once."""
    response.delete_cookie(SAID, path=view.home or "/")


async def _ask_again(view: View, name: str, action: Action, form: FormData) -> Response:
    """Ask about what matches now, and say how it has changed."""
    assert action.question is not None
    question = await run_in_threadpool(action.question, view, form)
    assert isinstance(question, Question)
    page = _confirmation(view, name, form, question, change_text(form, question))
    return HTMLResponse(render(view, page), page.status)


def _confirmation(
    view: View, name: str, form: FormData, question: Question | str, notice: str | None = None
) -> Page:
    left_out = ("because", "confirmed", ASKED)
    fields = [(field, value) for field in form for value in texts(form, field) if field not in left_out]
    sentence = question
    if isinstance(question, Question):
        sentence = question.text
        fields.append((ASKED, question.mark))
    return Page(
        "confirm.html",
        {
            "action": view.url(f"/actions/{name}"),
            "question": sentence,
            "notice": notice,
            "fields": fields,
            "back": _back(form),
            "because": form.get("because"),
        },
        409 if notice else 200,
    )


def _back(form: FormData) -> str:
    """Return the path of the page to return to. It is one of this site, whatever the form says."""
    return local_path(form.get("back"))
