"""A call that may be left at any time.

Nothing interrupts botocore while it looks up a name, waits for credentials or for a function. So it runs
on a thread of its own. To leave it ends its connection, so that the thread ends soon as well, and keeps
it from sending what it has not sent yet. Such threads do not keep the process from ending.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from jobs_core import Context
from jobs_lambda.errors import Stopped
from jobs_lambda.line import Line

TICK = 0.05
"""Seconds between looks at `context.cancelled`."""

T = TypeVar("T")


class Here(threading.local):
    """The line of the call that runs on this thread, for its connections."""

    line: Line | None = None


here = Here()


def check(**_: Any) -> None:
    """Raises Stopped if the call on this thread was left. For botocore, before it sends a request."""
    if here.line is not None and here.line.is_cut:
        raise Stopped


class Call(Generic[T]):
    """Work on a thread of its own.

    >>> Call(lambda: 7).result(context)
    7
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._line = Line()
        self._over = threading.Event()
        self._results: list[T] = []
        self._error: Exception | None = None

    def result(self, context: Context) -> T:
        """What the work returns or raises. Raises Stopped, and leaves it, when the context says so."""
        if reason := _reason(context):
            raise Stopped(reason)
        threading.Thread(target=self._run, name="jobs-lambda-call", daemon=True).start()
        while not self._over.wait(TICK):
            if reason := _reason(context):
                self._line.cut()
                raise Stopped(reason)
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _run(self) -> None:
        here.line = self._line
        try:
            self._results.append(self._work())
        except Exception as error:
            self._error = error
        finally:
            self._line.close()
            self._over.set()


def _reason(context: Context) -> str:
    """Why to stop: `cancelled` or `timeout`; empty if there is no reason to."""
    if context.cancelled.is_set():
        return "cancelled"
    return "timeout" if context.remaining == 0 else ""
