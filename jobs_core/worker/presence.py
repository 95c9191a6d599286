"""A worker's signs of life on its boards: who it is, what it serves, and how much it runs."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Literal

from jobs_core.contract import WorkerInfo
from jobs_core.engine.commands import Call, Commands
from jobs_core.engine.together import call_together
from jobs_core.errors import JobsError
from jobs_core.worker.run import Run
from jobs_core.worker.served import Served

EVERY = 10.0
"""Seconds between two reports. The board takes a worker for dead after three times as long."""


class Presence:
    """Reports that a worker lives, now and then.

    Args:
        commands: The commands of one of the boards.
        boards: The boards, which share connections.
        info: The worker.
        queues: The queues that it serves.
        ticks: Whether it also ticks.
    """

    def __init__(
        self,
        commands: Commands,
        boards: Sequence[Served],
        info: WorkerInfo,
        queues: Sequence[str],
        *,
        ticks: bool,
    ) -> None:
        self._commands = commands
        self._boards = boards
        self._info = info
        self._state = ""
        self._due = 0.0
        self._begun: list[Served] = []
        self._facts = (
            *("host", "-".join(socket.gethostname().split()), "pid", os.getpid()),
            *("queues", " ".join(queues), "concurrency", info.concurrency),
            *("started", f"{time.time():.3f}", "ticks", int(ticks)),
        )

    def begin(self) -> None:
        """Register the worker. Raises DeniedError without the role worker, and the errors of a call."""
        self._state, self._due = "serving", time.monotonic() + EVERY
        for served in self._boards:
            try:
                served.commands.require_role("worker")
                name, words = self._call("serving", 0)
                served.commands.call(name, *words)
            except JobsError as error:
                if len(self._info.boards) > 1:
                    raise type(error)(f"the board {served.name!r}: {error}") from error
                raise
            self._begun.append(served)

    def renew(self, runs: Iterable[Run], *, is_draining: bool = False) -> None:
        """Report if it is time, or if the state is new. A failed report is left to the next one."""
        state: Literal["serving", "draining"] = "draining" if is_draining else "serving"
        if state == self._state and time.monotonic() < self._due:
            return
        self._state, self._due = state, time.monotonic() + EVERY
        with suppress(JobsError):
            running = Counter(run.served for run in runs)
            self._report(state, running)

    def end(self) -> None:
        """Report that the worker has ended."""
        with suppress(JobsError):
            self._report("ended", Counter())

    def _report(self, state: str, running: Counter[Served]) -> None:
        call_together(
            self._commands, [(one.commands, self._call(state, running[one])) for one in self._begun]
        )

    def _call(self, state: str, running: int) -> Call:
        facts = (*self._facts, "clock", f"{time.time():.3f}", "running", running, "state", state)
        return "JREGISTER", (self._info.name, *self._info.runners, "--", *facts)
