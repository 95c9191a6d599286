"""Noticing that files change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

INTERVAL = 0.5
"""Seconds between two looks."""


def changes(files: Callable[[], Iterable[Path]]) -> Iterator[None]:
    """Yield whenever one of the files has changed, and has been left alone since the look before."""
    seen = _state(files())
    while True:
        time.sleep(INTERVAL)
        now = _state(files())
        if now != seen and now == _settled(files):
            seen = now
            yield


def _settled(files: Callable[[], Iterable[Path]]) -> dict[Path, tuple[int, int]]:
    """The state a moment later: an editor may still be writing."""
    time.sleep(INTERVAL / 5)
    return _state(files())


def _state(files: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    found = {}
    for path in files:
        try:
            status = path.stat()
        except OSError:
            continue
        found[path] = (status.st_mtime_ns, status.st_size)
    return found
