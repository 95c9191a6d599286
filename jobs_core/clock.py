"""The clock loop: tick when something is due, and sleep on the board's wake key until then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from jobs_core.board import Board
from jobs_core.commands import translated
from jobs_core.errors import FaultError

LONGEST = 1.0
"""Seconds a clock sleeps at most: it bounds what one lost wake token can cost, and is cheap."""

PAUSE = 0.5
"""Seconds between tries while Redis is out of reach or refuses."""


class Clock:
    """Moves due occurrences to their queues. Any number of clocks may run on one board; none is a leader.

    `trouble` is told, once each time it begins, what keeps the clock from ticking.
    """

    def __init__(self, board: Board, *, limit: int = 500, trouble: Callable[[str], None] = print) -> None:
        self.board = board
        self.moved = 0
        """How many tasks this clock has moved."""
        self._limit = limit
        self._trouble = trouble
        self._stop = threading.Event()
        self._wake = WakeKey(board, board.keys.wake)

    def run(self) -> None:
        """Tick until `stop`."""
        troubled = False
        while not self._stop.is_set():
            try:
                self._wake.wait(self.tick_all())
                troubled = False
            except FaultError as error:
                if not troubled and not self._stop.is_set():
                    self._trouble(str(error))
                troubled = True
                self._wake.close()
                self._stop.wait(PAUSE)
        self._wake.close()

    def stop(self) -> None:
        """Let `run` return, within a second."""
        self._stop.set()

    def tick_all(self) -> float:
        """Tick until nothing is due. Returns how many seconds to sleep."""
        while not self._stop.is_set():
            tick = self.board.tick(self._limit)
            self.moved += tick.moved
            if tick.wait is None or tick.wait > 0:
                return LONGEST if tick.wait is None else min(tick.wait, LONGEST)
        return 0.0


class WakeKey:
    """Waits for a token on a wake key, or for a time, whichever comes first.

    Redis ends a BLPOP that times out only at its next cron (up to 100 ms late), so one BLPOP without a
    timeout stays open on a connection of its own, and the time is kept here.
    """

    def __init__(self, board: Board, *keys: str) -> None:
        self._pool = board.client.connection_pool
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
