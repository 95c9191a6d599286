"""The client of a board. Each method is one command; Redis does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Literal, Self

from jobs_core.client.job_methods import JobMethods
from jobs_core.client.task_methods import TaskMethods
from jobs_core.engine import ledger, zones
from jobs_core.engine.commands import translated
from jobs_core.engine.replies import Tick, as_dict, as_limit, as_tick
from jobs_core.options import Time, to_pairs


class BoardClient(JobMethods, TaskMethods):
    """A named set of jobs on one Redis.

    `url` defaults to JOBS_REDIS_URL, or else to the embedded server of `jobs up`. With `validate=False` jobs
    are not checked against the runners that this machine and the board know. Options are those of
    `jobs put --help`, under the same names; durations may be timedeltas and times datetimes.

    >>> board = Board("jobs", url="redis://localhost")
    >>> board.put("tick", "shell", "echo hi", every=5, repeat=10)
    datetime.datetime(2026, 12, 1, 8, 0, tzinfo=datetime.timezone.utc)
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop each `respond` on another thread, wait until it has drained, and close the connections.

        The connections of a client that was given stay open.
        """
        for stop in tuple(self._closing):
            stop()
        if self._owns_client:
            self.client.close()

    def limit(
        self,
        kind: Literal["queue", "runner"],
        name: str,
        *,
        concurrency: int | None = None,
        rate: str | None = None,
    ) -> None:
        """Limit a queue or a runner over all workers; with neither option its limit is gone.

        >>> board.limit("runner", "http", concurrency=20, rate="100/1m")
        """
        options = to_pairs({"concurrency": concurrency, "rate": rate})
        self.commands.call("JLIMIT", kind, name, *options)

    def limits(self) -> Iterator[dict[str, Any]]:
        """The limits of queues and runners: kind, name, concurrency, rate."""
        self.commands.require_layout()
        with translated(self.commands.server):
            kept = self.client.hgetall(self.keys.limits)
        for name, text in sorted(kept.items()):
            yield as_limit(str(name), str(text))

    def tick(self, limit: int = 500, now: Time | None = None) -> Tick:
        """Move up to `limit` due occurrences to their queues."""
        return as_tick(self.commands.call("JTICK", "limit", limit, *to_pairs({"now": now}, ())))

    def count(self) -> dict[str, int]:
        """What is on the board now: jobs, scheduled, queued, delayed, leased, dead, and each queue."""
        return as_dict(self.commands.call("JCOUNT"))

    def stats(self, job: str | None = None) -> dict[str, int]:
        """The ledger since the board was made, or that of one job.

        due = queued + coalesced + skipped; queued = done + dead + cancelled + unleased + in_flight.
        Raises NotFoundError.
        """
        if job is None:
            return as_dict(self.commands.call("JSTATS"))
        found = as_dict(self.commands.call("JSTATS", "job", job))
        found["in_flight"] = sum(1 for _ in self.tasks(job=job))
        found["queued"] = ledger.total(found, "queued")
        return {"due": ledger.total(found, "due"), "queued": found.pop("queued")} | found

    def trim(self, queue: str, keep: int, *, progress: Callable[[int], None] | None = None) -> int:
        """Drop the oldest tasks of a queue until `keep` remain. Returns how many were dropped."""
        dropped, limit = 0, 1000
        while True:
            n = int(self.commands.call("JTRIM", queue, keep, "limit", limit))
            dropped += n
            if progress:
                progress(n)
            if n < limit:
                return dropped

    def init(self) -> dict[str, str]:
        """Load the library of functions, the scripts of the `commands` hash and the time zones into Redis.

        Other methods do so by themselves where they may. In a cluster, only this makes a new board.

        Returns:
            The SHA of each script, by the name of its command.

        Raises:
            DeniedError: This user lacks a command that Jobs runs. Nothing was written but the library.
        """
        self.commands.require_role("admin")
        shas = self.commands.load()
        zones.load(self.commands)
        return shas

    def refresh_zones(self) -> bool:
        """Bring the board's time zones up to date, if it has any, and the next runs in those that changed."""
        return zones.load(self.commands, refresh_only=True)

    def register(self, worker: str, runners: Iterable[str]) -> None:
        """Say that a worker serves these runners. Raises DeniedError for a user who may not work here."""
        self.commands.require_role("worker")
        self.commands.call("JREGISTER", worker, *runners)
