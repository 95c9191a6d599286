"""Glob patterns such as `backup-*`, matched like Redis matches them."""

from __future__ import annotations

import re
from collections.abc import Callable

from jobs_core.text import as_bytes


def matcher(pattern: str | None) -> Callable[[str], bool]:
    """Return a function that tests whether an id matches, by the rules of MATCH in HSCAN.

    The pattern None matches every id.

    >>> list(filter(matcher("backup-[ab]"), ["backup-a", "backup-c"]))
    ['backup-a']
    """
    if pattern is None:
        return lambda id: True
    found = re.compile(_as_regex(as_bytes(pattern)), re.DOTALL)  # `?` matches one byte
    return lambda id: found.fullmatch(as_bytes(id)) is not None


def _as_regex(pattern: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    while at < len(pattern):
        char = pattern[at : at + 1]
        at += 1
        if char == b"*":
            if parts[-1:] != [b".*"]:
                parts.append(b".*")
        elif char == b"?":
            parts.append(b".")
        elif char == b"[":
            part, at = _class(pattern, at)
            parts.append(part)
        else:
            if char == b"\\" and at < len(pattern):
                char = pattern[at : at + 1]
                at += 1
            parts.append(re.escape(char))
    return b"".join(parts)


def _class(pattern: bytes, at: int) -> tuple[bytes, int]:
    """Parse the class after a `[`. Returns its regular expression, and the index after it."""
    negated = pattern[at : at + 1] == b"^"
    at += negated
    meant: set[int] = set()
    while at < len(pattern) and pattern[at : at + 1] != b"]":
        if pattern[at : at + 1] == b"\\" and at + 1 < len(pattern):
            meant.add(pattern[at + 1])
            at += 2
        elif pattern[at + 1 : at + 2] == b"-" and at + 2 < len(pattern):
            first, last = sorted((pattern[at], pattern[at + 2]))
            meant.update(range(first, last + 1))
            at += 3
        else:
            meant.add(pattern[at])
            at += 1
    if negated:
        meant = set(range(256)) - meant
    members = b"".join(b"\\x%02x" % byte for byte in sorted(meant))
    return (b"[%b]" % members if members else b"(?!)"), at + 1
