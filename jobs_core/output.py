"""What tasks print, and how they end, kept on the board for a while: for whoever waits, or asks later."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from jobs_core.commands import translated
from jobs_core.errors import JobsError, NotFoundError

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
    last, entries = _read(board, task, "0", None)
    if not entries and not follow:
        raise _nothing(board, task)
    patience = LOOKS
    look_at = time.monotonic() + patience
    while True:
        for entry in entries:
            yield entry
            if entry.get("what") in ENDS:
                return
        if not follow:
            return
        if entries:
            look_at = time.monotonic() + patience
        elif time.monotonic() >= look_at:
            if next(board.tasks(task=task), None) is None and not _read(board, task, last, None)[1]:
                raise _nothing(board, task)
            patience = min(2 * patience, 300.0)
            look_at = time.monotonic() + patience
        last, entries = _read(board, task, last, BLOCK)


def _read(board: Board, task: str, last: str, block: int | None) -> tuple[str, list[dict[str, Any]]]:
    """The entries after `last`, waiting for `block` ms for one. Returns the id of the last, and them."""
    with translated():
        found: Any = board.client.xread({board.keys.output(task): last}, count=1000, block=block)
    entries = [(id, fields) for _, page in found or () for id, fields in page]
    return (entries[-1][0] if entries else last), [_as_entry(fields) for _, fields in entries]


def _as_entry(fields: dict[str, str]) -> dict[str, Any]:
    reads: dict[str, Callable[[str], Any]] = {"attempt": int, "progress": float, "data": json.loads}
    return {name: reads.get(name, str)(value) for name, value in fields.items()}


def _nothing(board: Board, task: str) -> NotFoundError:
    return NotFoundError(
        f"nothing is kept of a task {task!r} on the board {board.name!r}: "
        "give --keep when it is pushed or put, and ask before that time is over"
    )
