"""The pages: one function each, which takes a View and returns what to show."""

from __future__ import annotations

from collections.abc import Callable

from jobs_web.pages.boards import boards
from jobs_web.pages.changes import changes
from jobs_web.pages.dead import dead
from jobs_web.pages.jobs import jobs
from jobs_web.pages.overview import overview
from jobs_web.pages.queues import limit, queues, tasks
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
}
"""The pages of a board by their path."""
