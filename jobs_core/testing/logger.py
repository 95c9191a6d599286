"""What a logger must do, wherever it writes."""

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
    Event("trouble", 1763900005.8, "host-1", data={"note": "Redis is away"}),
    Event("worker.stopped", 1763900005.9, "host-1", data={"note": "(drained)"}),
)
"""An event of every sort."""


class LoggerConformance(PluginConformance):
    """Tests for a logger. Set `plugin` (the entry point) and `logger`, its name.

    `settings` are those that it is opened with, beside the ones that the environment and `jobs.toml` give.
    """

    logger: str
    settings: ClassVar[Mapping[str, Any]] = {}

    def test_it_writes_events_of_every_kind_and_closes(self) -> None:
        """Nothing it is given makes it raise."""
        logger = self.opened()
        for event in EVENTS:
            logger.write(event)
        logger.close()

    def test_it_is_written_to_by_several_threads(self) -> None:
        """Workers run tasks on threads, and each of them logs."""
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

    def test_one_that_was_never_opened_closes(self) -> None:
        """A worker closes what it has when another logger cannot be opened."""
        self.found().close()

    def opened(self) -> Logger:
        """The logger, opened as a worker opens it."""
        plugins = Plugins.load()
        settings = plugins.settings() | dict(self.settings)
        logger = plugins.logger(self.logger)
        logger.open(WorkerInfo("host-1", "jobs", ("shell",), 10, settings))
        return logger

    def found(self) -> Logger:
        """The logger, as its plugin provides it."""
        return Plugins.load().logger(self.logger)
