"""Events of a worker, for loggers and observers. A failing logger affects no task and no other logger."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from jobs_core.contract import TICKED, Logger, WorkerInfo
from jobs_core.errors import JobsError, PluginError
from jobs_core.plugins.manager import Plugins
from jobs_core.text import visible
from jobs_core.tracing import Trace, trace_of
from jobs_core.types import Decision, Event, Outcome, Task
from jobs_core.worker.log_queue import LogQueue
from jobs_core.worker.outages import Outages

OBSERVERS = "jobs_event"
"""The name of the queue to observers."""

EVERY = 1.0
"""Seconds between two events about ticks."""

BRIEFLY = 1.0
"""Seconds to wait until standard error takes a note."""

CLOSING = 10.0
"""Seconds for which all loggers together may write what waits, at the end."""


class Events:
    """Passes events to the loggers of a worker and to the observers among the plugins. Thread-safe.

    Each logger has a queue and a thread of its own, and so have all implementations of `jobs_event` together.
    None of them holds up the worker.
    """

    def __init__(self, worker: WorkerInfo, loggers: Iterable[Logger], plugins: Plugins) -> None:
        self._queues: list[tuple[Logger, LogQueue]] = []
        self.worker = replace(worker, trouble=self.trouble)
        """The worker, as loggers see it."""
        self._only_board = worker.board if len(worker.boards) == 1 else ""
        self._chosen = list(loggers)
        self._loggers = [*self._chosen, *plugins.observers(self.worker)]
        self._failing: set[str] = set()
        self._plugins = plugins
        if plugins.manager.hook.jobs_event.get_hookimpls():
            self._loggers.append(Logger(OBSERVERS, self._observe_event, "Following events"))
        self._queues = [(logger, self._queue_of(logger)) for logger in self._loggers]
        self._pause = 0.0
        self.outages = Outages(self.emit)
        """When Redis is away and back."""

    def open(self) -> None:
        """Open the loggers. Raises OptionError or PluginError for the first logger that does not open."""
        for number, logger in enumerate(self._loggers):
            try:
                logger.open(self.worker)
            except Exception as error:
                for opened in self._loggers[:number]:
                    self._close_logger(opened)
                if isinstance(error, JobsError):
                    raise
                raise PluginError(f"the logger {logger.name!r} did not open: {_describe(error)}") from error
        for _, queue in self._queues:
            queue.start()

    def close(self) -> None:
        """Close the loggers. Each writes what it has buffered, but a stuck one is left behind."""
        for _, queue in self._queues:
            queue.end()
        deadline = time.monotonic() + CLOSING
        for logger, queue in self._queues:
            if queue.join(max(0.0, deadline - time.monotonic())):
                ended = f"{self._name_of(logger)} did not finish before the worker ended"
                print_briefly(f"{ended}: its last events may be missing")

    def _name_of(self, logger: Logger) -> str:
        """Return what people call a logger. They chose some by name, and plugins add others."""
        if logger in self._chosen:
            return f"the logger {logger.name!r}"
        return f"a plugin ({logger.summary or logger.name})"

    def are_wanted(self, task: Task) -> bool:
        """Return whether a logger or an observer gets the events of a task."""
        return bool(self._takers("task.started", task))

    def has_logger_for(self, option: str) -> bool:
        """Return whether a plugin has a logger for the tasks with this option."""
        return any(logger.option == option for logger in self._loggers)

    def note_tick(self) -> None:
        """Tell those who ask for it that a tick has succeeded, about once a second."""
        now = time.monotonic()
        if now >= self._pause and any(TICKED in logger.kinds for logger in self._loggers):
            self._pause = now + EVERY
            self.emit(TICKED)

    def emit(
        self,
        kind: str,
        task: Task | None = None,
        outcome: Outcome | None = None,
        decision: Decision | None = None,
        *,
        board: str = "",
        trace: Trace | None = None,
        **data: Any,
    ) -> None:
        """Send an event, with the current time, to loggers and observers. Never waits for them.

        Without a `trace`, it belongs to the one that the task was pushed with. Without a `board`, it is about
        all boards of the worker.
        """
        takers = self._takers(kind, task)
        if not takers:
            return
        if trace is None:
            trace = trace_of(task.options) if task is not None and task.options else {}
        board = board or self._only_board
        event = Event(kind, time.time(), self.worker.name, task, outcome, decision, data, trace, board)
        for queue in takers:
            queue.put(event)

    def trouble(self, note: str) -> None:
        """Report a problem."""
        self.emit("trouble", note=note)

    def of_board(self, board: str) -> BoardEvents:
        """Return the events of one board."""
        return BoardEvents(self, board)

    def emit_line(
        self, task: Task, line: str, stream: str, trace: Trace, *, board: str, may_wait: bool
    ) -> None:
        """Send a line of a task's output. With `may_wait`, wait a little for loggers that are slower."""
        data = {"line": line, "stream": stream}
        event = Event("task.line", time.time(), self.worker.name, task, data=data, trace=trace, board=board)
        for queue in self._takers(event.kind, task):
            queue.put(event, may_wait=may_wait)

    def _takers(self, kind: str, task: Task | None) -> list[LogQueue]:
        return [queue for logger, queue in self._queues if logger.wants(kind, task)]

    def observe(self, hook: str, **arguments: Any) -> None:
        """Call every plugin's implementation of a hook, and report those that raise."""
        for name, error in self._plugins.observe(hook, **arguments):
            self.emit("trouble", note=f"the plugin {name!r} raised in {hook}: {error}")

    def _queue_of(self, logger: Logger) -> LogQueue:
        return LogQueue(
            logger.name,
            lambda event: self._write(logger, event),
            lambda: self._close_logger(logger),
            self._left_out,
        )

    def _left_out(self, count: int) -> Event:
        return self._trouble(f"{count:,} events are left out here: the logger does not keep up")

    def _trouble(self, note: str) -> Event:
        return Event("trouble", time.time(), self.worker.name, data={"note": note}, board=self._only_board)

    def _observe_event(self, event: Event) -> None:
        self._plugins.observe("jobs_event", event=event)

    def _write(self, logger: Logger, event: Event) -> None:
        """Write an event. A logger that raises is reported once, until it works again."""
        try:
            logger.write(event)
        except Exception as error:
            if logger.name not in self._failing:
                self._failing.add(logger.name)
                self._report_failure(f"the logger {logger.name!r} failed: {_describe(error)}")
        else:
            self._failing.discard(logger.name)

    def _close_logger(self, logger: Logger) -> None:
        try:
            logger.close()
        except Exception as error:
            print_briefly(f"the logger {logger.name!r} did not close: {_describe(error)}")

    def _report_failure(self, note: str) -> None:
        """Send a note to the working loggers that were chosen, or to standard error if there is none."""
        pairs = zip(self._chosen, self._queues, strict=False)
        working = [queue for _, (logger, queue) in pairs if logger.name not in self._failing]
        for queue in working:
            queue.put(self._trouble(note))
        if not working:
            print_briefly(note)


class BoardEvents:
    """The events of one board of a worker: see `Events`."""

    def __init__(self, events: Events, board: str) -> None:
        self.emit = partial(events.emit, board=board)
        self.emit_line = partial(events.emit_line, board=board)
        self.are_wanted = events.are_wanted
        self.has_logger_for = events.has_logger_for

    def trouble(self, note: str) -> None:
        """Report a problem of the board."""
        self.emit("trouble", note=note)


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def print_briefly(note: str) -> None:
    """Print a note on standard error, but do not wait for somebody to read it."""
    printing = threading.Thread(target=lambda: print(visible(note), file=sys.stderr, flush=True), daemon=True)
    printing.start()
    printing.join(BRIEFLY)
