"""The method of a board about what tasks printed last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jobs_core.client.listing import CHUNK
from jobs_core.client.logs import Following, chunks, latest_tasks, place_of, read_log, require_log
from jobs_core.client.output import BLOCK
from jobs_core.client.task_methods import TaskMethods
from jobs_core.engine.commands import Commands
from jobs_core.types import is_task_id


class LogMethods(TaskMethods):
    """The method of a board about what tasks printed last."""

    def logs(self, job_or_task: str, *, limit: int = 1, follow: bool = False) -> Iterator[dict[str, Any]]:
        """Read the end of what tasks printed. The board keeps it for a while: see `retain`.

        Args:
            job_or_task: The id of a job, for its latest runs, or of a task.
            limit: How many runs of a job to read, the oldest of them first.
            follow: Continue with each attempt that ends from now on. A task ends it, a job never.

        Yields:
            Lines, `{"task": …, "attempt": 1, "stream": …, "line": …}`. `{"cut": True}` stands where the
            beginning is missing.

        Raises:
            NotFoundError: There is no such job or task, and nothing that it printed is kept.

        >>> next(board.logs("backup"))["line"]
        '12 files'
        """
        self.commands.require_layout()
        part = self.commands.parts[place_of(job_or_task, self.commands.places)]
        newest: Any = part.read_keys(lambda client, keys: client.xrevrange(keys.history, count=1))
        following = Following(job_or_task, newest)
        is_known = self._is_known(job_or_task)  # asked first: a task may end, with a log, in the next moment
        tasks = [job_or_task]
        if not is_task_id(job_or_task):
            tasks = latest_tasks(self.commands.call("JRUNS", job_or_task), limit)
        found = self._read_logs(tasks)
        is_kept = any(text is not None for text in found.values())
        require_log(job_or_task, self.name, is_kept or is_known)
        for task, text in found.items():
            yield from following.fresh(task, text) if follow else read_log(task, text)
        if follow and not (is_task_id(job_or_task) and is_kept and not self._has_task(job_or_task)):
            yield from self._follow_logs(part, following)

    def _read_logs(self, tasks: list[str]) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for some in chunks(tasks):
            found |= zip(some, self.commands.call("JLOGS", *some), strict=True)
        return found

    def _follow_logs(self, part: Commands, following: Following) -> Iterator[dict[str, Any]]:
        """Yield what attempts printed that end from now on."""
        tasks: list[str] = []
        while tasks or not following.is_over:
            logs: dict[str, str | None] = {}
            with part.suppress_outage():
                if not tasks:
                    found = part.blocking.xread({part.keys.history: following.last}, count=CHUNK, block=BLOCK)
                    tasks = following.reported(found)
                logs, tasks = self._read_logs(tasks), []
            for task, text in logs.items():
                yield from following.fresh(task, text)

    def _is_known(self, id: str) -> bool:
        """Whether a job or a task with this id exists."""
        return self._has_task(id) if is_task_id(id) else bool(self.commands.call("JGET", id)[0])
