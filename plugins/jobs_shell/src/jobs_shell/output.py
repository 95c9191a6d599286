"""Process output in constant memory: split it into lines and keep the tail."""

from __future__ import annotations

import codecs
from collections import deque

LONGEST = 8192
"""The maximum length of a line, in characters. Longer lines are split."""

_CONTINUATION = bytes(range(0x80, 0xC0))


class Lines:
    """Splits a stream of bytes into lines of text. Invalid UTF-8 is replaced.

    >>> lines = Lines()
    >>> lines.feed(b"one\\ntw")
    ['one']
    >>> lines.end()
    ['tw']
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""

    def feed(self, chunk: bytes) -> list[str]:
        """Return the lines that `chunk` completes."""
        return self._cut(self._decode(chunk))

    def end(self) -> list[str]:
        """Return the rest as a last line, if there is one."""
        lines = self._cut(self._decode(b"", True))
        last, self._rest = self._rest, ""
        return [*lines, last] if last else lines

    def _cut(self, text: str) -> list[str]:
        *lines, rest = (self._rest + text).split("\n")
        *full, self._rest = _pieces(rest)
        return [piece for line in lines for piece in _pieces(line.removesuffix("\r"))] + full


def _pieces(line: str) -> list[str]:
    """Split a line into pieces of at most LONGEST characters. An empty line is one piece."""
    if len(line) <= LONGEST:
        return [line]
    return [line[start : start + LONGEST] for start in range(0, len(line), LONGEST)]


class Tail:
    """Keeps the last lines of the output, up to `limit` bytes of UTF-8.

    >>> tail = Tail(limit=5)
    >>> tail.add("one"), tail.add("two")
    (None, None)
    >>> tail.text, tail.truncated
    ('e\\ntwo', True)
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lines: deque[bytes] = deque()
        self._size = -1  # bytes of the kept lines, joined by newlines
        self.truncated = False
        """Whether earlier output was dropped."""

    def add(self, line: str) -> None:
        """Add a line and drop the oldest lines beyond the limit."""
        data = line.encode()
        self._lines.append(data)
        self._size += len(data) + 1
        self.truncated = self.truncated or self._size > self._limit
        while self._lines and self._size - len(self._lines[0]) - 1 >= self._limit:
            self._size -= len(self._lines.popleft()) + 1

    @property
    def text(self) -> str:
        """The tail. A line that crosses the limit is cut between characters."""
        data = b"\n".join(self._lines)
        if len(data) > self._limit:
            data = data[len(data) - self._limit :].lstrip(_CONTINUATION)
        return data.decode()
