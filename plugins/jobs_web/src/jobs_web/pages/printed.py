"""What tasks printed, a bounded number of lines of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from jobs_core import Board, NotFoundError, Run

LINES = 200
"""Lines of a task that are shown: the last ones."""


@dataclass(slots=True)
class Printed:
    """The last lines that a task printed: each with `stream` and `line`, or with `attempt` and `what`.

    Args:
        lines: The lines.
        is_cut: Whether some are missing.
        has_more: Whether more are kept than are shown.
        attempt: The attempt that printed the last one, if the lines say so.
    """

    lines: deque[Mapping[str, Any]] = field(default_factory=lambda: deque(maxlen=LINES))
    is_cut: bool = False
    has_more: bool = False
    attempt: int | None = None

    def add(self, line: Mapping[str, Any]) -> None:
        """Add a line, or note that some are missing."""
        self.is_cut |= "cut" in line or "missing" in line
        if "line" in line and line.get("attempt") not in (None, self.attempt):
            self.attempt = line["attempt"]
            self._append({"attempt": self.attempt, "what": ""})
        if "cut" not in line:
            self._append(line)

    def _append(self, line: Mapping[str, Any]) -> None:
        self.has_more |= len(self.lines) == self.lines.maxlen
        self.lines.append(line)


def kept_output(board: Board, task: str) -> Printed | None:
    """Return what a task has printed so far. None if it does not have the option keep."""
    try:
        return _collect(board.output(task))
    except NotFoundError:
        return None


def kept_log(board: Board, task: str) -> Printed | None:
    """Return the end of what the attempts of a task printed that have ended. None if nothing is kept."""
    try:
        found = _collect(board.logs(task))
    except NotFoundError:
        return None
    return found if found.lines else None


def logs_of_runs(board: Board, runs: Iterable[Run], most: int) -> dict[str, Printed]:
    """Return the end of what the latest runs of a job printed, by task, the latest first.

    Args:
        board: The board.
        runs: The latest runs of the job, newest first.
        most: How many runs with a task to read at most.
    """
    tasks = {run.task: run.job for run in runs if run.task}
    if not tasks:
        return {}
    found: dict[str, Printed] = {}
    with suppress(NotFoundError):  # the id of the job looks like that of a task
        for line in board.logs(next(iter(tasks.values())), limit=most):
            found.setdefault(line["task"], Printed()).add(line)
    return {task: found[task] for task in tasks if task in found}


def _collect(lines: Iterator[Mapping[str, Any]]) -> Printed:
    found = Printed()
    for line in lines:
        found.add(line)
    return found
