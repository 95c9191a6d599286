"""Alerts: the list, and the page of one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice
from typing import Any

from jobs_core import Alert, Board
from jobs_core.plugin_ui import ALERT_OPTIONS, WORK_OPTIONS, Option
from jobs_web.firing import firing
from jobs_web.pages.open_tasks import find_tasks
from jobs_web.quiet_hours import quiet_hours
from jobs_web.site import Page, View

INCIDENTS = 100
"""Incidents that the page of an alert shows."""

TASKS = 20
"""Ended tasks of an alert that its page shows."""

ENDINGS = ("done", "dead", "cancelled")
"""What the history says of a task that has ended."""

APART = ("when", "for", "runner", "payload", "owner")
"""What has a place of its own, beside the other options."""


def alerts(view: View) -> Page:
    """List the alerts of the board."""
    board, now = view.board, time.time()
    found = list(board.alert_list(payload=False))
    return Page(
        "alerts.html",
        {
            "alerts": found,
            "firing": firing(board, found),
            "quiet": {alert.name: quiet_hours(alert, now) for alert in found},
        },
    )


def alert(view: View) -> Page:
    """Show the alert that the field `name` of the query names."""
    board, name = view.board, view.query.get("name", "")
    found = board.alert_show(name)
    incidents = sorted(islice(board.alert_open(name), INCIDENTS), key=lambda one: one.since)
    return Page(
        "alert.html",
        {
            "alert": found,
            "incidents": incidents,
            "more": max(0, found.open - len(incidents)),
            "quiet": quiet_hours(found, time.time()),
            "options": options_of(found),
            "tasks": tasks_of(board, name),
        },
    )


def options_of(alert: Alert) -> list[tuple[Option, Any]]:
    """Return the options of an alert that its page lists, with their values."""
    given = alert.declared
    names = sorted(ALERT_OPTIONS, key=WORK_OPTIONS.__contains__)  # those about its tasks come last
    return [(ALERT_OPTIONS[name], given[name]) for name in names if name in given and name not in APART]


@dataclass(frozen=True, slots=True)
class Telling:
    """A task of an alert: where it is, or how it ended, and when. Times are in epoch seconds."""

    id: str
    state: str
    time: float
    note: str = ""


def tasks_of(board: Board, name: str) -> list[Telling]:
    """Return the tasks of an alert: those that wait, run or failed, then the latest that have ended."""
    job = f"alert:{name}"
    waiting, _ = find_tasks(board, job=job)
    found = [
        Telling(one["id"], one["state"], one.get("since") or one["due"], _last_note(one)) for one in waiting
    ]
    seen = {one.id for one in found}
    for entry in board.history_page(limit=5 * TASKS, job=job).items:
        if entry["what"] in ENDINGS and entry["task"] not in seen and len(found) < len(waiting) + TASKS:
            seen.add(entry["task"])
            note = entry.get("note") or entry.get("code") or ""
            found.append(Telling(entry["task"], entry["what"], entry["time"], note))
    return found


def _last_note(task: Any) -> str:
    last = task["history"][-1] if task.get("history") else {}
    return str(last.get("note") or last.get("code") or "")
