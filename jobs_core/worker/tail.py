"""The end of what a run prints, which its report takes to the board."""

from __future__ import annotations

import threading
from collections import deque

from jobs_core.text import CUT, last_bytes, writable

MOST = 4096
"""Bytes that a report takes along at most. The board may keep less."""


LONGEST = MOST // 2
"""Bytes of a line that are kept at most: its end. So there is always room for a whole line."""


class Tail:
    """The last lines that a run printed, up to `MOST` characters. Thread-safe.

    Args:
        attempt: The number of the attempt.

    >>> tail = Tail(1)
    >>> tail.add("no such file", "stderr")
    >>> tail.text()
    'a1\\neno such file'
    """

    def __init__(self, attempt: int) -> None:
        self._attempt = attempt
        self._lines: deque[str] | None = None  # most tasks print nothing
        self._size = 0
        self._is_cut = False
        self._lock = threading.Lock()

    def add(self, line: str, stream: str) -> None:
        """Add a line. The oldest lines make room for it."""
        if len(line) > LONGEST // 4:  # a character has up to four bytes
            line = last_bytes(writable(line[-LONGEST - 1 :]), LONGEST)
        kept = ("e" if stream == "stderr" else "o") + line.replace("\n", " ")
        with self._lock:
            if self._lines is None:
                self._lines = deque()
            self._lines.append(kept)
            self._size += len(kept) + 1
            while len(self._lines) > 1 and self._size > MOST:
                self._size -= len(self._lines.popleft()) + 1
                self._is_cut = True

    def text(self) -> str:
        """Return the lines as JACK takes them, or an empty string if there are none."""
        with self._lock:
            if not self._lines:
                return ""
            lines = "\n".join((CUT, *self._lines) if self._is_cut else self._lines)
        head = f"a{self._attempt}\n"
        return head + last_bytes(writable(lines), MOST - len(head))
