"""Who changed what on the board, and why."""

from __future__ import annotations

import time

from jobs_core.plugin_ui import read_moment
from jobs_web.site import Page, View

ROWS = 50
"""Changes on a page."""

JOBS = 8
"""Jobs of one change that are named."""


def changes(view: View) -> Page:
    """List changes that match the fields of the query: job, from, to."""
    query, now = view.query, time.time()
    job = query.get("job", "").strip() or None
    begin, end = (_moment(query.get(name, ""), now) for name in ("from", "to"))
    page = view.board.change_page(query.get("cursor") or None, ROWS, job=job, from_=begin, to=end)
    return Page(
        "changes.html",
        {
            "changes": page.items,
            "next": page.next,
            "filtered": bool(job or begin is not None or end is not None),
            "job": job,
            "most": JOBS,
        },
    )


def _moment(text: str, now: float) -> float | None:
    return read_moment(text, now) if text.strip() else None
