"""What tests of workers share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import Result

from jobs_core import Board, Context, Event, Logger, Outcome, Runner, Task, Worker

PATIENCE = 30.0
"""Seconds after which a test gives up waiting."""

Jobs = Callable[..., Result]
"""`jobs` called in this process: `jobs("list", "--json")`."""


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


def runner(function: Callable[[Task, Context], Outcome], name: str = "test") -> Runner:
    return Runner(name, function)


@contextmanager
def working(board: Board, *runners: Runner, **options: Any) -> Iterator[tuple[Worker, Recorder]]:
    """A worker on a thread, stopped at the end."""
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


def install(folder: Path, name: str, source: str) -> None:
    """Make a plugin that any Python with `folder` on its path finds, as if pip had installed it."""
    (folder / f"{name}.py").write_text(textwrap.dedent(source))
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[jobs]\n{name} = {name}\n")


def jobs_process(*words: str, path: Path, **environment: str) -> subprocess.Popen[str]:
    """Start `jobs` in a process of its own, with the plugins in `path`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JOBS_")}
    return subprocess.Popen(
        [sys.executable, "-c", "from jobs_core.cli import main; main()", *words],
        env=clean | {"PYTHONPATH": str(path)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(condition: Callable[[], bool]) -> None:
    """Look again and again until a condition holds."""
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("the condition never held")


def lines(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def refused(result: Result, *says: str) -> None:
    """The call was a user's mistake, and the one sentence on standard error says which."""
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith(("Error: ", "Usage: "))
    assert "Traceback" not in result.output
    for words in says:
        assert words in result.stderr
