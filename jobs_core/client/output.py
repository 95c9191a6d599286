"""Read what tasks print, and how they end. The board keeps both for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from jobs_core.engine.commands import Commands, translated
from jobs_core.engine.replies import as_json
from jobs_core.errors import NotFoundError

ENDS = ("done", "dead", "cancelled")
"""What an entry says when the task has ended."""

PAGE = 1000
"""Entries that one call reads."""

BLOCK = 5000
"""Milliseconds for which one call waits for more."""

LOOKS = 5.0
"""Seconds of silence after which a reader asks whether the task is still there; they double each time."""


def read_output(
    commands: Commands, task: str, *, follow: bool, is_there: Callable[[], bool]
) -> Iterator[dict[str, Any]]:
    """What a task printed, `{"stream": …, "line": …}`, and how it fared: `{"attempt": 1, "what": "done", …}`.

    With `follow` it goes on until the task has ended; `is_there` says whether a silent task still exists.
    Raises NotFoundError when nothing is kept of it.
    """
    commands.require_layout()
    reading = Reading(commands.keys.board, task, follow=follow)
    key = commands.keys.output(task)
    while not reading.is_over:
        with translated(commands.server):
            found: Any = commands.client.xread({key: reading.last}, count=PAGE, block=reading.block)
        yield from reading.take(found)
        if reading.is_in_doubt:
            reading.hear(is_there())


class Reading:
    """How far somebody has read what a task printed: what to ask Redis for next, whoever asks it."""

    def __init__(self, board: str, task: str, *, follow: bool) -> None:
        self.last = "0"
        """The entry after which to go on."""
        self.is_over = False
        self._board, self._task, self._follow = board, task, follow
        self._has_begun = False
        self._has_ended = False
        self._is_gone = False
        self._patience = LOOKS
        self._look_at = time.monotonic() + LOOKS

    @property
    def block(self) -> int | None:
        """For how many ms to wait for more, once what is there has been read."""
        is_waiting = self._follow and self._has_begun and not self._has_ended and not self._is_gone
        return BLOCK if is_waiting else None

    @property
    def is_in_doubt(self) -> bool:
        """Whether it has been silent for so long that somebody should ask if the task is still there."""
        return self._follow and not self.is_over and time.monotonic() >= self._look_at

    def hear(self, is_there: bool) -> None:
        """Learn whether the task is still there. If not, what came meanwhile is read, and that is all."""
        self._is_gone = not is_there
        self._patience = min(2 * self._patience, 300.0)
        self._look_at = time.monotonic() + self._patience

    def take(self, found: Any) -> list[dict[str, Any]]:
        """Read what XREAD has answered. Raises NotFoundError when nothing is kept of the task."""
        self._has_begun = True
        entries = [(id, _as_entry(fields)) for _, page in found or () for id, fields in page]
        if entries:
            self.last = entries[-1][0]
            self._has_ended = entries[-1][1].get("what") in ENDS  # it may have been revived since
            self._look_at = time.monotonic() + self._patience
        elif self._is_gone or (self.last == "0" and not self._follow):
            raise NotFoundError(
                f"nothing is kept of a task {self._task!r} on the board {self._board!r}: "
                "give --keep when it is pushed or put, and ask before that time is over"
            )
        else:
            self.is_over = self._has_ended or not self._follow
        return [entry for _, entry in entries]


def _as_entry(fields: dict[str, str]) -> dict[str, Any]:
    reads: dict[str, Callable[[str], Any]] = {"attempt": int, "progress": float, "data": as_json}
    return {name: reads.get(name, str)(value) for name, value in fields.items()}
