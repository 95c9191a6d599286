"""The workers of a board: where they run, what they serve, and what runs on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from jobs_core import RunningTask
from jobs_web.site import Page, View

WORKERS = 200
"""Workers that are shown."""

TASKS = 100
"""Running tasks that are read: those whose leases end first."""

DRIFT = 1.0
"""Seconds that the clock of a worker may differ from Redis's before it is said."""


def workers(view: View) -> Page:
    """List workers, those that have not reported lately first."""
    top = view.board.top(TASKS)
    found = sorted(view.board.workers(), key=lambda worker: worker["state"] == "serving")
    alive = [worker for worker in found if worker["state"] != "silent"]
    return Page(
        "workers.html",
        {
            "workers": found[:WORKERS],
            "more": max(0, len(found) - WORKERS),
            "states": Counter(worker["state"] for worker in found),
            "running": sum(worker.get("running", 0) for worker in alive),
            "room": sum(worker.get("concurrency", 0) for worker in alive),
            "tasks": tasks_by_worker(top.running_tasks),
            "time": top.time,
            "drift": DRIFT,
        },
    )


def tasks_by_worker(tasks: Sequence[RunningTask]) -> Mapping[Any, Sequence[RunningTask]]:
    """Return running tasks by their workers."""
    found: dict[Any, list[RunningTask]] = {}
    for task in tasks:
        found.setdefault(task.worker, []).append(task)
    return found
