"""Pass on what tasks print to the board, for those who asked to keep it."""

from __future__ import annotations

import threading
import time
from collections import deque

from jobs_core.engine.commands import Commands
from jobs_core.errors import JobsError

MANY = 200
"""Lines that one call passes on."""

WAITING = 10_000
"""Lines of a task that wait to be passed on, at most; older ones make room."""

INTERVAL = 0.1
"""Seconds between two calls that pass on what was printed meanwhile."""


class OutputKeeper:
    """Passes on what tasks print to the board, in batches. Thread-safe.

    A task never waits for it, but at its end, so that its last line comes before its outcome.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._printed: dict[str, deque[tuple[str, str]]] = {}
        self._lock = threading.Lock()  # of what was printed
        self._sending = threading.Lock()  # held while lines are passed on, to keep their order
        self._wake = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def add(self, token: str, line: str, stream: str) -> None:
        """The task of a token has printed a line."""
        with self._lock:
            self._printed.setdefault(token, deque(maxlen=WAITING)).append((stream, line))
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
                self._commands.call("JOUTPUT", token, *words)
            except JobsError:
                return
