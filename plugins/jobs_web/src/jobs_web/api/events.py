"""The history of a board as it grows, and the output of a task as it is printed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from jobs_web.api import schemas as s
from jobs_web.api.model import Call, Parameter, Route
from jobs_web.api.streams import Event, Stream

PAGE = 500
"""Entries of the history that one look reads."""

SILENCE = 5.0
"""Seconds without output after which a task is looked for. They double each time, up to 5 minutes."""


def events(call: Call) -> Stream:
    """Follow the history: from the newest entry on, or after an entry."""
    after = call.headers.get("last-event-id") or call.query.get("after")
    if after is None:
        newest = call.board.events()
        after = newest[-1]["id"] if newest else "0-0"
    else:
        call.board.events(after, 1)  # says if that is no id
    return Stream(_History(call.board, after).poll)


class _History:
    def __init__(self, board: Any, after: str) -> None:
        self._board, self._after = board, after

    def poll(self) -> Iterator[Event]:
        for entry in self._board.events(self._after, PAGE):
            self._after = entry["id"]
            yield Event(entry["what"], {name: entry[name] for name in entry if name != "id"}, entry["id"])


def output(call: Call) -> dict[str, Any] | Stream:
    """Answer with a page of what a task printed, or follow it."""
    id, cursor = call.path["id"], call.query.get("cursor")
    if call.query.get("follow"):
        cursor = call.headers.get("last-event-id") or cursor
    page = call.board.output_page(id, cursor)
    if call.query.get("follow"):
        if not page.items and not _exists(call.board, id):
            next(iter(call.board.output(id)))  # says that nothing is kept
        return Stream(_Output(call.board, id, cursor).poll)
    if not page.items and cursor is None:
        next(iter(call.board.output(id)))
    return {"items": page.items, "next": page.next if page.items else None}


class _Output:
    def __init__(self, board: Any, task: str, cursor: str | None) -> None:
        self._board, self._task, self._cursor = board, task, cursor
        self._patience, self._heard, self._is_over = SILENCE, time.monotonic(), False

    def poll(self) -> list[Event]:
        if self._is_over:
            raise StopAsyncIteration
        page = self._board.output_page(self._task, self._cursor)
        if page.next is None:
            raise StopAsyncIteration
        self._cursor = page.next
        if page.items:
            self._heard = time.monotonic()
        elif time.monotonic() - self._heard > self._patience:
            self._patience = min(2 * self._patience, 300.0)
            self._is_over = not _exists(self._board, self._task)
        is_last = [False] * (len(page.items) - 1) + [True]
        return [
            Event("output", entry, page.next if last else None)
            for entry, last in zip(page.items, is_last, strict=False)
        ]


def _exists(board: Any, task: str) -> bool:
    return next(iter(board.tasks(task=task)), None) is not None


AFTER = Parameter("after", "the id of an entry to continue after (default: the newest)")
LAST = Parameter("Last-Event-ID", "the id of the last event that was received", place="header")
FOLLOW = Parameter("follow", "continue until the task ends, as server-sent events", s.SWITCH)

ROUTES = (
    Route(
        "GET", "/events", "viewer", "Follow the history, as server-sent events.", events, None,
        (AFTER, LAST), streams="always",
    ),
    Route(
        "GET", "/tasks/{id}/output", "viewer", "Show what a task printed, or follow it.", output,
        s.page_of(s.LINE), (s.CURSOR, FOLLOW, LAST), streams="follow",
    ),
)  # fmt: skip
