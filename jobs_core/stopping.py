"""Stopping what a runner waits for, from the thread that tells its task to stop."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from jobs_core.text import described


class StoppedError(Exception):
    """The task was told to stop. A runner that lets it pass is reported as cancelled, or as timed out."""


class StopCallback:
    """A callback that `Context.on_stop` registers, for as long as a `with` block takes.

    It is called at most once. Leaving the block waits for a call under way, so that none comes later.
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
        self._lock = threading.RLock()  # a callback may run on the thread of its block

    def __enter__(self) -> None:
        self._callbacks.append(self)
        if self._is_stopped():  # after it was added: whoever stops the task in between calls it, too
            self.call()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._callback = None
        self._callbacks.remove(self)

    def call(self) -> None:
        """Call it, unless that was done or its block has ended."""
        with self._lock:
            callback, self._callback = self._callback, None
            if callback is None:
                return
            try:
                callback()
            except (Exception, SystemExit) as error:
                if self._trouble is None:
                    raise
                self._trouble(f"a callback of on_stop failed: {described(error)}")


class SocketInterrupter:
    """Ends the connection that a thread waits on, from another thread.

    It holds one socket at a time, as a duplicate. Shutting that down wakes whoever waits on the original,
    also inside TLS, and no other connection can have its number by then.

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
        """Hold this socket from now on. After `interrupt`, shut it down at once."""
        with self._lock:
            self._release()
            self._socket = socket.fromfd(sock.fileno(), sock.family, sock.type)
            if self.is_interrupted:
                self._shut_down()

    def interrupt(self) -> None:
        """Shut down the socket, and every one that is held later."""
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
