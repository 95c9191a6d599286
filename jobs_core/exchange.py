"""What a worker and Redis say to each other about tasks: one exchange at a time, which may be under way."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from jobs_core import bulk
from jobs_core.commands import Call, Commands
from jobs_core.run import Run


class Exchange:
    """Reports on runs and takes tasks, in one round trip: Redis works on it while the worker goes on.

    >>> exchange.start(reports, pop_call(["shell"], 10, 30))
    >>> ...  # run what there is
    >>> replies, popped = exchange.finish()
    """

    def __init__(self, commands: Commands) -> None:
        self.reports: list[Run] = []
        """The runs that are being reported on."""
        self._commands = commands
        self._calls: list[Call] = []
        self._sizes: list[int] = []
        self._takes = False
        self._lent: tuple[ExitStack, Any] | None = None

    @property
    def is_under_way(self) -> bool:
        return self._lent is not None

    def start(self, reports: Sequence[Run], pop: Call | None) -> None:
        """Send reports, and a JPOP if there is one. Raises FaultError: report again then."""
        grouped = list(bulk.grouped("JMACK")(run.report() for run in reports))
        self.reports = list(reports)
        self._calls = [call for call, _ in grouped]
        self._sizes = [len(stands_for) for _, stands_for in grouped]
        self._takes = pop is not None
        if pop is not None:
            self._calls.append(pop)
        stack = ExitStack()
        connection = stack.enter_context(self._commands.connection())
        try:
            self._commands.send(connection, self._calls)
        except BaseException:
            stack.__exit__(*sys.exc_info())  # which raises what this is to us
            raise
        self._lent = stack, connection

    def finish(self) -> tuple[list[Any], Any]:
        """Wait for the replies: one for each report, and that of the JPOP. Raises FaultError."""
        if self._lent is None:
            raise RuntimeError("no exchange is under way")
        stack, connection = self._lent
        self._lent = None
        with stack:
            replies = self._commands.receive(connection, self._calls)
        popped = replies.pop() if self._takes else []
        heard = [
            one for reply, size in zip(replies, self._sizes, strict=True) for one in bulk.spread(reply, size)
        ]
        return heard, popped
