"""A clock that faults can change. Every process of a run passes its time to commands as `now`."""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs_core import Board
from jobs_core.engine.commands import Call
from jobs_core.engine.partitions.board import BoardCommands

TIMED = {"JTICK", "JPOP", "JACK", "JPUSH", "JSET"}
_DOUBLE = struct.Struct("d")


class TimeSource:
    """The machine's time plus an offset in seconds. All processes share it through a file."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_DOUBLE.pack(0.0))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _DOUBLE.size)

    @property
    def offset(self) -> float:
        """How many seconds this clock is ahead of the machine's."""
        return float(_DOUBLE.unpack(self._shared[:])[0])

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return time.time() + self.offset

    def jump(self, offset: float) -> None:
        """Set the offset: how many seconds this clock is ahead of the machine's."""
        self._shared[:] = _DOUBLE.pack(offset)


class TimedCommands(BoardCommands):
    """Commands that pass the time source's time when they are sent, while it differs from the machine's.

    Otherwise Redis takes its own time, so that a command which arrives late is not one from the past.
    """

    def __init__(self, board: Board, source: TimeSource) -> None:
        super().__init__(board.client, board.keys)
        self._source = source

    def send(self, connection: Any, calls: Sequence[Call]) -> None:
        if self._source.offset:
            now = f"{self._source.now():.3f}"
            calls = [_at(call, now) for call in calls]
        super().send(connection, calls)


def _at(call: Call, now: str) -> Call:
    name, arguments = call
    if name == "JBEAT":
        return name, (*arguments, "--", "now", now)
    if name == "JMACK":
        return name, _each_at(arguments, now)
    return (name, (*arguments, "now", now)) if name in TIMED else call


def _each_at(arguments: Sequence[Any], now: str) -> list[Any]:
    """Add the time to each report of a JMACK."""
    timed, at = [], 0
    while at < len(arguments):
        report = arguments[at + 1 : at + 1 + arguments[at]]
        timed += [len(report) + 2, *report, "now", now]
        at += 1 + len(report)
    return timed
