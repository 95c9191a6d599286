"""Who changed what on the board, and why."""

from __future__ import annotations

import time
from datetime import tzinfo

from jobs_core.plugin_ui import read_moment
from jobs_web.payloads import changes_for
from jobs_web.site import Page, View
from jobs_web.zones import readers_zone

ROWS = 50
"""Changes on a page."""

JOBS = 8
"""Jobs of one change that are named."""


def changes(view: View) -> Page:
    """List changes that match the fields of the query: job, from, to."""
    query, now, zone = view.query, time.time(), readers_zone(view)
    job = query.get("job", "").strip() or None
    begin, end = (_moment(query.get(name, ""), now, zone) for name in ("from", "to"))
    page = view.board.change_page(query.get("cursor") or None, ROWS, job=job, from_=begin, to=end)
    return Page(
        "changes.html",
        {
            "changes": changes_for(page.items, view.user),
            "next": page.next,
            "filtered": bool(job or begin is not None or end is not None),
            "job": job,
            "begin": begin,
            "end": end,
            "zone": zone,
            "most": JOBS,
        },
    )


def _moment(text: str, now: float, zone: tzinfo) -> float | None:
    return read_moment(text, now, zone) if text.strip() else None
