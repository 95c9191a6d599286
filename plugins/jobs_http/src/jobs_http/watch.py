"""Ending requests that wait for the network when they are told to stop, or their time is over."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from jobs_core import Context
from jobs_http.errors import Stopped
from jobs_http.guard import Guard

TICK = 0.05
"""Seconds between looks at `context.cancelled`."""

IDLE = 5.0
"""Seconds without any request after which the watcher sleeps until there is one."""


class Watch:
    """One task's request under way: what it may connect to, and the socket that ends it.

    The socket is kept as a duplicate: to shut it down wakes whoever waits for it, also inside of TLS, and no
    other connection can have its number by then.
    """

    def __init__(self, context: Context, guard: Guard) -> None:
        self.guard = guard
        self.fresh = False
        """Whether a connection was made since `begin`, rather than used again."""
        self._context = context
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._stopped = ""

    def begin(self) -> None:
        """A request is about to be sent."""
        self.fresh = False

    def hold(self, sock: socket.socket) -> None:
        """From now on, this is the socket to shut down."""
        with self._lock:
            self._let_go()
            self._socket = socket.fromfd(sock.fileno(), sock.family, sock.type)
            if self._stopped:
                self._shut_down()

    def look(self) -> None:
        """Stop the request if it is time to. For the watcher."""
        reason = "cancelled" if self._context.cancelled.is_set() else ""
        if not reason and self._context.remaining == 0:
            reason = "timeout"
        if reason and not self._stopped:
            with self._lock:
                self._stopped = reason
                self._shut_down()

    def check(self) -> None:
        """Raises Stopped if the request was, or should be, told to stop. For the thread it runs on."""
        self.look()
        if self._stopped:
            raise Stopped(self._stopped)

    @property
    def stopped(self) -> str:
        """Why it was stopped: `cancelled` or `timeout`; empty if it was not."""
        return self._stopped

    def within(self, seconds: float) -> float:
        """So many seconds, or those that remain of the task's time. Raises Stopped if none do."""
        self.check()
        remaining = self._context.remaining
        return seconds if remaining is None else max(0.001, min(seconds, remaining))

    def close(self) -> None:
        """It has ended."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


class Here(threading.local):
    """The watch of the request that runs on this thread: its connections ask it."""

    watch: Watch | None = None


here = Here()


class Watcher:
    """One thread that looks at all requests under way; it begins with the first, and sleeps without any."""

    def __init__(self) -> None:
        self._watches: set[Watch] = set()
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._asleep = False

    @contextmanager
    def watching(self, context: Context, guard: Guard) -> Iterator[Watch]:
        """A watch, for as long as a request takes."""
        watch = Watch(context, guard)
        self._add(watch)
        here.watch = watch
        try:
            yield watch
        finally:
            here.watch = None
            with self._news:
                self._watches.discard(watch)
            watch.close()

    def _add(self, watch: Watch) -> None:
        with self._news:
            self._watches.add(watch)
            if self._thread is None or not self._thread.is_alive():  # it may be that of a parent process
                self._thread = threading.Thread(target=self._run, name="jobs-http-watcher", daemon=True)
                self._thread.start()
            elif self._asleep:
                self._news.notify()

    def _run(self) -> None:
        busy = time.monotonic()
        while True:
            with self._news:
                if not self._watches and time.monotonic() - busy > IDLE:
                    self._asleep = True
                    self._news.wait_for(lambda: bool(self._watches))
                    self._asleep = False
                watches = list(self._watches)
            if watches:
                busy = time.monotonic()
            for watch in watches:
                watch.look()
            time.sleep(TICK)


watcher = Watcher()
