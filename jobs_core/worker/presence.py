"""A worker's signs of life on its board: who it is, what it serves, and how much it runs."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

from jobs_core.contract import WorkerInfo
from jobs_core.engine.commands import Commands
from jobs_core.errors import JobsError

EVERY = 10.0
"""Seconds between two reports. The board takes a worker for dead after three times as long."""


class Presence:
    """Reports that a worker lives, now and then.

    Args:
        commands: The commands of the board.
        info: The worker.
        queues: The queues that it serves.
        ticks: Whether it also ticks.
    """

    def __init__(self, commands: Commands, info: WorkerInfo, queues: Sequence[str], *, ticks: bool) -> None:
        self._commands = commands
        self._info = info
        self._state = ""
        self._due = 0.0
        self._facts = (
            *("host", "-".join(socket.gethostname().split()), "pid", os.getpid()),
            *("queues", " ".join(queues), "concurrency", info.concurrency),
            *("started", f"{time.time():.3f}", "ticks", int(ticks)),
        )

    def begin(self) -> None:
        """Register the worker. Raises DeniedError without the role worker, and the errors of a call."""
        self._commands.require_role("worker")
        self._state, self._due = "serving", time.monotonic() + EVERY
        self._report("serving", 0)

    def renew(self, running: int, *, is_draining: bool = False) -> None:
        """Report if it is time, or if the state is new. A failed report is left to the next one."""
        state: Literal["serving", "draining"] = "draining" if is_draining else "serving"
        if state == self._state and time.monotonic() < self._due:
            return
        self._state, self._due = state, time.monotonic() + EVERY
        with suppress(JobsError):
            self._report(state, running)

    def end(self) -> None:
        """Report that the worker has ended."""
        with suppress(JobsError):
            self._report("ended", 0)

    def _report(self, state: str, running: int) -> None:
        facts = (*self._facts, "clock", f"{time.time():.3f}", "running", running, "state", state)
        self._commands.call("JREGISTER", self._info.name, *self._info.runners, "--", *facts)
