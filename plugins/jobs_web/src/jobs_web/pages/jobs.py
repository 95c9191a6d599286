"""The jobs of a board: search, filters and bulk actions."""

from __future__ import annotations

from urllib.parse import urlencode

from jobs_core.plugin_ui import JOB_STATES
from jobs_web.filters import JOB_SWITCHES, filter_text, job_filters
from jobs_web.site import Page, View

ROWS = 50
"""Jobs on a page."""

MARKS = 20
"""Runs in the strip of a job."""

SORTS = {"next": "next run", "id": "id"}


def jobs(view: View) -> Page:
    """List jobs that match the fields of the query: text, label, runner, state and switches."""
    query = view.query
    filters = job_filters(query)
    sort = query.get("sort") or "next"
    page = view.board.job_page(query.get("cursor") or None, ROWS, sort=sort, **filters)
    return Page(
        "jobs.html",
        {
            "jobs": page.jobs,
            "next": page.next,
            "runs": view.board.last_runs(*(job["id"] for job in page.jobs), limit=MARKS),
            "filtered": filter_text(query),
            "filter": urlencode({name: value for name, value in query.items() if name != "cursor"}),
            "switches": JOB_SWITCHES,
            "states": JOB_STATES,
            "sorts": SORTS,
            "sort": sort,
        },
    )
