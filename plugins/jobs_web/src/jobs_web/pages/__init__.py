"""The pages: one function each, which takes a View and returns what to show."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import FormData

from jobs_web.actions.done import Done
from jobs_web.editing import alert_form
from jobs_web.editing.steps import submit_edit, submit_new
from jobs_web.pages.alerts import alert, alerts
from jobs_web.pages.boards import boards
from jobs_web.pages.changes import changes
from jobs_web.pages.dead import dead
from jobs_web.pages.edit import edit, new
from jobs_web.pages.graph import graph
from jobs_web.pages.job import job
from jobs_web.pages.jobs import jobs
from jobs_web.pages.overview import overview
from jobs_web.pages.queues import limit, queues, tasks
from jobs_web.pages.task import task
from jobs_web.pages.timeline import timeline
from jobs_web.pages.week import week
from jobs_web.pages.workers import workers
from jobs_web.site import Page, View

PageFunction = Callable[[View], Page]

PAGES: dict[str, PageFunction] = {
    "/": overview,
    "/jobs": jobs,
    "/dead": dead,
    "/queues": queues,
    "/tasks": tasks,
    "/limit": limit,
    "/workers": workers,
    "/changes": changes,
    "/boards": boards,
    "/job": job,
    "/job/edit": edit,
    "/job/new": new,
    "/task": task,
    "/alerts": alerts,
    "/alert": alert,
    "/alert/edit": alert_form.edit,
    "/alert/new": alert_form.new,
    "/graph": graph,
    "/timeline": timeline,
    "/week": week,
}
"""The pages of a board by their path."""

FORMS: dict[str, Callable[[View, FormData], Page | Done]] = {
    "/job/edit": submit_edit,
    "/job/new": submit_new,
    "/alert/edit": alert_form.submit_edit,
    "/alert/new": alert_form.submit_new,
}
"""What is done with the forms of pages that post to themselves: the page to show, or that all is done."""
