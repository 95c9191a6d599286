"""The jobs of a board: search, filters and bulk actions."""

from __future__ import annotations

from itertools import islice
from typing import Any

from jobs_core.plugin_ui import JOB_STATES
from jobs_web.site import Page, View

ROWS = 50
"""Jobs on a page."""

SWITCHES = ("failing", "late", "running", "paused")


def jobs(view: View) -> Page:
    """List jobs that match the fields of the query: text, label, runner, state and switches."""
    query = view.query
    filters: dict[str, Any] = {name: True for name in SWITCHES if query.get(name)}
    filters |= {name: query[name] for name in ("text", "runner", "state") if query.get(name)}
    if query.get("label"):
        filters["label"] = query.getlist("label")
    found = view.board.list(summary=True, sort="next", **filters)
    return Page("jobs.html", {"jobs": list(islice(found, ROWS)), "switches": SWITCHES, "states": JOB_STATES})
