"""A bounded queue of events, and the thread that writes them. A stuck logger holds up nothing but itself."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from jobs_core.contract import LOG_THREAD
from jobs_core.types import Event

MANY, LARGE = 10_000, 8 * 1024 * 1024
"""Maximum events and characters that wait for a logger."""

RESERVED = 1_000
"""Events for which lines of output leave room."""

PATIENCE = 1.0
"""Seconds that a line of output waits for room, before it is left out."""

STUCK = 1.0
"""Seconds in which a logger that works writes an event."""


class LogQueue:
    """Passes events to one logger, in order, on a thread of its own.

    Args:
        name: The logger's name.
        write: Writes an event. It must not raise.
        close: Closes the logger, after the last event. It must not raise.
        left_out: Makes the event that says how many were left out.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Event], None],
        close: Callable[[], None],
        left_out: Callable[[int], Event],
    ) -> None:
        self.name = name
        self._write = write
        self._close = close
        self._left_out = left_out
        self._events: deque[Event] = deque()
        self._size = 0
        self._missing = 0  # events left out after the newest one that waits
        self._changed = threading.Condition()
        self._is_stuck = False  # whether a line has waited for room in vain
        self._is_closing = False
        self._is_flushing = False
        self._written = 0
        self._thread = threading.Thread(target=self._run, name=f"{LOG_THREAD}{name}", daemon=True)

    def start(self) -> None:
        """Start to write."""
        self._thread.start()

    def put(self, event: Event, *, may_wait: bool = False) -> None:
        """Add an event, or leave it out if the queue is full. With `may_wait`, wait a little for room."""
        is_line = event.kind == "task.line"
        with self._changed:
            if may_wait and not self._has_room(is_line) and not self._is_stuck:
                self._is_stuck = not self._changed.wait_for(lambda: self._has_room(is_line), PATIENCE)
            if not self._has_room(is_line):
                self._missing += 1
                return
            if self._missing:
                self._events.append(self._left_out(self._missing))
                self._missing = 0
            self._events.append(event)
            self._size += _size_of(event)
            self._changed.notify_all()

    def end(self) -> None:
        """Write what waits, then close the logger."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()

    def join(self, seconds: float) -> int:
        """Wait until the logger is closed. Returns how many events are not written.

        Waits at most this many seconds, and less for a logger that writes nothing meanwhile.
        """
        deadline = time.monotonic() + seconds
        while self._thread.is_alive() and (left := deadline - time.monotonic()) > 0:
            written = self._written
            self._thread.join(min(STUCK, left))
            if self._written == written and not self._is_flushing:
                break
        with self._changed:
            return len(self._events) + self._missing + self._thread.is_alive()

    def _has_room(self, is_line: bool) -> bool:
        most = MANY - RESERVED if is_line else MANY
        return len(self._events) < most and self._size < LARGE

    def _run(self) -> None:
        while (event := self._next()) is not None:
            self._write(event)
            self._written += 1
            self._is_stuck = False
        self._is_flushing = True
        self._close()

    def _next(self) -> Event | None:
        """Wait for an event and remove it from the queue. Returns None at the end."""
        with self._changed:
            while not self._events:
                if self._missing:
                    missing, self._missing = self._missing, 0
                    return self._left_out(missing)
                if self._is_closing:
                    return None
                self._changed.wait()
            event = self._events.popleft()
            self._size -= _size_of(event)
            if len(self._events) % 100 == 0:  # waking a waiting task at each event would cost too much
                self._changed.notify_all()
            return event


def _size_of(event: Event) -> int:
    return len(event.data.get("line", ""))
