"""Who changed what on the board, and why."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from jobs_core import Change
from jobs_core.plugin_ui import read_moment, readable
from jobs_web.site import Page, View

ROWS = 50
"""Changes on a page."""

JOBS = 8
"""Jobs of one change that are named."""


@dataclass(frozen=True)
class Difference:
    """An option that differs. None where it was not set."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Row:
    """A change, and the options that differ."""

    change: Change
    differences: list[Difference]


def changes(view: View) -> Page:
    """List changes that match the fields of the query: job, from, to."""
    query, now = view.query, time.time()
    job = query.get("job", "").strip() or None
    begin, end = (_moment(query.get(name, ""), now) for name in ("from", "to"))
    page = view.board.change_page(query.get("cursor") or None, ROWS, job=job, from_=begin, to=end)
    return Page(
        "changes.html",
        {
            "rows": [Row(change, list(differences(change))) for change in page.items],
            "next": page.next,
            "filtered": bool(job or begin is not None or end is not None),
            "job": job,
            "most": JOBS,
        },
    )


def differences(change: Change) -> Iterator[Difference]:
    """Yield the options that differ. All those of a new job do, and of a removed one."""
    if change.before is None and change.after is None:
        return
    before, after = change.before or {}, change.after or {}
    for name in replace(change, before=before, after=after).differences:
        yield Difference(name, _text(name, before), _text(name, after))


def _text(name: str, side: Any) -> str | None:
    return str(readable(name, side[name])) if side.get(name) is not None else None


def _moment(text: str, now: float) -> float | None:
    return read_moment(text, now) if text.strip() else None
