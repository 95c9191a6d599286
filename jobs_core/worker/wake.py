"""Block on the lists of boards for wake tokens, tasks and cancellations, instead of polling."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jobs_core.engine.commands import Commands, translated
from jobs_core.engine.timeouts import for_blocking
from jobs_core.errors import FaultError

PAUSE = 0.5
"""Seconds between tries while Redis cannot be reached or rejects commands."""


class WakeKey:
    """Waits for a token on one of several wake keys, up to a timeout.

    Redis ends a BLPOP up to 100 ms after its timeout. So a BLPOP without a timeout stays open on a separate
    connection, and this class measures the time.
    """

    def __init__(self, commands: Commands, *keys: str) -> None:
        self._server = commands.server
        self._connection: Any = commands.client.connection_pool.make_connection()
        self._keys = keys
        self._is_waiting = False  # whether a BLPOP is open

    def wait(self, seconds: float) -> str | None:
        """Wait up to `seconds` for a token. Returns the key that it was on. Raises ServerError."""
        if seconds <= 0:
            return None
        deadline = time.monotonic() + seconds
        with translated(self._server):
            if not self._is_waiting:
                self._connection.send_command("BLPOP", *self._keys, 0)  # connects, too
                self._is_waiting = True
            if not self._connection.can_read(timeout=max(0.0, deadline - time.monotonic())):
                return None
            try:
                key, _ = self._connection.read_response()
            except BaseException:
                self.close()
                raise
            self._connection.send_command("BLPOP", *self._keys, 0)
        return str(key)

    def close(self) -> None:
        """Stop waiting, and close the connection. The next wait resolves the address of Redis again."""
        self._is_waiting = False
        self._connection.disconnect()


class Waker:
    """Blocks on the wake keys of queues while it is armed, and tells which of them has tasks.

    It takes a token only while the worker has room for a task. A busy worker must not take a token that
    would wake an idle one.

    Args:
        commands: The commands of one of the boards. The others are on the same server.
        keys: The wake keys.
        has_room: Whether the worker has room for a task. It is called on the thread of the waker.
        wake: Called with the keys to look at: the one with a token, or all of them after a while.
    """

    PATIENCE = 5.0  # seconds: limits the delay that a token lost with its worker causes

    def __init__(
        self,
        commands: Commands,
        keys: Iterable[str],
        has_room: Callable[[], bool],
        wake: Callable[[Sequence[str]], None],
    ) -> None:
        self._server = commands.server
        self._client = for_blocking(commands.client)
        self._keys = list(keys)
        self._has_room = has_room
        self._wake = wake
        self._armed = threading.Event()
        self._stopped = False

    @property
    def is_armed(self) -> bool:
        """Whether it blocks."""
        return self._armed.is_set()

    def arm(self) -> None:
        """Tell once when a queue has tasks, or after `PATIENCE` seconds at the latest."""
        self._armed.set()

    def stop(self) -> None:
        """Make `run` return. A token that still arrives is pushed back for another worker."""
        self._stopped = True
        self._armed.set()

    def run(self) -> None:
        """Wait for tokens while armed, until `stop`."""
        while self._armed.wait() and not self._stopped:
            woken: Sequence[str] = self._keys
            try:
                with translated(self._server):
                    token = self._client.blpop(self._keys, timeout=self.PATIENCE)
                    if token:
                        woken = [str(token[0])]
                    if token and (self._stopped or not self._has_room()):
                        self._client.rpush(*token)
            except FaultError:
                self._client.connection_pool.disconnect()  # Redis may be elsewhere now
                time.sleep(PAUSE)
            except Exception:
                if not self._stopped:  # after a stop, the client may have been closed
                    raise
            self._armed.clear()
            self._wake(woken)
        self._client.close()


class Listener:
    """Waits for tokens on lists of the worker, where JCANCEL pushes them.

    Args:
        commands: The commands of one of the boards. The others are on the same server.
        keys: The worker's list on each board.
        cancel: Called with the list and the token.
    """

    PATIENCE = 5.0  # seconds: limits how long the connection of a stopped worker stays open

    def __init__(self, commands: Commands, keys: Iterable[str], cancel: Callable[[str, str], None]) -> None:
        self._server = commands.server
        self._client = for_blocking(commands.client)
        self._keys = list(keys)
        self._cancel = cancel
        self._stopped = False

    def stop(self) -> None:
        """Make `run` return within `PATIENCE` seconds."""
        self._stopped = True

    def run(self) -> None:
        """Wait for tokens until `stop`."""
        while not self._stopped:
            try:
                with translated(self._server):
                    message = self._client.blpop(self._keys, timeout=self.PATIENCE)
                if message:
                    self._cancel(*message)
            except FaultError:
                self._client.connection_pool.disconnect()  # Redis may be elsewhere now
                time.sleep(PAUSE)
            except Exception:
                if not self._stopped:  # after a stop, the client may have been closed
                    raise
        self._client.close()
