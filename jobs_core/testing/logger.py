"""Conformance tests for loggers."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from jobs_core.contract import Logger, WorkerInfo
from jobs_core.plugins.manager import Plugins
from jobs_core.testing.plugin import PluginConformance
from jobs_core.types import Decision, Event, Outcome, Task

TASK = Task("a@1763900005000", "a", "shell", "shell", 1763900005.0, 1, "secret payload")

EVENTS = (
    Event("worker.started", 1763900005.0, "host-1", data={"note": "serving shell"}),
    Event("task.started", 1763900005.1, "host-1", TASK),
    Event("task.line", 1763900005.2, "host-1", TASK, data={"line": "héllo \N{SNOWMAN}", "stream": "stdout"}),
    Event("task.finished", 1763900005.3, "host-1", TASK, Outcome.done("exit 0", code="0"), Decision.done()),
    Event(
        "task.finished", 1763900005.4, "host-1", TASK, Outcome.failed("exit 1", code="1"), Decision.retry(5)
    ),
    Event("task.accepted", 1763900005.5, "host-1", TASK, Outcome.accepted("handed over")),
    Event("task.lost", 1763900005.6, "host-1", TASK, Outcome.lost(), Decision.dead()),
    Event("task.stale", 1763900005.7, "host-1", TASK, data={"note": "its lease was lost"}),
    Event("trouble", 1763900005.8, "host-1", data={"note": "Redis is unreachable"}),
    Event("recovered", 1763900005.85, "host-1", data={"note": "Redis serves again, after 2.0 s"}),
    Event("worker.stopped", 1763900005.9, "host-1", data={"note": "(drained)"}),
)
"""One event of each kind."""


class LoggerConformance(PluginConformance):
    """Tests for a logger. Set `plugin` (the entry point) and `logger` (its name).

    Settings in `settings` override those of the environment and `jobs.toml`.
    """

    logger: str
    settings: ClassVar[Mapping[str, Any]] = {}

    def test_it_writes_events_of_every_kind_and_closes(self) -> None:
        """The logger accepts every kind of event without raising."""
        logger = self.opened()
        for event in EVENTS:
            logger.write(event)
        logger.close()

    def test_write_is_thread_safe(self) -> None:
        """Workers run tasks on several threads, and all of them log."""
        logger = self.opened()
        raised: list[Exception] = []

        def write() -> None:
            try:
                for event in EVENTS * 20:
                    logger.write(event)
            except Exception as error:
                raised.append(error)

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        logger.close()
        assert raised == []

    def test_close_works_without_open(self) -> None:
        """A worker closes all loggers if one of them fails to open."""
        self.found().close()

    def opened(self) -> Logger:
        """Return the logger, opened like in a worker."""
        plugins = Plugins.load()
        settings = plugins.settings() | dict(self.settings)
        logger = plugins.logger(self.logger)
        logger.open(WorkerInfo("host-1", "jobs", ("shell",), 10, settings))
        return logger

    def found(self) -> Logger:
        """Return the logger that the plugin provides."""
        return Plugins.load().logger(self.logger)
