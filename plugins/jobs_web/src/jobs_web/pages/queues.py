"""Queues, what waits in them, and the limits of queues and runners."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from jobs_core import Board, OptionError
from jobs_core.plugin_ui import TASK_STATES
from jobs_web.filters import filter_text, task_filters
from jobs_web.site import Page, View

QUEUES = 100
"""Queues that are read, the longest first."""

HELD = 500
"""Held tasks that are counted by queue."""

ROWS = 50
"""Tasks on a page."""


@dataclass
class Queue:
    """A queue: what waits in it, its limit, and the living workers that serve it."""

    name: str
    length: int = 0
    oldest: float | None = None
    held: int = 0
    limit: Mapping[str, Any] = field(default_factory=dict)
    workers: list[str] = field(default_factory=list)

    @property
    def is_unserved(self) -> bool:
        """Whether tasks wait, and nobody takes them."""
        return bool((self.length or self.held) and not self.workers)


def queues(view: View) -> Page:
    """List queues, and the limits of runners."""
    board = view.board
    top = board.top(QUEUES)
    found = {item.queue: Queue(item.queue, item.length, item.oldest) for item in top.waiting_queues}

    def queue(name: str) -> Queue:
        return found.setdefault(name, Queue(name))

    limits = list(board.limits())
    for limit in limits:
        if limit["kind"] == "queue":
            queue(limit["name"]).limit = limit
    for worker in _living(board.workers()):
        for name in worker["queues"]:
            queue(name).workers.append(worker["worker"])
    for name, held in _count_held(board, top.held).items():
        queue(name).held = held
    order = sorted(found.values(), key=lambda each: (-each.is_unserved, -each.length, each.name))
    return Page(
        "queues.html",
        {
            "top": top,
            "queues": order,
            "unserved": [each for each in order if each.is_unserved],
            "runner_limits": [limit for limit in limits if limit["kind"] == "runner"],
            "more": max(0, top.queues - QUEUES),
        },
    )


def tasks(view: View) -> Page:
    """List tasks that match the fields of the query: state, queue, job, runner, worker, label."""
    query, filters = view.query, task_filters(view.query)
    state: Any = query.get("state") or None
    page = view.board.task_page(query.get("cursor") or None, ROWS, state=state, **filters)
    return Page(
        "tasks.html",
        {
            "tasks": page.items,
            "next": page.next,
            "states": TASK_STATES,
            "filtered": filter_text(query),
            "filter": urlencode({name: value for name, value in query.items() if name != "cursor"}),
        },
    )


def limit(view: View) -> Page:
    """Show the limit of a queue or runner, to change it."""
    kind, name = view.query.get("kind") or "queue", view.query.get("name", "").strip()
    if not name:
        raise OptionError(f"name: expected the name of a {kind}, got nothing", option="name")
    known = (each for each in view.board.limits() if (each["kind"], each["name"]) == (kind, name))
    return Page("limit.html", {"kind": kind, "name": name, "limit": next(known, {})})


def _living(workers: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    return (worker for worker in workers if worker["state"] != "silent")


def _count_held(board: Board, held: int) -> Counter[str]:
    """Count held tasks by queue, the first of them if there are many."""
    if not held:
        return Counter()
    return Counter(task["queue"] for task in board.task_page(limit=HELD, state="held").items)
