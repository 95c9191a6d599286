"""What tests of plugins run on: a private server, an empty board, a worker, a logger that remembers; and
what a worker hands to a runner: a task, settings."""

from __future__ import annotations

import itertools
import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jobs_core.app import Board
from jobs_core.context import Context
from jobs_core.contract import Logger, Runner
from jobs_core.embedded import EmbeddedServer
from jobs_core.plugins.builtin import hooks as builtin
from jobs_core.plugins.manager import Plugins
from jobs_core.types import Event, Outcome, Payload, Task, parse_payload
from jobs_core.worker.worker import Worker

PATIENCE = 30.0
"""Seconds after which a test gives up waiting."""

_numbers = itertools.count()


class Recorder:
    """A logger that remembers events, and lets a test wait for them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = threading.Condition()
        self.logger = Logger("recorder", self._write)

    def _write(self, event: Event) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def of(self, kind: str) -> list[Event]:
        """The events of a kind so far."""
        return [event for event in list(self.events) if event.kind == kind]

    def wait_for(self, kind: str, count: int = 1) -> list[Event]:
        """The events of a kind, once there are `count`."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.of(kind)) >= count, timeout=PATIENCE), self.events
        return self.of(kind)


@contextmanager
def working(board: Board, *runners: Runner, **options: Any) -> Iterator[tuple[Worker, Recorder]]:
    """A worker on a thread, stopped at the end. `options` are those of `Worker`."""
    recorder = Recorder()
    loggers = [recorder.logger, *options.pop("loggers", ())]
    worker = Worker(board, runners, loggers=loggers, **options)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        recorder.wait_for("worker.started")
        yield worker, recorder
    finally:
        worker.stop()
        worker.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@contextmanager
def private_board() -> Iterator[Board]:
    """An empty board on a server of its own."""
    with tempfile.TemporaryDirectory(prefix="jobs-") as folder, EmbeddedServer(Path(folder)) as server:
        board = Board(f"conformance-{next(_numbers)}", server.url)
        try:
            yield board
        finally:
            board.client.close()


def make_task(runner: Runner, payload: Payload, **fields: Any) -> Task:
    """A task of a runner, as a worker hands it over. `fields` are those of `Task` that shall differ.

    >>> make_task(runner, "https://example.com", attempt=2).payload
    {'url': 'https://example.com'}
    """
    raw = payload if isinstance(payload, str) else json.dumps(payload)
    values: dict[str, Any] = {
        "id": "conformance@1763900005000",
        "job": "conformance",
        "runner": runner.name,
        "queue": runner.name,
        "due": 1763900005.0,
        "attempt": 1,
        "raw": raw,
        "token": "conformance@1763900005000#1",
        "payload": parse_payload(raw, runner.short),
    }
    return Task(**(values | fields))


def run_task(runner: Runner, task: Task, context: Context) -> Outcome:
    """Run a task as a worker does: once its payload is checked against the runner's schema."""
    return builtin.jobs_execute(task=task, runner=runner, context=context)


def read_settings(**changes: Any) -> dict[str, Any]:
    """The settings that a worker's `context.settings` has, of all plugins, with these changes.

    They come from the environment, `jobs.toml` and the defaults. Raises OptionError.
    """
    return Plugins.load().settings() | changes
