"""Test fixtures for plugins: a private board, a worker, a recording logger, tasks and settings."""

from __future__ import annotations

import itertools
import json
import tempfile
import threading
from collections.abc import Iterator, Sequence
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
"""Seconds that a test waits for an event before it fails."""

_numbers = itertools.count()


class Recorder:
    """A logger that records events and lets a test wait for them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = threading.Condition()
        self.logger = Logger("recorder", self._write)

    def _write(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def of(self, kind: str) -> list[Event]:
        """Return the recorded events of a kind."""
        return [event for event in list(self.events) if event.kind == kind]

    def wait_for(self, kind: str, count: int = 1) -> list[Event]:
        """Wait for `count` events of a kind and return them. Fails after `PATIENCE` seconds."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.of(kind)) >= count, timeout=PATIENCE), self.events
        return self.of(kind)


@contextmanager
def working(
    board: Board | Sequence[Board], *runners: Runner, **options: Any
) -> Iterator[tuple[Worker, Recorder]]:
    """Run a worker on a thread during the `with` block. `options` go to `Worker`."""
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
def private_server() -> Iterator[str]:
    """Provide the URL of a private server, which keeps nothing."""
    with (
        tempfile.TemporaryDirectory(prefix="jobs-") as folder,
        EmbeddedServer(Path(folder), keeps=False) as server,
    ):
        yield server.url


@contextmanager
def new_board(url: str) -> Iterator[Board]:
    """Provide an empty board on a server."""
    board = Board(f"conformance-{next(_numbers)}", url)
    try:
        yield board
    finally:
        board.client.close()


@contextmanager
def private_board() -> Iterator[Board]:
    """Provide an empty board on a private server."""
    with private_server() as url, new_board(url) as board:
        yield board


def make_task(runner: Runner, payload: Payload, **fields: Any) -> Task:
    """Return a task of a runner, like one from a worker. `fields` override fields of `Task`.

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
    """Check a task's payload against the runner's schema and run it, as a worker does."""
    return builtin.jobs_execute(task=task, runner=runner, context=context)


def read_settings(**changes: Any) -> dict[str, Any]:
    """Return the settings of all plugins as in `context.settings`, with these changes.

    They come from the environment, `jobs.toml` and the defaults. Raises OptionError.
    """
    return Plugins.load().settings() | changes
