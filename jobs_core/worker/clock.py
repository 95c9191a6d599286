"""The clock loop: tick the boards on which something is due, and block on their wake keys until then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from jobs_core.engine import zones
from jobs_core.engine.commands import Call, Commands
from jobs_core.engine.outage import Outage, concerns_server
from jobs_core.engine.replies import as_tick
from jobs_core.engine.together import call_together
from jobs_core.errors import FaultError, JobsError, OptionError
from jobs_core.worker.wake import PAUSE, WakeKey

LONGEST = 1.0
"""Maximum seconds that a clock sleeps. It limits the delay that a lost wake token causes."""

LONGEST_OF_MANY = 3.0
"""The same for a clock of many boards. Above 5 seconds, the time between two ticks would be an outage."""

RATE = 30
"""Boards that a clock ticks in a second at most if nothing is due on them, unless it has to wait too long."""

TOGETHER = 10
"""Boards to tick in one round trip: Redis serves nobody else meanwhile."""


class Clock:
    """Moves due occurrences to their queues. Any number of clocks may run on one board, without a leader.

    Args:
        boards: The commands of the boards. They must share connections: see `Commands.for_board`.
        limit: How many occurrences one tick moves at most.
        outage: Where to say that the clock cannot tick, and that it can again. The default prints it.
        board_outages: The same for trouble of one board among several. The default prints it, too.
        deliver: For each board, if it is a partition: called with the partitions for which it has messages.
        on_tick: Called when nothing is due any more, after ticks that succeeded. It must be quick.
    """

    def __init__(
        self,
        boards: Sequence[Commands],
        *,
        limit: int = 500,
        outage: Outage | None = None,
        board_outages: Iterable[Outage] = (),
        deliver: Sequence[Callable[[Sequence[int]], None]] = (),
        on_tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._commands = boards[0].with_timeout(patience=0)
        others = [self._commands.for_board(one) for one in boards[1:]]
        self._boards = [self._commands, *others]
        self._deliver = dict(zip(self._boards, deliver, strict=False))
        self._due = dict.fromkeys(self._boards, 0.0)  # when to tick each, in monotonic seconds
        self._call: Call = ("JTICK", ("limit", limit))
        self._longest = min(LONGEST_OF_MANY, max(LONGEST, len(boards) / RATE))
        self.moved = 0
        """The number of tasks that this clock has moved."""
        self._outage = outage or Outage(self._commands.server, print, print)
        found = list(board_outages) or [
            Outage(f"the board {one.keys.board!r}", print, print) for one in self._boards
        ]
        self._board_outages = dict(zip(self._boards, found, strict=True))
        self._failing: set[Commands] = set()
        self._on_tick = on_tick
        self._stop = threading.Event()
        self._wake = WakeKey(self._commands, *(one.keys.wake for one in self._boards))
        self._by_key = {one.keys.wake: one for one in self._boards}

    def run(self) -> None:
        """Tick until `stop`."""
        while not self._stop.is_set():
            try:
                self._wait(self.tick_all())
                self._outage.end("clock")
            except JobsError as error:
                if not self._stop.is_set():
                    self._outage.begin("clock", error)
                self._wake.close()
                self._stop.wait(PAUSE)
            except Exception:
                if not self._stop.is_set():  # the caller of `stop` may have closed the client since
                    raise
        self._wake.close()

    def stop(self) -> None:
        """Make `run` return within a few seconds."""
        self._stop.set()

    def tick_all(self) -> float:
        """Tick the boards that are due until none is. Returns the seconds to sleep.

        Raises the error of the tick if Redis is the cause, or if there is only one board.
        """
        has_ticked = False
        while not self._stop.is_set():
            now = time.monotonic()
            ready = [one for one, due in self._due.items() if due <= now]
            if not ready:
                if has_ticked and not self._failing:
                    self._on_tick()
                return min(self._due.values()) - now
            for start in range(0, len(ready), TOGETHER):
                self._tick(ready[start : start + TOGETHER])
            has_ticked = True
        return 0.0

    def _wait(self, seconds: float) -> None:
        if key := self._wake.wait(seconds):
            self._due[self._by_key[key]] = 0.0

    def _tick(self, boards: Sequence[Commands]) -> None:
        replies = call_together(self._commands, [(one, self._call) for one in boards])
        for one, reply in zip(boards, replies, strict=True):
            try:
                tick = as_tick(one.complete(self._call, reply))
            except JobsError as error:
                self._handle_error(one, error)
                continue
            if tick.targets:
                self._deliver_messages(one, tick.targets)
            else:  # others may have delivered what this clock could not
                self._board_outages[one].end("delivery")
            if one in self._failing:
                self._failing.discard(one)
                self._board_outages[one].end("clock")
            self.moved += tick.moved
            wait = self._longest if tick.wait is None else min(tick.wait, self._longest)
            self._due[one] = time.monotonic() + wait if wait > 0 else 0.0

    def _deliver_messages(self, board: Commands, targets: Sequence[int]) -> None:
        """Take the messages of a partition to others. The next tick does that for those that are away."""
        try:
            self._deliver[board](targets)
        except JobsError as error:
            self._board_outages[board].begin("delivery", error)
        else:
            self._board_outages[board].end("delivery")
            self._due[board] = 0.0

    def _handle_error(self, board: Commands, error: JobsError) -> None:
        """Let a board that cannot tick wait, and say so. Raises the error if it concerns all boards."""
        if isinstance(error, OptionError):  # the board has lost the table of a time zone
            with suppress(FaultError):
                zones.load(board)
        if len(self._boards) == 1 or concerns_server(error):
            raise error
        self._due[board] = time.monotonic() + PAUSE
        self._failing.add(board)
        self._board_outages[board].begin("clock", error)
