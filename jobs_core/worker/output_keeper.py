"""Send what tasks print to the board, if they have the option `keep`."""

from __future__ import annotations

import threading
import time
from collections import deque

from jobs_core.engine.commands import Commands
from jobs_core.errors import JobsError

MANY = 200
"""Maximum lines in one call."""

WAITING = 10_000
"""Maximum buffered lines of a task. Newer lines replace older ones."""

INTERVAL = 0.1
"""Seconds between two calls."""


class OutputKeeper:
    """Sends what tasks print to the board, in batches. Thread-safe.

    A task waits for this only at its end, so that its last line arrives before its outcome.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._printed: dict[str, deque[tuple[str, str]]] = {}
        self._lock = threading.Lock()  # guards _printed
        self._sending = threading.Lock()  # held while lines are sent, to keep their order
        self._wake = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def add(self, token: str, line: str, stream: str) -> None:
        """Add a line that a task printed."""
        with self._lock:
            self._printed.setdefault(token, deque(maxlen=WAITING)).append((stream, line))
            if self._thread is None:
                self._thread = threading.Thread(target=self._pass_on, name="jobs-output", daemon=True)
                self._thread.start()
        self._wake.set()

    def end(self, token: str) -> None:
        """Send the remaining lines of a task that has ended."""
        with self._sending:
            self._send(token)

    def stop(self) -> None:
        """Stop sending."""
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
        """Send the lines of a task, in order. Lines that the server rejects are lost."""
        with self._lock:
            lines = list(self._printed.pop(token, ()))
        for first in range(0, len(lines), MANY):
            words = [word for pair in lines[first : first + MANY] for word in pair]
            try:
                self._commands.call("JOUTPUT", token, *words)
            except JobsError:
                return
