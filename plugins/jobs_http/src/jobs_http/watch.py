"""A request under way: what its connections ask of it, and what ends it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from jobs_core import Context, SocketInterrupter, StoppedError
from jobs_http.guard import Guard


class Watch:
    """One task's request under way: where it may connect to, and the socket that it waits on."""

    def __init__(self, context: Context, guard: Guard) -> None:
        self.context = context
        self.guard = guard
        self.connection = SocketInterrupter()
        self.fresh = False
        """Whether a connection was made since the request began, rather than used again."""

    def check(self) -> None:
        """Raise StoppedError if the task was told to stop, or its time is over."""
        if self.context.stop_reason:
            raise StoppedError

    def within(self, seconds: float) -> float:
        """So many seconds, or those that remain of the task's time. Raises StoppedError if none do."""
        self.check()
        remaining = self.context.remaining
        return seconds if remaining is None else max(0.001, min(seconds, remaining))


class Here(threading.local):
    """The watch of the request that runs on this thread: its connections ask it."""

    watch: Watch | None = None


here = Here()


@contextmanager
def watching(context: Context, guard: Guard) -> Iterator[Watch]:
    """A watch, for as long as a request takes: its connection ends when the task is told to stop."""
    here.watch = watch = Watch(context, guard)
    try:
        with watch.connection, context.on_stop(watch.connection.interrupt):
            yield watch
    finally:
        here.watch = None
