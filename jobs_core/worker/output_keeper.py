"""Send what tasks print to the board, if they have the option `keep`."""

from __future__ import annotations

import threading
import time
from collections import deque

from jobs_core.engine.commands import Commands
from jobs_core.errors import JobsError

MANY, LARGE = 200, 256 * 1024
"""Maximum lines and characters in one call."""

WAITING, WAITING_SIZE = 10_000, 1024 * 1024
"""Maximum buffered lines and characters of a task. Newer lines replace older ones."""

INTERVAL = 0.1
"""Seconds between two calls for a task that prints little."""

PATIENCE = 1.0
"""Seconds that a task waits for room in its buffer, before lines are left out."""


class Buffer:
    """The lines of a task that wait to be sent, and how many were left out before the oldest of them."""

    def __init__(self) -> None:
        self.lines: deque[tuple[str, str]] = deque()
        self.size = 0
        self.missing = 0

    @property
    def is_full(self) -> bool:
        """Whether another line would replace the oldest one."""
        return len(self.lines) >= WAITING or self.size >= WAITING_SIZE

    def add(self, stream: str, line: str) -> None:
        """Add a line. The oldest lines make room for it."""
        self.lines.append((stream, line))
        self.size += len(line)
        while len(self.lines) > 1 and (len(self.lines) > WAITING or self.size > WAITING_SIZE):
            self.size -= len(self.lines.popleft()[1])
            self.missing += 1

    def take(self) -> list[str]:
        """Remove the first lines, as the arguments of one JOUTPUT."""
        words = ["missing", str(self.missing)] if self.missing else []
        self.missing, size = 0, 0
        while self.lines and len(words) < 2 * MANY and (size == 0 or size + len(self.lines[0][1]) <= LARGE):
            stream, line = self.lines.popleft()
            size += len(line) + 1
            self.size -= len(line)
            words += (stream, line)
        return words


class OutputKeeper:
    """Sends what tasks print to the board, in batches. Thread-safe.

    A task that prints faster than the board takes its lines waits a little, but never for a board that takes
    none. The board is told how many lines were left out.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._buffers: dict[str, Buffer] = {}
        self._lock = threading.Lock()  # guards _buffers
        self._room = threading.Condition(self._lock)
        self._is_stuck = False  # whether a task has waited for room in vain
        self._sending = threading.Lock()  # held while lines are sent, to keep their order
        self._wake = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def add(self, token: str, line: str, stream: str, *, may_wait: bool = False) -> None:
        """Add a line that a task printed. With `may_wait`, wait for room."""
        with self._lock:
            buffer = self._buffers.setdefault(token, Buffer())
            if may_wait and buffer.is_full and not self._is_stuck:
                self._wake.set()
                self._is_stuck = not self._room.wait_for(lambda: not buffer.is_full, PATIENCE)
                buffer = self._buffers.setdefault(token, buffer)
            buffer.add(stream, line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._pass_on, name="jobs-output", daemon=True)
                self._thread.start()
        self._wake.set()

    def end(self, token: str) -> None:
        """Send the remaining lines of a task that has ended."""
        with self._sending:
            self._send(token)
        with self._lock:
            self._buffers.pop(token, None)

    def stop(self) -> None:
        """Stop sending."""
        self._stopped = True
        self._wake.set()

    def _pass_on(self) -> None:
        while self._wake.wait() and not self._stopped:
            self._wake.clear()
            with self._lock:
                tokens = list(self._buffers)
            for token in tokens:
                with self._sending:
                    self._send(token)
            if not self._is_pressed():
                time.sleep(INTERVAL)

    def _is_pressed(self) -> bool:
        """Whether the buffer of a task fills up."""
        with self._lock:
            return any(
                2 * len(buffer.lines) > WAITING or 2 * buffer.size > WAITING_SIZE
                for buffer in self._buffers.values()
            )

    def _send(self, token: str) -> None:
        """Send the lines of a task that wait by now, in order, and how many are missing.

        Lines that the server rejects are missing, too.
        """
        with self._lock:
            buffer = self._buffers.get(token)
            left = len(buffer.lines) if buffer else 0
        while buffer and (left > 0 or buffer.missing):
            with self._lock:
                words = buffer.take()
                self._room.notify_all()
            if not words:
                return
            sent = len(words) // 2 - (words[:1] == ["missing"])
            left -= sent
            if not self._call(token, words):
                buffer.missing += sent + (int(words[1]) if words[:1] == ["missing"] else 0)
                return

    def _call(self, token: str, words: list[str]) -> bool:
        """Send lines. Returns whether the board has taken them."""
        try:
            self._commands.call("JOUTPUT", token, *words)
        except JobsError:
            return False
        self._is_stuck = False
        return True
