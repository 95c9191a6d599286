"""The history of a board as it grows, and the output of a task as it is printed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from jobs_core import NotFoundError
from jobs_web.api import schemas as s
from jobs_web.api.cursors import checked_cursor
from jobs_web.api.model import Call, Parameter, Route
from jobs_web.api.streams import Event, Stream
from jobs_web.api.tasks import show

PAGE = 500
"""Entries of the history that one look reads."""

SILENCE = 5.0
"""Seconds without output after which a task is looked for. They double each time, up to 5 minutes."""


ENDS = {"done", "dead", "cancelled"}
"""What an entry of the history says of a task that has ended."""


def events(call: Call) -> Stream:
    """Follow the history: from the newest entry on, or after an entry."""
    last = call.headers.get("last-event-id")
    after, name = (last, "Last-Event-ID") if last else (call.query.get("after"), "after")
    if after is None:
        newest = call.board.events()
        after = newest[-1]["id"] if newest else "0-0"
    else:
        with checked_cursor("after", f"{name}: expected the id of an entry, such as 1763900005000-0"):
            call.board.events(after, 1)
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
        return Stream(_follow(call, id, call.headers.get("last-event-id") or cursor).poll)
    page = call.board.output_page(id, cursor)
    if not page.items and cursor is None and page.next is not None:
        show(call)  # says if there is no such task
        raise NotFoundError(
            f"No output of the task {id!r} is kept, as the option keep would have it. "
            "Its logs have the end of what each attempt printed."
        )
    return {"items": page.items, "next": page.next if page.items else None}


def _follow(call: Call, id: str, cursor: str | None) -> _Output | _Log:
    """Return what follows a task. Raises NotFoundError if there is none, and nothing is kept of it."""
    page = call.board.output_page(id, cursor)
    found = next(iter(call.board.tasks(task=id)), None)
    if page.items or page.next is None or (found and "keep" in found.get("options", ())):
        return _Output(call.board, id, cursor)
    newest = call.board.events()
    log = _Log(call.board, id, newest[-1]["id"] if newest else "0-0")
    if not found and not log.has_lines():
        show(call)
    return log


class _Output:
    """Follows a task that has the option keep, line by line."""

    def __init__(self, board: Any, task: str, cursor: str | None) -> None:
        self._board, self._task, self._cursor = board, task, cursor
        self._presence, self._is_over = _Presence(board, task), False

    def poll(self) -> list[Event]:
        if self._is_over:
            raise StopAsyncIteration
        page = self._board.output_page(self._task, self._cursor)
        if page.items:
            self._presence.note()
        if page.next is None or (not page.items and self._presence.is_lost()):
            self._is_over = True
            return [Event("end", {"task": self._task})]
        self._cursor = page.next
        is_last = [False] * (len(page.items) - 1) + [True]
        return [
            Event("output", entry, page.next if last else None)
            for entry, last in zip(page.items, is_last, strict=False)
        ]


class _Log:
    """Follows any other task: the end of what each attempt printed, once the attempt has ended."""

    def __init__(self, board: Any, task: str, newest: str) -> None:
        self._board, self._task, self._after = board, task, newest
        self._presence = _Presence(board, task)
        self._shown, self._has_begun, self._is_over = 0, False, False

    def has_lines(self) -> bool:
        return bool(self._lines())

    def poll(self) -> list[Event]:
        if self._is_over:
            raise StopAsyncIteration
        if self._has_begun:
            self._is_over, has_more = self._read_history()
        else:
            self._has_begun, has_more = True, True
            self._is_over = not _exists(self._board, self._task)
        found = [Event("output", line) for line in self._fresh()] if has_more else []
        if not self._is_over and self._presence.is_lost():
            self._is_over = True
        return [*found, Event("end", {"task": self._task})] if self._is_over else found

    def _read_history(self) -> tuple[bool, bool]:
        """Return whether the task has ended, and whether any attempt at it has, since the last call."""
        whats = set()
        for entry in self._board.events(self._after, PAGE):
            self._after = entry["id"]
            if entry.get("task") == self._task:
                whats.add(entry["what"])
        return bool(whats & ENDS), bool(whats)

    def _fresh(self) -> list[dict[str, Any]]:
        lines = [line for line in self._lines() if (line["attempt"] or 0) > self._shown]
        self._shown = max((line["attempt"] for line in lines), default=self._shown)
        return [{name: line[name] for name in line if name != "task"} for line in lines]

    def _lines(self) -> list[dict[str, Any]]:
        try:
            return list(self._board.logs(self._task))
        except NotFoundError:
            return []


class _Presence:
    """Whether a silent task still exists. Looking is expensive, so it is done ever more rarely."""

    def __init__(self, board: Any, task: str) -> None:
        self._board, self._task = board, task
        self._patience, self._heard = SILENCE, time.monotonic()

    def note(self) -> None:
        """Note that the task has been heard of."""
        self._heard = time.monotonic()

    def is_lost(self) -> bool:
        """Return whether the task has been silent for long, and is gone."""
        if time.monotonic() - self._heard <= self._patience:
            return False
        self._patience = min(2 * self._patience, 300.0)
        return not _exists(self._board, self._task)


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
