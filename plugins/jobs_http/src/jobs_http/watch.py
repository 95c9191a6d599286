"""The running request of a thread, which its connections consult and which a stop interrupts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from jobs_core import Context, SocketInterrupter, StoppedError
from jobs_http.guard import Guard


class Watch:
    """The running request of a task: its address guard and the socket that it waits on."""

    def __init__(self, context: Context, guard: Guard) -> None:
        self.context = context
        self.guard = guard
        self.connection = SocketInterrupter()
        self.fresh = False
        """Whether this request opened a new connection instead of reusing one."""

    def check(self) -> None:
        """Raise StoppedError if the task was told to stop or has timed out."""
        if self.context.stop_reason:
            raise StoppedError

    def within(self, seconds: float) -> float:
        """Return `seconds`, limited to the task's remaining seconds. Raises StoppedError if none remain."""
        self.check()
        remaining = self.context.remaining
        return seconds if remaining is None else max(0.001, min(seconds, remaining))


class CurrentRequest(threading.local):
    """The watch of the request that runs on this thread, for its connections."""

    watch: Watch | None = None


current_request = CurrentRequest()


@contextmanager
def watching(context: Context, guard: Guard) -> Iterator[Watch]:
    """Watch a request during the `with` block. A stop of the task shuts down its connection."""
    current_request.watch = watch = Watch(context, guard)
    try:
        with watch.connection, context.on_stop(watch.connection.interrupt):
            yield watch
    finally:
        current_request.watch = None
