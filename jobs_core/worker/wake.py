"""Waiting on the lists of a board: for something due, for tasks, for a task to cancel. Nothing polls."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable
from typing import Any

import redis

from jobs_core.engine.commands import Commands, translated
from jobs_core.errors import FaultError

PAUSE = 0.5
"""Seconds between tries while Redis is out of reach or refuses."""


class WakeKey:
    """Waits for a token on a wake key, or for a time, whichever comes first.

    Redis ends a BLPOP that times out only at its next cron (up to 100 ms late), so one BLPOP without a
    timeout stays open on a connection of its own, and the time is kept here.
    """

    def __init__(self, client: redis.Redis, *keys: str) -> None:
        self._pool = client.connection_pool
        self._keys = keys
        self._connection: Any = None

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds`. Returns whether a token came. Raises ServerError."""
        if seconds <= 0:
            return False
        deadline = time.monotonic() + seconds
        with translated():
            if self._connection is None:
                self._connection = self._pool.make_connection()
                self._connection.send_command("BLPOP", *self._keys, 0)
            if not self._connection.can_read(timeout=max(0.0, deadline - time.monotonic())):
                return False
            try:
                self._connection.read_response()
            except BaseException:
                self.close()
                raise
            self._connection.send_command("BLPOP", *self._keys, 0)
        return True

    def close(self) -> None:
        """Give up waiting and close the connection."""
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None


class Waker:
    """Blocks on the wake keys of the queues while it is armed, and puts True in the inbox when one wakes.

    A token is taken only while there is room for a task, so that it never wakes a worker in vain while
    another sleeps.
    """

    PATIENCE = 5.0  # seconds: bounds what a token that died with its worker can cost

    def __init__(self, commands: Commands, queues: Iterable[str], inbox: queue.SimpleQueue[Any]) -> None:
        self._client = commands.client
        self._keys = [commands.keys.wake_queue(name) for name in queues]
        self._inbox = inbox
        self._armed = threading.Event()
        self._stopped = False

    def arm(self) -> None:
        """Wake the inbox once, when a queue has tasks, or after some seconds to be sure."""
        self._armed.set()

    def stop(self) -> None:
        """Let `run` return; a token that still comes is passed on."""
        self._stopped = True
        self._armed.set()

    def run(self) -> None:
        """Wait whenever armed, until `stop`."""
        while self._armed.wait() and not self._stopped:
            try:
                with translated():
                    token = self._client.blpop(self._keys, timeout=self.PATIENCE)
                    if token and self._stopped:
                        self._client.rpush(*token)
            except FaultError:
                time.sleep(PAUSE)
            except Exception:
                if not self._stopped:  # whoever stopped this may have closed the client since
                    raise
            self._armed.clear()
            self._inbox.put(True)


class Listener:
    """Waits for tokens on a worker's own list: JCANCEL says there what to stop. Puts them in the inbox."""

    PATIENCE = 5.0  # seconds: bounds how long the connection of a stopped worker stays

    def __init__(self, commands: Commands, worker: str, inbox: queue.SimpleQueue[Any]) -> None:
        self._client = commands.client
        self._key = commands.keys.inbox(worker)
        self._inbox = inbox
        self._stopped = False

    def stop(self) -> None:
        """Let `run` return, within some seconds."""
        self._stopped = True

    def run(self) -> None:
        """Wait until `stop`."""
        while not self._stopped:
            try:
                with translated():
                    message = self._client.blpop([self._key], timeout=self.PATIENCE)
                if message:
                    self._inbox.put(message[1])
            except FaultError:
                time.sleep(PAUSE)
            except Exception:
                if not self._stopped:  # as above
                    raise
