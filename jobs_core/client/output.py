"""Read what tasks print, and how they end. The board keeps both for the time that `keep` says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import redis

from jobs_core.engine.partitions.board import BoardCommands
from jobs_core.engine.replies import as_json
from jobs_core.errors import NotFoundError

ENDS = ("done", "dead", "cancelled")
"""The values of `what` in an entry that ends a task."""

PAGE = 1000
"""Entries to read in one call."""

BLOCK = 5000
"""Milliseconds for which one call waits for more entries."""

LOOKS = 5.0
"""Seconds of silence before a reader checks that the task still exists. They double each time."""


def read_output(
    commands: BoardCommands, board: str, task: str, *, follow: bool, is_there: Callable[[], bool]
) -> Iterator[dict[str, Any]]:
    """Yield what a task printed, `{"stream": …, "line": …}`, and its state: `{"attempt": 1, "what": "done"}`.

    `{"missing": 120}` stands where that many lines are missing: too many were printed at once.

    With `follow`, continue until the task ends. `is_there` returns whether a silent task still exists. Raises
    NotFoundError if no output of the task is kept.
    """
    commands.require_layout()
    part = commands.part_of_task(task)
    reading = Reading(board, task, follow=follow)
    key = part.keys.output(task)

    def take(client: redis.Redis) -> list[dict[str, Any]]:
        return reading.take(client.xread({key: reading.last}, count=PAGE, block=reading.block))

    while not follow and not reading.is_over:
        yield from part.read(take)
    while not reading.is_over:
        entries = []
        with part.suppress_outage():
            entries = take(part.blocking)
        yield from entries
        if reading.needs_check:
            with part.suppress_outage():
                reading.note_presence(is_there())


class Reading:
    """A reader's position in the output of a task. Both clients share it."""

    def __init__(self, board: str, task: str, *, follow: bool) -> None:
        self.last = "0"
        """The id of the last entry read."""
        self.is_over = False
        self._board, self._task, self._follow = board, task, follow
        self._number = 0  # how much the task had printed by then
        self._has_begun = False
        self._has_ended = False
        self._is_gone = False
        self._patience = LOOKS
        self._look_at = time.monotonic() + LOOKS

    @property
    def position(self) -> tuple[str, int, bool]:
        """Where another reader continues: see `resume`."""
        return self.last, self._number, self._has_ended

    def resume(self, last: str, number: int, has_ended: bool) -> None:
        """Continue where another reader was."""
        self.last, self._number, self._has_ended = last, number, has_ended

    @property
    def block(self) -> int | None:
        """Milliseconds to wait for more entries, or None to return at once."""
        is_waiting = self._follow and self._has_begun and not self._has_ended and not self._is_gone
        return BLOCK if is_waiting else None

    @property
    def needs_check(self) -> bool:
        """Whether the task has been silent for so long that the reader must check that it exists."""
        return self._follow and not self.is_over and time.monotonic() >= self._look_at

    def note_presence(self, is_there: bool) -> None:
        """Note whether the task still exists. If not, read the remaining entries and finish."""
        self._is_gone = not is_there
        self._patience = min(2 * self._patience, 300.0)
        self._look_at = time.monotonic() + self._patience

    def take(self, found: Any) -> list[dict[str, Any]]:
        """Read a reply to XREAD. Raises NotFoundError if no output of the task is kept."""
        self._has_begun = True
        entries = [
            entry for _, page in found or () for id, fields in page for entry in self._read(id, fields)
        ]
        if entries:
            self._has_ended = entries[-1].get("what") in ENDS  # a dead letter may have been retried
            self._look_at = time.monotonic() + self._patience
        elif self._is_gone or (self.last == "0" and not self._follow):
            raise NotFoundError(
                f"No output of the task {self._task!r} is kept on the board {self._board!r}. "
                "Push or put it with --keep, and read the output before that time has passed."
            )
        else:
            self.is_over = self._has_ended or not self._follow
        return entries

    def _read(self, id: str, fields: dict[str, str]) -> Iterator[dict[str, Any]]:
        """Yield an entry, after one that says how many are missing before it."""
        number = int(id.partition("-")[2])
        if missing := max(0, number - self._number - 1):
            yield {"missing": missing}
        self.last, self._number = id, number
        yield _as_entry(fields)


def _as_entry(fields: dict[str, str]) -> dict[str, Any]:
    reads: dict[str, Callable[[str], Any]] = {"attempt": int, "progress": float, "data": as_json}
    return {name: reads.get(name, str)(value) for name, value in fields.items()}
