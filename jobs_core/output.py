"""What tasks print, and how they end, kept on the board for a while: for whoever waits, or asks later."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from jobs_core.commands import translated
from jobs_core.errors import JobsError, NotFoundError
from jobs_core.replies import as_json

if TYPE_CHECKING:
    from jobs_core.board import Board

ENDS = ("done", "dead", "cancelled")
"""What an entry says when the task has ended."""

MANY = 200
"""Lines that one call passes on."""

HELD = 10_000
"""Lines that wait to be passed on, at most, for each task; older ones make room."""

INTERVAL = 0.1
"""Seconds between two calls that pass on what was printed meanwhile."""

PAGE = 1000
"""Entries that one call reads."""

BLOCK = 5000
"""Milliseconds for which one call waits for more."""

LOOKS = 5.0
"""Seconds of silence after which a reader asks whether the task is still there; they double each time."""


class OutputKeeper:
    """Passes on what tasks print to the board, in batches. Thread-safe.

    A task never waits for it, but at its end, so that its last line comes before its outcome.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._printed: dict[str, deque[tuple[str, str]]] = {}
        self._lock = threading.Lock()  # of what was printed
        self._sending = threading.Lock()  # held while lines are passed on, to keep their order
        self._wake = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def add(self, token: str, line: str, stream: str) -> None:
        """The task of a token has printed a line."""
        with self._lock:
            self._printed.setdefault(token, deque(maxlen=HELD)).append((stream, line))
            if self._thread is None:
                self._thread = threading.Thread(target=self._pass_on, name="jobs-output", daemon=True)
                self._thread.start()
        self._wake.set()

    def end(self, token: str) -> None:
        """A task has ended: pass on what it still holds."""
        with self._sending:
            self._send(token)

    def stop(self) -> None:
        """Pass on no more."""
        self._stopped = True
        self._wake.set()

    def _pass_on(self) -> None:
        while self._wake.wait() and not self._stopped:
            self._wake.clear()
            with self._lock:
                tokens = list(self._printed)
            with self._sending:
                for token in tokens:
                    self._send(token)
            time.sleep(INTERVAL)

    def _send(self, token: str) -> None:
        """Pass on the lines of a task, in order. Those that the server does not take are gone."""
        with self._lock:
            lines = list(self._printed.pop(token, ()))
        for first in range(0, len(lines), MANY):
            words = [word for pair in lines[first : first + MANY] for word in pair]
            try:
                self._board.commands.call("JOUTPUT", token, *words)
            except JobsError:
                return


def read_output(board: Board, task: str, *, follow: bool = False) -> Iterator[dict[str, Any]]:
    """What a task printed, `{"stream": …, "line": …}`, and how it fared: `{"attempt": 1, "what": "done", …}`.

    With `follow` it goes on until the task has ended. Raises NotFoundError when nothing is kept of it.
    """
    board.commands.require_layout()
    reading = Reading(board.name, task, follow=follow)
    while not reading.is_over:
        with translated(board.commands.server):
            found: Any = board.client.xread(
                {board.keys.output(task): reading.last}, count=PAGE, block=reading.block
            )
        yield from reading.take(found)
        if reading.is_in_doubt:
            reading.hear(next(board.tasks(task=task), None) is not None)


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
