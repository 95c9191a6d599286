"""Interrupting a runner that blocks, from the thread that stops its task."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from jobs_core.text import described


class StoppedError(Exception):
    """The task was told to stop. If a runner does not catch it, the task is cancelled or timed out."""


class StopCallback:
    """A callback registered with `Context.on_stop` for the duration of a `with` block.

    It runs at most once. Leaving the block waits for a running callback, so it never runs later.
    """

    def __init__(
        self,
        callback: Callable[[], object],
        callbacks: list[StopCallback],
        is_stopped: Callable[[], object],
        trouble: Callable[[str], None] | None,
    ) -> None:
        self._callback: Callable[[], object] | None = callback
        self._callbacks = callbacks
        self._is_stopped = is_stopped
        self._trouble = trouble
        self._lock = threading.RLock()  # the callback may run on the block's own thread

    def __enter__(self) -> None:
        self._callbacks.append(self)
        if self._is_stopped():  # check after adding, so that no stop is missed
            self.call()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._callback = None
        self._callbacks.remove(self)

    def call(self) -> None:
        """Call the callback, unless it has run already or its block has ended."""
        with self._lock:
            callback, self._callback = self._callback, None
            if callback is None:
                return
            try:
                callback()
            except (Exception, SystemExit) as error:
                if self._trouble is None:
                    raise
                self._trouble(f"an on_stop callback failed: {described(error)}")


class SocketInterrupter:
    """Shuts down the connection that a thread waits on, from another thread.

    It holds a duplicate of one socket at a time. Shutting down the duplicate wakes the thread that waits on
    the original, even inside TLS. The duplicate also keeps the file descriptor from being reused.

    >>> with SocketInterrupter() as interrupter, context.on_stop(interrupter.interrupt):
    ...     interrupter.hold(sock)
    ...     sock.recv(1)            # returns at once when the task is told to stop
    """

    def __init__(self) -> None:
        self.is_interrupted = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> SocketInterrupter:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._release()

    def hold(self, sock: socket.socket) -> None:
        """Hold this socket instead of the previous one. After `interrupt`, shut it down immediately."""
        with self._lock:
            self._release()
            self._socket = socket.fromfd(sock.fileno(), sock.family, sock.type)
            if self.is_interrupted:
                self._shut_down()

    def interrupt(self) -> None:
        """Shut down the current socket and every socket held later."""
        with self._lock:
            self.is_interrupted = True
            self._shut_down()

    def _release(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
