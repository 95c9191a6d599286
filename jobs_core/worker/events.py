"""Events of a worker, for loggers and observers. A failing logger affects no task and no other logger."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any

from jobs_core.contract import Logger, WorkerInfo
from jobs_core.errors import JobsError, PluginError
from jobs_core.plugins.manager import Plugins
from jobs_core.types import Decision, Event, Outcome, Task


class Events:
    """Passes events to the loggers of a worker and to the observers among the plugins. Thread-safe."""

    def __init__(self, worker: WorkerInfo, loggers: Iterable[Logger], plugins: Plugins) -> None:
        self._worker = worker
        self._loggers = list(loggers)
        self._failing: set[str] = set()
        self._plugins = plugins
        self._observed = bool(plugins.manager.hook.jobs_event.get_hookimpls())
        self.has_listeners = bool(self._loggers) or self._observed
        """Whether there is a logger or an observer."""

    def open(self) -> None:
        """Open the loggers. Raises OptionError or PluginError for the first logger that does not open."""
        for number, logger in enumerate(self._loggers):
            try:
                logger.open(self._worker)
            except Exception as error:
                del self._loggers[number:]
                self.close()
                if isinstance(error, JobsError):
                    raise
                raise PluginError(f"the logger {logger.name!r} did not open: {_describe(error)}") from error

    def close(self) -> None:
        """Close the loggers. Each writes what it has buffered."""
        for logger in self._loggers:
            try:
                logger.close()
            except Exception as error:
                _print_error(f"the logger {logger.name!r} did not close: {_describe(error)}")

    def emit(
        self,
        kind: str,
        task: Task | None = None,
        outcome: Outcome | None = None,
        decision: Decision | None = None,
        **data: Any,
    ) -> None:
        """Send an event, with the current time, to loggers and observers."""
        if not self.has_listeners:
            return
        event = Event(kind, time.time(), self._worker.name, task, outcome, decision, data)
        for logger in self._loggers:
            self._write(logger, event)
        if self._observed:
            self._plugins.observe("jobs_event", event=event)

    def observe(self, hook: str, **arguments: Any) -> None:
        """Call every plugin's implementation of a hook, and report those that raise."""
        for name, error in self._plugins.observe(hook, **arguments):
            self.emit("trouble", note=f"the plugin {name!r} raised in {hook}: {error}")

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

    def _report_failure(self, note: str) -> None:
        """Send a note to the working loggers, or to standard error if there is none."""
        working = [logger for logger in self._loggers if logger.name not in self._failing]
        for logger in working:
            self._write(logger, Event("trouble", time.time(), self._worker.name, data={"note": note}))
        if not working:
            _print_error(note)


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _print_error(note: str) -> None:
    print(note, file=sys.stderr, flush=True)
