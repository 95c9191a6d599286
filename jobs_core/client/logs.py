"""Read the end of what tasks printed, which the board keeps for a while without any option."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from jobs_core.client.output import ENDS
from jobs_core.engine.partitions.places import Places
from jobs_core.errors import NotFoundError
from jobs_core.text import CUT
from jobs_core.types import is_task_id

STREAMS = {"o": "stdout", "e": "stderr"}
MOST = 100
"""Tasks that one JLOGS reads."""

REPORTS = frozenset((*ENDS, "retry", "failed"))
"""Events of the history that come with what an attempt printed."""


def read_log(task: str, text: str | None) -> Iterator[dict[str, Any]]:
    """Yield the lines of a JLOGS reply about one task, as `Board.logs` yields them.

    >>> list(read_log("tick@1", "a1\\nohi"))
    [{'task': 'tick@1', 'attempt': 1, 'stream': 'stdout', 'line': 'hi'}]
    """
    attempt = None
    for line in (text or "").split("\n"):
        kind, rest = line[:1], line[1:]
        if kind == "a" and rest.isdigit():
            attempt = int(rest)
        elif kind == CUT:
            yield {"task": task, "attempt": attempt, "cut": True}
        elif kind in STREAMS:
            yield {"task": task, "attempt": attempt, "stream": STREAMS[kind], "line": rest}


def latest_tasks(runs: Iterable[str], limit: int) -> list[str]:
    """Return the tasks of the latest runs in a JRUNS reply, the oldest of them first."""
    tasks = [run["task"] for run in map(json.loads, runs) if "task" in run]
    return tasks[:limit][::-1]


def place_of(job_or_task: str, places: Places) -> int:
    """Return the partition that has a task, or those of a job."""
    return places.of_task(job_or_task) if is_task_id(job_or_task) else places.of_job(job_or_task)


def chunks(tasks: Sequence[str]) -> Iterator[Sequence[str]]:
    """Divide tasks into calls of JLOGS."""
    for at in range(0, len(tasks), MOST):
        yield tasks[at : at + MOST]


class Following:
    """The state of a reader that follows a job or a task. Both clients share it.

    Read the history after `last` with XREAD, and pass the reply to `reported`. Then read the log of each task
    that it returns, and pass the reply to `fresh`.

    Args:
        target: The id of a job or of a task.
        newest: The newest entry of the history when the reader began, as XREVRANGE returns it.
    """

    def __init__(self, target: str, newest: Any) -> None:
        self.last = newest[0][0] if newest else "0"
        self.is_over = False
        self._target = target
        self._shown: dict[str, int] = {}

    def reported(self, found: Any) -> list[str]:
        """Return the tasks of which an attempt has ended, in a reply to XREAD."""
        tasks = []
        for _, page in found or ():
            for id, fields in page:
                self.last = id
                task = fields.get("task", "")
                if fields.get("what") in REPORTS and self._target in (task, task.rpartition("@")[0]):
                    tasks.append(task)
                    self.is_over |= task == self._target and fields["what"] in ENDS
        return list(dict.fromkeys(tasks))

    def fresh(self, task: str, text: str | None) -> Iterator[dict[str, Any]]:
        """Yield the lines of the attempts that were not yielded before."""
        shown = self._shown.get(task, 0)
        for entry in read_log(task, text):
            attempt = entry["attempt"] or 0
            if attempt > shown:
                yield entry
                self._shown[task] = attempt


def require_log(target: str, board: str, is_known: bool) -> None:
    """Raise NotFoundError if there is nothing to show of a job or task, nor will be."""
    if not is_known:
        raise NotFoundError(
            f"there is no job or task {target!r} on the board {board!r}, and nothing that it printed is kept"
        )
