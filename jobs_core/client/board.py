"""The client of a board. Most methods send one command, and Redis does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack

from jobs_core.bounds import RETENTION, RetentionOptions
from jobs_core.changes import Change, as_changes, changes_arguments
from jobs_core.client.alert_methods import AlertMethods
from jobs_core.client.author import signature
from jobs_core.client.backfill_methods import BackfillMethods
from jobs_core.client.declaration_methods import DeclarationMethods
from jobs_core.client.log_methods import LogMethods
from jobs_core.client.many_methods import ManyMethods
from jobs_core.client.page_methods import PageMethods
from jobs_core.client.run_methods import RunMethods
from jobs_core.client.seen_workers import read_workers
from jobs_core.engine import ledger, zones
from jobs_core.engine.replies import Tick, as_bound, as_bounds, as_dict, as_limits, as_tick, as_top
from jobs_core.errors import OptionError
from jobs_core.options import LIMIT_OPTIONS, Time, to_pairs
from jobs_core.top import Top
from jobs_core.types import is_task_id
from jobs_core.why.answer import Why
from jobs_core.why.ask import is_job, why_job, why_task
from jobs_core.why.moment import read_moment

if TYPE_CHECKING:
    from jobs_core.client.forecasting import ForecastOptions
    from jobs_core.forecast import Forecast


class BoardClient(
    DeclarationMethods, BackfillMethods, AlertMethods, RunMethods, LogMethods, ManyMethods, PageMethods
):
    """A named set of jobs on one Redis.

    Options have the names that `jobs put --help` shows, with underscores for dashes. Durations may be
    timedeltas, and times may be datetimes. A board is thread-safe. Use it as a context manager, or call
    `close`.

    Args:
        name: The board's name, without spaces or braces.
        url: The URL of Redis. The default is JOBS_REDIS_URL, else the embedded server of `jobs up`.
        client: A redis-py client to use instead of a URL. It must decode responses.
        socket_timeout: Seconds to wait for an answer of Redis. The default is the URL's, else the setting.
        socket_connect_timeout: Seconds to wait for a connection, likewise.
        plugins: The plugins that check jobs. The default is all installed plugins.
        validate: False to skip checking jobs against the runners that this machine and the board know.
        by: Who changes the board, as `changes` shows it. The default is the user and host of this process.

    Raises:
        OptionError: The name, the URL or the client is invalid.
        ServerError: There is no URL, and no server is found.

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

        A client passed to the constructor stays open. Later calls raise UserError. Closing twice is fine.
        """
        for stop in tuple(self._closing):
            stop()
        self.commands.close()
        if self._owns_client:
            self.client.close()

    def limit(
        self,
        kind: Literal["queue", "runner"],
        name: str,
        *,
        concurrency: int | None = None,
        rate: str | None = None,
        max_length: int | None = None,
        because: str | None = None,
    ) -> None:
        """Limit a queue or a runner across all workers. Without options, remove its limit.

        Args:
            kind: `queue` or `runner`.
            name: The name of the queue or runner.
            concurrency: How many of its tasks may run at once.
            rate: How many of its tasks may start in a period: `100/1m`.
            max_length: How many tasks may wait in a queue. Beyond that, pushes are rejected, and due runs are
                skipped.
            because: Why, for `changes`.

        Raises:
            OptionError: An option is invalid.

        >>> board.limit("runner", "http", concurrency=20, rate="100/1m")
        """
        options = to_pairs(
            {"concurrency": concurrency, "rate": rate, "max_length": max_length}, LIMIT_OPTIONS
        )
        self.commands.call("JLIMIT", kind, name, *options, *signature(self.by, because))

    def limits(self) -> Iterator[dict[str, Any]]:
        """List the limits of queues and runners.

        Yields:
            Mappings with kind, name, concurrency, rate and max_length.
        """
        self.commands.require_layout()
        first = self.commands.parts[0]  # all partitions know all limits
        kept: Any = first.read_keys(lambda client, keys: client.hgetall(keys.limits))
        lengths: Any = first.read_keys(lambda client, keys: client.hgetall(keys.lengths))
        yield from as_limits(kept, lengths)

    def retain(self, **bounds: Unpack[RetentionOptions]) -> dict[str, int | float | None]:
        """Set how much the board keeps.

        Args:
            bounds: The names in `retention`, with underscores. Each is a number or a duration, `"off"` for no
                bound, or `"default"`. With `changes="off"` or `runs="off"`, none are recorded.

        Returns:
            All bounds as they are now. Durations are in seconds, and None is no bound.

        Raises:
            OptionError: A bound is unknown or invalid.

        >>> board.retain(dead_letters=5000, expire_ended="30d")
        """
        return as_bounds(self.commands.call("JRETAIN", *to_pairs(bounds, RETENTION), *signature(self.by)))

    def retention(self) -> dict[str, int | float | None]:
        """Return how much the board keeps, as `retain` returns it."""
        self.commands.require_layout()
        first = self.commands.parts[0]  # all partitions have the same settings
        kept: Any = first.read_keys(lambda client, keys: client.hgetall(keys.settings))
        return {
            name: as_bound(name, kept.get(name, bound.default)) for name, bound in sorted(RETENTION.items())
        }

    def workers(self) -> Iterator[dict[str, Any]]:
        """List the workers that have been seen lately. One that ends in good order leaves the list.

        Yields:
            Mappings with worker, state, host, pid, runners, queues, concurrency, running, ticks, drift
            (seconds that its clock is ahead of Redis), started and seen (epoch seconds). The state is
            serving, draining, silent (dead, or cut off), or unknown (it registered once, in an older way).
        """
        self.commands.require_layout()
        yield from read_workers(self.commands)

    def changes(
        self,
        job: str | None = None,
        *,
        from_: Time | None = None,
        to: Time | None = None,
        payload: bool = False,
        limit: int | None = None,
    ) -> Iterator[Change]:
        """Read who changed what on the board, newest first. The board keeps about the last 10,000 changes.

        Args:
            job: Only changes of this job, with what it was before. It may have been removed.
            from_: Only changes since this time.
            to: Only changes until this time.
            payload: Include payloads, which may be secret. Those of more than 4 KiB are not kept.
            limit: How many to read at most. `change_page` reads them page by page.

        Yields:
            Changes, one for each call, even of many jobs.

        Raises:
            OptionError: A time is invalid, or `limit` is below 1.

        >>> next(board.changes("report")).before["cron"]
        '0 3 * * *'
        """
        cursor, left = None, limit
        while True:
            arguments = changes_arguments(job, from_, to, payload, cursor, left)
            cursor, found = as_changes(self.commands.call("JCHANGES", *arguments))
            yield from found
            left = None if left is None else left - len(found)
            if cursor is None or left == 0:
                return

    def why(self, job_or_task: str, at: Time | None = None) -> Why:
        """Answer why a job ran, did not run or will run at a moment; or why a task is where it is.

        The answer comes from what the board has recorded. `is_complete` is False where that does not reach
        back to the moment.

        Args:
            job_or_task: The id of a job or of a task. An id that is both means the job.
            at: The moment, as a time or in words such as `tue 03:00`. The default is now, and a task has a
                time of its own.

        Raises:
            NotFoundError: There is no such job or task, nor a record of one.
            OptionError: `at` is no moment, or is given for a task.

        >>> board.why("report", at="tue 03:00").reason
        'paused'
        """
        now = self.commands.now()
        if not isinstance(job_or_task, str):
            raise OptionError(f"expected the id of a job or task, got {job_or_task!r}")
        if not is_task_id(job_or_task) or is_job(self, job_or_task):
            return why_job(self, job_or_task, now, None if at is None else read_moment(at, now))
        if at is not None:
            raise OptionError("at: goes with a job: a task has its own time", option="at")
        return why_task(self, job_or_task, now)

    def tick(self, limit: int = 500, now: Time | None = None) -> Tick:
        """Move due occurrences to their queues. Workers do this by themselves.

        Args:
            limit: How many occurrences to move at most (1 to 1000).
            now: The time to tick at, for tests. The default is the clock of Redis.

        Returns:
            How many tasks were moved, and the seconds until there is more to do.
        """
        return as_tick(self.commands.call("JTICK", "limit", limit, *to_pairs({"now": now}, ())))

    def forecast(self, days: float = 7, **options: Unpack[ForecastOptions]) -> Forecast:
        """Forecast what the board will run, with the real engine on a private server and virtual time.

        The board is only read, and nothing runs. Payloads are not copied.

        Args:
            days: The length of the span (at most 92).
            options: `from_` is the beginning of the span, now or later. `duration` is how long a run takes if
                nothing is known about its job (10 s). `durations` has seconds by job id, in place of what is
                known. `progress` is called often with the share of the work that is done, from 0 to 1; an
                exception that it raises ends the forecast. `now` is for tests.

        Returns:
            The runs by hour, the busiest minutes, what each job does, and what had to be guessed.

        Raises:
            OptionError: An option is invalid.
            ServerError: No Redis or Valkey is installed here.

        >>> forecast = board.forecast(days=1)
        >>> forecast.runs, forecast.minutes[0].jobs, forecast.never
        (1464, (('backup', 1), ('report', 1)), ('manual',))
        """
        from jobs_core.client.forecasting import forecast

        return forecast(self, days, **options)

    def count(self) -> dict[str, int]:
        """Count what is on the board now.

        Returns:
            Numbers by name: jobs, scheduled, queued, delayed, leased, dead, and each queue.
        """
        return as_dict(self.commands.call("JCOUNT"))

    def top(self, rows: int = 20, now: Time | None = None) -> Top:
        """Look at the board as it is now: what runs, what waits, how late it is, and who works.

        It costs little, however large the board is. Compare two looks with `Top.rates_since`.

        Args:
            rows: How many running tasks, queues and workers to read at most (1 to 100).
            now: The current time, for tests. The default is the clock of Redis.

        Returns:
            The numbers of the board, with the first rows of each.

        Raises:
            OptionError: `rows` is out of range.

        >>> board.top().late
        0.0
        """
        return as_top(self.commands.call("JTOP", "rows", rows, *to_pairs({"now": now}, ())))

    def stats(self, job: str | None = None) -> dict[str, int]:
        """Return the ledger of the board since its creation, or the ledger of one job.

        due = queued + coalesced + skipped, and queued = done + dead + cancelled + unleased + in_flight. The
        board's also has `skipped:late` and others, if any were skipped for that reason.

        Args:
            job: The id of a job. The default is the whole board.

        Returns:
            Counters by name.

        Raises:
            NotFoundError: There is no such job.
        """
        if job is None:
            return as_dict(self.commands.call("JSTATS"))
        found = as_dict(self.commands.call("JSTATS", "job", job))
        found["in_flight"] = sum(1 for _ in self.tasks(job=job))
        found["queued"] = ledger.total(found, "queued")
        return {"due": ledger.total(found, "due"), "queued": found.pop("queued")} | found

    def trim(
        self,
        queue: str,
        keep: int,
        *,
        progress: Callable[[int], None] | None = None,
        because: str | None = None,
    ) -> int:
        """Drop the oldest tasks of a queue.

        Args:
            queue: The name of the queue.
            keep: How many of the newest tasks to keep.
            progress: Called after each batch with the number of tasks it dropped.
            because: Why, for `changes`.

        Returns:
            How many tasks were dropped.
        """
        dropped, limit = 0, 1000
        while True:
            n = int(self.commands.call("JTRIM", queue, keep, "limit", limit, *signature(self.by, because)))
            dropped += n
            if progress:
                progress(n)
            if n < limit:
                return dropped

    def init(self, *, partitions: int | None = None) -> dict[str, str]:
        """Load the library of functions, the scripts of the `commands` hash and the time zones into Redis.

        Other methods do this automatically if their user has permission. In a cluster, only this method
        creates a board.

        Args:
            partitions: Spread a new board over so many partitions (1 to 256), which a cluster may have on
                several nodes. The number never changes.

        Returns:
            The SHA of each script, by the name of its command.

        Raises:
            DeniedError: The user lacks permission for a command that Jobs runs. Only the library may have
                been written.
            OptionError: The board exists, and has not so many partitions.
        """
        if partitions is not None:
            self.commands.make_partitions(partitions)
        self.commands.require_role("admin")
        shas = self.commands.load()
        zones.load(self.commands)
        return shas

    def refresh_zones(self) -> bool:
        """Update the board's time zones, and the next runs of jobs in changed zones.

        Returns:
            Whether anything was updated. A board without time zones is left alone.
        """
        return zones.load(self.commands, refresh_only=True)

    def register(self, worker: str, runners: Iterable[str]) -> None:
        """Register the runners that a worker serves.

        Args:
            worker: The worker's name.
            runners: The names of its runners.

        Raises:
            DeniedError: The user lacks a permission of the role worker.
        """
        self.commands.require_role("worker")
        self.commands.call("JREGISTER", worker, *runners)
