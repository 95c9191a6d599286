"""The pages: one function each, which takes a View and returns what to show."""

from __future__ import annotations

from collections.abc import Callable

from jobs_web.pages.jobs import jobs
from jobs_web.pages.overview import overview
from jobs_web.site import Page, View

PageFunction = Callable[[View], Page]

PAGES: dict[str, PageFunction] = {
    "/": overview,
    "/jobs": jobs,
}
"""The pages of a board by their path."""
