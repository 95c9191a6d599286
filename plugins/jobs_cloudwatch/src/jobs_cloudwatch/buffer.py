"""A bounded buffer of unsent events. While CloudWatch is unreachable, the oldest events are dropped."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable

from jobs_cloudwatch.batch import BATCH_BYTES, BATCH_EVENTS, Line, next_batch

BUFFER_BYTES = 32 * 1_048_576

FULL = "did not fit in the buffer"
OUT_OF_TIME = "were too old or too new"


class Buffer:
    """Lines in the order they were written. If there are too many, the oldest are dropped.

    Any thread may add lines. A single thread takes them, one batch at a time, and calls `finish_batch` before
    it takes the next.
    """

    def __init__(self, events: int, size: int = BUFFER_BYTES) -> None:
        self._events = events
        self._bytes = size
        self._lines: deque[Line] = deque()
        self._size = 0
        self._in_flight = 0
        self._dropped: Counter[str] = Counter()
        self._closed = False
        self._condition = threading.Condition()

    def put(self, line: Line) -> None:
        """Add a line."""
        with self._condition:
            self._lines.append(line)
            self._size += line.size
            self._shrink()
            if len(self._lines) == 1 or self._is_busy():
                self._condition.notify()

    def wait(self, seconds: float) -> bool:
        """Wait for a line, then up to `seconds` for more. Returns False if the buffer is closed and empty."""
        with self._condition:
            self._condition.wait_for(lambda: self._lines or self._closed)
            self._condition.wait_for(lambda: self._is_busy() or self._closed, seconds)
            return bool(self._lines)

    def take(self, now: int) -> list[Line]:
        """Take the next batch, which may be empty. `now` is in epoch milliseconds."""
        with self._condition:
            batch, taken = next_batch(self._lines, now)
            for _ in range(taken):
                self._size -= self._lines.popleft().size
            self._in_flight = len(batch)
            self._drop(taken - len(batch), OUT_OF_TIME)
            return batch

    def finish_batch(self, unsent: Iterable[Line] = ()) -> None:
        """Finish the current batch. Lines in `unsent` go back to the front of the buffer."""
        with self._condition:
            self._in_flight = 0
            for line in reversed(list(unsent)):
                self._lines.appendleft(line)
                self._size += line.size
            self._shrink()

    def drop(self, count: int, reason: str) -> None:
        """Count lines of the current batch as lost."""
        with self._condition:
            self._drop(count, reason)

    def dropped(self) -> Counter[str]:
        """Return the number of unreported lost lines, by reason."""
        with self._condition:
            return self._dropped.copy()

    def mark_reported(self, dropped: Counter[str]) -> None:
        """Mark lost lines as reported."""
        with self._condition:
            self._dropped -= dropped

    def unsent(self) -> int:
        """Return how many lines are waiting, in flight, or lost and unreported."""
        with self._condition:
            return len(self._lines) + self._in_flight + self._dropped.total()

    def close(self) -> None:
        """Close the buffer. From then on, `wait` returns at once."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def _is_busy(self) -> bool:
        """Whether there is a full batch, or the buffer is half full."""
        many = len(self._lines) >= min(BATCH_EVENTS, (self._events + 1) // 2)
        return many or self._size >= min(BATCH_BYTES, self._bytes // 2)

    def _shrink(self) -> None:
        while len(self._lines) > self._events or self._size > self._bytes:
            self._size -= self._lines.popleft().size
            self._drop(1, FULL)

    def _drop(self, count: int, reason: str) -> None:
        if count:
            self._dropped[reason] += count
