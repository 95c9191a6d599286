"""The methods of a board about backfills: the occurrences of the past, as tasks."""

from __future__ import annotations

import time
from collections.abc import Iterator

from jobs_core.client.author import signature
from jobs_core.client.task_methods import TaskMethods
from jobs_core.engine.backfills import (
    PAUSE,
    as_backfill,
    as_occurrences,
    due_of,
    dues_call,
    found_backfill,
    start_call,
)
from jobs_core.options import Time, to_pairs
from jobs_core.types import Backfill, Occurrence


class BackfillMethods(TaskMethods):
    """The methods of a board about backfills."""

    def backfill(
        self,
        job: str,
        start: Time,
        stop: Time,
        *,
        concurrency: int = 1,
        latest_first: bool = False,
        unknown: bool = False,
        because: str | None = None,
        now: Time | None = None,
    ) -> Backfill:
        """Queue the occurrences of a job in the past that have not run, a few at a time.

        They are those of its schedule from `start` on and before `stop`, up to its next run, under their own
        ids: one that has run is never run again. The server continues the backfill by itself.

        Args:
            job: The job's id.
            start: The beginning of the time.
            stop: Its end.
            concurrency: How many of its tasks may be queued or running at once (1 to 1000).
            latest_first: Begin with the latest occurrence.
            unknown: Include occurrences of which the history no longer tells whether they ran.
            because: Why, for `changes`.
            now: The current time, for tests. The default is the clock of Redis.

        Returns:
            The backfill, with its `id`.

        Raises:
            NotFoundError: There is no such job.
            OptionError: A time or an option is invalid, the job has no schedule, or it has more than 100,000
                occurrences in that time.

        >>> backfill = board.backfill("report", "2026-11-01", "2026-12-01", concurrency=2)
        >>> for found in board.backfill_watch(backfill.id):
        ...     print(found.done, "of", found.total)
        """
        name, arguments = start_call(job, start, stop, concurrency, latest_first, unknown, now)
        return self.backfill_show(str(self.commands.call(name, *arguments, *signature(self.by, because))))

    def backfill_list(self) -> Iterator[Backfill]:
        """List backfills, the oldest first: those under way, and the latest 100 that have ended."""
        yield from map(as_backfill, self.commands.call("JBACKFILLS"))

    def backfill_show(self, id: str) -> Backfill:
        """Read a backfill.

        Args:
            id: Its number, as `backfill` returns it.

        Raises:
            NotFoundError: There is no such backfill.
        """
        return found_backfill(self.commands.call("JBACKFILLS", id), id, self.name)

    def backfill_watch(self, id: str) -> Iterator[Backfill]:
        """Follow a backfill until it is over.

        Args:
            id: Its number.

        Yields:
            The backfill, now and whenever it has changed.

        Raises:
            NotFoundError: There is no such backfill.
        """
        last = None
        while True:
            found = self.backfill_show(id)
            if found != last:
                yield found
            if found.is_over:
                return
            last = found
            time.sleep(PAUSE)

    def backfill_cancel(self, id: str, *, because: str | None = None, now: Time | None = None) -> Backfill:
        """Cancel a backfill: queue nothing more, remove what is queued, and stop what is running.

        Args:
            id: Its number. One that has ended does not change.
            because: Why, for `changes`.
            now: The current time, for tests. The default is the clock of Redis.

        Returns:
            The backfill. It is `cancelling` until its running tasks have stopped.

        Raises:
            NotFoundError: There is no such backfill.
        """
        after = (*to_pairs({"now": now}, ()), *signature(self.by, because))
        self.commands.call("JBACKFILL", "cancel", id, *after)
        return self.backfill_show(id)

    def occurrences(
        self, job: str, start: Time, stop: Time, *, now: Time | None = None
    ) -> Iterator[Occurrence]:
        """List the occurrences of a job in the past, and whether each ran: what `backfill` would queue.

        Args:
            job: The job's id.
            start: The beginning of the time.
            stop: Its end. Occurrences from the job's next run on are left out.
            now: The current time, for tests. The default is the clock of Redis.

        Yields:
            The occurrences, earliest first.

        Raises:
            NotFoundError: There is no such job.
            OptionError: A time is invalid, or the job has no schedule.
        """
        busy = {due_of(task) for found in (self.tasks(job=job), self.dead(job=job)) for task in found}
        cursor = "0"
        while True:
            name, arguments = dues_call(job, start, stop, cursor, now)
            cursor, flat = self.commands.call(name, *arguments)
            yield from as_occurrences(flat, busy)
            if cursor == "0":
                return
