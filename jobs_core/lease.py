"""A worker's hold on a task, as far as the worker can prove it."""

from __future__ import annotations

import time
from collections.abc import Callable

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def lease_clock() -> float:
    """Return the seconds of a clock that never goes back, and that goes on while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


class Lease:
    """A lease that ends at a certain time unless it is renewed.

    Redis counts from when it received the request. The worker counts from when it sent the request, so its
    lease never ends after the one in Redis. All times are in seconds of `lease_clock`.

    Args:
        seconds: How long the lease holds without a renewal.
        sent: When the request that Redis has confirmed was sent.
    """

    __slots__ = ("_callbacks", "seconds", "sent")

    def __init__(self, seconds: float, sent: float) -> None:
        self.seconds = seconds
        self.sent = sent
        self._callbacks: list[Callable[[Lease], None]] = []

    @property
    def stop_at(self) -> float:
        """When to tell the runner to stop: a quarter of the lease before it ends, 10 seconds at most."""
        return self.sent + self.seconds - min(self.seconds / 4, 10.0)

    @property
    def kill_at(self) -> float:
        """When to kill a process that runs the task: just before the lease ends in Redis."""
        return self.sent + self.seconds - min(self.seconds / 20, 1.0)

    @property
    def is_overdue(self) -> bool:
        """Whether the runner should have stopped, because the worker could not renew the lease."""
        return lease_clock() >= self.stop_at

    @property
    def outlives_worker(self) -> bool:
        """Whether the work goes on outside of the worker, and somebody else ends it with the lease."""
        return bool(self._callbacks)

    def renew(self, sent: float) -> None:
        """Note that Redis has confirmed a renewal sent at this time."""
        self.sent = max(self.sent, sent)
        for callback in tuple(self._callbacks):
            callback(self)

    def on_renew(self, callback: Callable[[Lease], None]) -> LeaseCallback:
        """Call `callback` after each renewal during the `with` block, on the thread that renews.

        A runner whose work goes on outside of the worker uses this to tell whoever would end it.
        """
        return LeaseCallback(self._callbacks, callback)


class LeaseCallback:
    """A callback registered with `Lease.on_renew` for the duration of a `with` block."""

    def __init__(self, callbacks: list[Callable[[Lease], None]], callback: Callable[[Lease], None]) -> None:
        self._callbacks = callbacks
        self._callback = callback

    def __enter__(self) -> None:
        self._callbacks.append(self._callback)

    def __exit__(self, *_: object) -> None:
        self._callbacks.remove(self._callback)
