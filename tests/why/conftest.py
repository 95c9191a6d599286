"""A board whose past is set up step by step, with a log of its own to compare answers with."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobs_core import Board, Task
from jobs_core.why.answer import Why
from tests.helpers import Jobs, keep_ticking


class Scene:
    """A board at the times that a test says. Times are seconds after `begin`, a whole minute of the past.

    Args:
        board: The board.
        begin: In epoch seconds.
    """

    def __init__(self, board: Board, begin: float) -> None:
        self.board = board
        self.begin = begin
        self.log: dict[str, float] = {}

    def at(self, seconds: float) -> float:
        """Return a time in epoch seconds."""
        return self.begin + seconds

    def put(self, id: str = "job", at: float = 0, *, by: str = "ann@host", **options: object) -> None:
        """Put a job with the runner `echo`. An interval begins at that time."""
        self.board.by = by
        self.board.put(id, "echo", "x", now=self.at(at), **options)  # type: ignore[arg-type]
        self.log["put"] = self.at(at)

    def tick(self, at: float) -> None:
        """Tick."""
        self.board.tick(now=self.at(at))

    def take(self, at: float, worker: str = "w1", lease: float = 3600, queue: str = "echo") -> Task:
        """Take one task, and log when it was taken."""
        (task,) = self.board.pop(queue, lease=lease, worker=worker, now=self.at(at))
        self.log["started"] = self.at(at)
        return task

    def ack(self, task: Task, at: float, verb: str = "done", **options: object) -> None:
        """Report a task, and log when it ended."""
        self.board.ack(task.token, verb, now=self.at(at), **options)  # type: ignore[arg-type]
        self.log["ended"] = self.at(at)

    def lose(self, at: float) -> None:
        """Let the leases that have ended by then be lost, though somebody has ticked all the time."""
        keep_ticking(self.board, now=self.at(at) - 1)
        self.tick(at)


def serve(board: Board, worker: str = "w1", *, running: int = 0, concurrency: int = 1) -> None:
    """Let a worker report that it lives."""
    words = ("running", running, "concurrency", concurrency, "queues", "echo", "state", "serving")
    board.commands.call("JREGISTER", worker, "echo", "--", *words)


@pytest.fixture
def scene(board: Board) -> Scene:
    """A scene that begins ten hours ago."""
    return Scene(board, time.time() // 60 * 60 - 36_000)


Ask = Callable[..., Why]


def _timeless(answer: Any) -> str:
    """Return an answer without how long something goes on: a second may pass between two answers."""
    return re.sub(r", for [\dhms]+", "", answer if isinstance(answer, str) else json.dumps(answer))


@pytest.fixture
def why(board: Board, jobs: Jobs) -> Iterator[Ask]:
    """Ask why with Python, and check that the command line answers the same."""

    def ask(target: str = "job", at: float | str | None = None) -> Why:
        found = board.why(target, at)
        options = [] if at is None else ["--at", str(at)]
        shown = jobs("why", target, *options, "--json")
        assert shown.exit_code == 0, shown.output
        answer = json.loads(shown.stdout)
        assert (answer["reason"], answer["complete"]) == (found.reason, found.is_complete)
        if isinstance(at, float):
            assert _timeless(answer) == _timeless(json.loads(json.dumps(found.as_dict())))
            assert _timeless(jobs("why", target, *options).stdout).startswith(_timeless(found.text))
        return found

    yield ask
