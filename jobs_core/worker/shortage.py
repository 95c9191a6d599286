"""What a worker does when files, processes or memory are short: take fewer tasks, and say so once."""

from __future__ import annotations

import time
from collections.abc import Callable

RECOVERY = 10.0
"""Seconds after which a worker tries to hold a few more tasks."""

GROWTH = 1.25
"""How many times as many."""

FILES_EACH, FILES_OWN = 8, 100
"""Files that a task may have open, and those of the worker itself."""

MOST_FILES = 1024 * 1024
"""The limit to set where the system has none, or accepts no higher one."""


class Shortage:
    """How many tasks a worker holds at once: as many as could start, then gradually more again.

    Args:
        concurrency: How many it may hold.
        trouble: Called with a sentence once per shortage.
    """

    def __init__(self, concurrency: int, trouble: Callable[[str], None]) -> None:
        self._concurrency = concurrency
        self._trouble = trouble
        self._capacity = concurrency
        self._grow_at = 0.0

    def begin(self, reason: str, running: int, now: float | None = None) -> None:
        """Note that a task could not start while `running` others did."""
        capacity = max(1, min(self._capacity, running))
        if self._capacity == self._concurrency:
            self._trouble(
                f"a task could not start, and was returned to its queue: {reason}. This worker takes fewer "
                "tasks for a while. Raise its limits, or lower the concurrency."
            )
        self._capacity = capacity
        self._grow_at = (time.monotonic() if now is None else now) + RECOVERY

    def capacity(self, now: float | None = None) -> int:
        """Return how many tasks to hold at once."""
        if self._capacity < self._concurrency:
            now = time.monotonic() if now is None else now
            if now >= self._grow_at:
                self._capacity = min(self._concurrency, int(self._capacity * GROWTH) + 1)
                self._grow_at = now + RECOVERY
        return self._capacity


def raise_file_limit(concurrency: int) -> str:
    """Raise the limit on open files as far as the system allows. Returns a warning if that may be too low."""
    try:
        import resource
    except ImportError:  # a system without such limits
        return ""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        except (OSError, ValueError):  # the system allows less than it says
            most = soft
    needed = FILES_EACH * concurrency + FILES_OWN
    if soft == resource.RLIM_INFINITY or most >= needed:
        return ""
    return (
        f"a concurrency of {concurrency} may need {needed} open files, but this process may open {most}. "
        "Raise the limit (ulimit -n, LimitNOFILE=), or lower the concurrency."
    )
