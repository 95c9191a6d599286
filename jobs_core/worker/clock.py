"""The clock loop: tick when something is due, and block on the board's wake key until then."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from jobs_core.engine import zones
from jobs_core.engine.commands import Commands
from jobs_core.engine.outage import Outage
from jobs_core.engine.replies import as_tick
from jobs_core.errors import FaultError, JobsError, OptionError
from jobs_core.worker.wake import PAUSE, WakeKey

LONGEST = 1.0
"""Maximum seconds that a clock sleeps. It limits the delay that a lost wake token causes."""


class Clock:
    """Moves due occurrences to their queues. Any number of clocks may run on one board, without a leader.

    Args:
        commands: The commands of the board.
        limit: How many occurrences one tick moves at most.
        outage: Where to say that the clock cannot tick, and that it can again. The default prints it.
        on_tick: Called when nothing is due any more, after ticks that succeeded. It must be quick.
    """

    def __init__(
        self,
        commands: Commands,
        *,
        limit: int = 500,
        outage: Outage | None = None,
        on_tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._commands = commands.with_timeout(patience=0)
        self.moved = 0
        """The number of tasks that this clock has moved."""
        self._limit = limit
        self._outage = outage or Outage(commands.server, print, print)
        self._on_tick = on_tick
        self._stop = threading.Event()
        self._wake = WakeKey(self._commands, commands.keys.wake)

    def run(self) -> None:
        """Tick until `stop`."""
        while not self._stop.is_set():
            try:
                self._wake.wait(self.tick_all())
                self._outage.end("clock")
            except JobsError as error:
                if isinstance(error, OptionError):  # the board has lost the table of a time zone
                    self._load_zones()
                if not self._stop.is_set():
                    self._outage.begin("clock", error)
                self._wake.close()
                self._stop.wait(PAUSE)
            except Exception:
                if not self._stop.is_set():  # the caller of `stop` may have closed the client since
                    raise
        self._wake.close()

    def _load_zones(self) -> None:
        with suppress(FaultError):
            zones.load(self._commands)

    def stop(self) -> None:
        """Make `run` return within a second."""
        self._stop.set()

    def tick_all(self) -> float:
        """Tick until nothing is due. Returns the seconds to sleep."""
        while not self._stop.is_set():
            tick = as_tick(self._commands.call("JTICK", "limit", self._limit))
            self.moved += tick.moved
            if tick.wait is None or tick.wait > 0:
                self._on_tick()
                return LONGEST if tick.wait is None else min(tick.wait, LONGEST)
        return 0.0
