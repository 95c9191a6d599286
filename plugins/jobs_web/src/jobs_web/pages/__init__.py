"""The pages: one function each, which takes a View and returns what to show."""

from __future__ import annotations

from collections.abc import Callable

from jobs_web.pages.graph import graph
from jobs_web.pages.jobs import jobs
from jobs_web.pages.overview import overview
from jobs_web.pages.timeline import timeline
from jobs_web.pages.week import week
from jobs_web.site import Page, View

PageFunction = Callable[[View], Page]

PAGES: dict[str, PageFunction] = {
    "/": overview,
    "/jobs": jobs,
    "/graph": graph,
    "/timeline": timeline,
    "/week": week,
}
"""The pages of a board by their path."""
