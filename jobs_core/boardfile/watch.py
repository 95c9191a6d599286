"""Detect changes of files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

INTERVAL = 0.5
"""Seconds between two checks."""


def changes(files: Callable[[], Iterable[Path]]) -> Iterator[None]:
    """Yield whenever a file has changed and nothing is writing to it any more."""
    known = _state(files())
    while True:
        time.sleep(INTERVAL)
        now = _state(files())
        if now != known and now == _state_after_pause(files):
            known = now
            yield


def _state_after_pause(files: Callable[[], Iterable[Path]]) -> dict[Path, tuple[int, int]]:
    """Return the state a moment later, since an editor may still be writing."""
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
