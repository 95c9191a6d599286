"""AsyncBoard: the asyncio client, on redis.asyncio. It sends the same commands as `Board`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Unpack

from jobs_core.alerts.rule import dumped_alert
from jobs_core.changes import Change, as_changes, changes_arguments
from jobs_core.client.aio_alerts import AsyncAlertMethods
from jobs_core.client.aio_backfills import AsyncBackfillMethods
from jobs_core.client.aio_base import listed
from jobs_core.client.aio_logs import AsyncLogMethods
from jobs_core.client.aio_pages import AsyncPageMethods
from jobs_core.client.aio_runs import AsyncRunMethods
from jobs_core.client.author import signature
from jobs_core.client.board import BoardClient
from jobs_core.client.graph import Graph, as_relations, chunks_of_children, graph_of
from jobs_core.client.listing import CHUNK, find_ids_async, plan_find, plan_jobs, read_jobs_async
from jobs_core.client.search import JobFilters
from jobs_core.cron.forms import zone_of
from jobs_core.engine.calls import next_arguments
from jobs_core.engine.replies import (
    as_dict,
    as_job,
    as_time,
    as_times,
    as_top,
    found_job,
)
from jobs_core.errors import JobsError
from jobs_core.options import (
    PAUSE_OPTIONS,
    Duration,
    JobOptions,
    JobSort,
    JobState,
    PutOptions,
    Time,
    to_pairs,
)
from jobs_core.top import Top
from jobs_core.types import Payload
from jobs_core.why.answer import Why

if TYPE_CHECKING:
    from jobs_core.client.apply import ApplyOptions, Plan
    from jobs_core.client.forecasting import ForecastOptions
    from jobs_core.forecast import Forecast
    from jobs_core.lint import Finding


class AsyncBoard(AsyncBackfillMethods, AsyncAlertMethods, AsyncRunMethods, AsyncLogMethods, AsyncPageMethods):
    """A named set of jobs on one Redis, for asyncio. It has the methods of `Board`, as coroutines.

    A board belongs to the event loop that first uses it.

    Plugins may block, so they check jobs on a thread. Bulk work (put_many, pause_many, resume_many,
    push_many, load, apply, plan, forecast, lint, trim, dead_retry, dead_purge, init) also runs on a thread,
    over a separate connection.
    Workers do not use asyncio: see `Board.respond` and `jobs run`.

    Args:
        name: The board's name, without spaces or braces.
        url: The URL of Redis. The default is JOBS_REDIS_URL, else the embedded server of `jobs up`.
        socket_timeout: Seconds to wait for an answer of Redis. The default is the URL's, else the setting.
        socket_connect_timeout: Seconds to wait for a connection, likewise.
        plugins: The plugins that check jobs. The default is all installed plugins.
        validate: False to skip checking jobs against their runners.
        by: Who changes the board, as `changes` shows it. The default is the user and host of this process.

    Raises:
        OptionError: The name or the URL is invalid.
        ServerError: There is no URL, and no server is found.

    >>> async with AsyncBoard("jobs", "redis://localhost") as board:
    ...     await board.put("tick", "shell", "date", every=5)
    ...     async for job in board.list():
    ...         print(job["id"])
    """

    # Jobs

    async def put(
        self,
        id: str,
        runner: str,
        payload: Payload,
        *,
        because: str | None = None,
        if_match: str | None = None,
        **options: Unpack[PutOptions],
    ) -> datetime | None:
        """Create or update a job, like `Board.put`."""
        return await self._put("JSET", id, runner, payload, options, because, if_match)

    async def create(
        self,
        id: str,
        runner: str,
        payload: Payload,
        *,
        because: str | None = None,
        **options: Unpack[PutOptions],
    ) -> datetime | None:
        """Create a job, like `Board.create`."""
        return await self._put("JSETNX", id, runner, payload, options, because)

    async def edit(
        self,
        id: str,
        *,
        runner: str | None = None,
        payload: Payload | None = None,
        unset: Iterable[str] = (),
        because: str | None = None,
        if_match: str | None = None,
        **options: Unpack[PutOptions],
    ) -> datetime | None:
        """Change some options of a job, like `Board.edit`."""
        job = await self.show(id)
        calls = self._board.calls
        name, arguments = await self._on_thread(calls.edit, job, runner, payload, options, unset)
        return as_time(await self._call(name, *arguments, *signature(self.by, because, if_match)))

    async def put_many(
        self, jobs: Iterable[Mapping[str, Any] | str], *, create: bool = False, because: str | None = None
    ) -> Sequence[datetime | JobsError | None]:
        """Put any number of jobs, like `Board.put_many`. Returns the results as a list."""
        return await self._on_thread(listed(self._board.put_many), jobs, create=create, because=because)

    async def show_many(self, *ids: str, summary: bool = False) -> Sequence[dict[str, Any]]:
        """Read jobs in few round trips, like `Board.show_many`."""
        return await self._on_thread(self._board.show_many, *ids, summary=summary)

    async def pause_many(
        self,
        ids: Iterable[str],
        *,
        until: Time | None = None,
        for_: Duration | None = None,
        because: str | None = None,
    ) -> Sequence[bool | JobsError]:
        """Pause any number of jobs, like `Board.pause_many`. Returns the results as a list."""
        many = listed(self._board.pause_many)
        return await self._on_thread(many, ids, until=until, for_=for_, because=because)

    async def resume_many(
        self, ids: Iterable[str], *, because: str | None = None
    ) -> Sequence[datetime | JobsError | None]:
        """Resume any number of jobs, like `Board.resume_many`. Returns the results as a list."""
        return await self._on_thread(listed(self._board.resume_many), ids, because=because)

    async def show(self, id: str) -> dict[str, Any]:
        """Read a job, like `Board.show`."""
        return found_job(await self._call("JGET", id), id, self.name, as_job)

    async def list(
        self,
        match: str | None = None,
        *,
        state: JobState | None = None,
        sort: JobSort | None = None,
        summary: bool = False,
        **filters: Unpack[JobFilters],
    ) -> AsyncIterator[dict[str, Any]]:
        """Read jobs, like `Board.list`: `async for job in board.list()`."""
        plan = plan_jobs(match, state, sort, filters)
        async for job in read_jobs_async(self.commands, plan, state, summary=summary):
            yield job

    async def find(
        self,
        match: str | None = None,
        *,
        state: JobState | None = None,
        sort: JobSort | None = None,
        **filters: Unpack[JobFilters],
    ) -> AsyncIterator[str]:
        """Find jobs, like `Board.find`: `async for id in board.find(label="team=payments")`."""
        async for id in find_ids_async(self.commands, plan_find(match, state, sort, filters)):
            yield id

    async def labels(self) -> dict[str, int]:
        """Count the jobs that have each label, like `Board.labels`."""
        return as_dict(await self._call("JLABELS"))

    async def remove(self, *ids: str, because: str | None = None, if_match: str | None = None) -> int:
        """Remove jobs, like `Board.remove`."""
        signed = signature(self.by, because, if_match)
        return int(await self._call("JDEL", *ids, "-", *signed)) if ids else 0

    async def pause(
        self,
        id: str,
        *,
        until: Time | None = None,
        for_: Duration | None = None,
        because: str | None = None,
        if_match: str | None = None,
        now: Time | None = None,
    ) -> bool:
        """Pause a job, like `Board.pause`."""
        pairs = to_pairs({"until": until, "for": for_, "now": now}, PAUSE_OPTIONS)
        return bool(await self._call("JPAUSE", id, *pairs, *signature(self.by, because, if_match)))

    async def resume(
        self,
        id: str,
        *,
        because: str | None = None,
        if_match: str | None = None,
        now: Time | None = None,
    ) -> datetime | None:
        """Resume a paused job, like `Board.resume`."""
        signed = signature(self.by, because, if_match)
        return as_time(await self._call("JRESUME", id, *to_pairs({"now": now}, ()), *signed))

    async def next(
        self,
        id: str | None = None,
        *,
        count: int = 1,
        from_: Time | None = None,
        now: Time | None = None,
        **options: Unpack[JobOptions],
    ) -> Sequence[datetime]:
        """Return the next runs of a job or of a schedule, like `Board.next`."""
        if zone_of(options) is not None:
            await self._on_thread(self._board.calls.check_zone, options)
        return as_times(await self._call("JNEXT", *next_arguments(id, count, from_, now, options)))

    async def when(self, id: str) -> dict[str, Any]:
        """Return what a job waits for, like `Board.when`."""
        return found_job(await self._call("JWHEN", id), id, self.name, json.loads)

    async def graph(self) -> Graph:
        """Return which jobs run after which, like `Board.graph`."""
        jobs = [job async for job in self.list(summary=True)]
        replies = [await self._call("JWHEN", *ids) for ids in chunks_of_children(jobs)]
        return graph_of(jobs, as_relations(replies))

    async def dump(self, *, ledger: bool = False) -> AsyncIterator[dict[str, Any]]:
        """Read all jobs and alerts in the form `load` takes, like `Board.dump`."""
        if ledger:
            lines = self._board.dump(ledger=True)
            while some := await self._on_thread(list, islice(lines, CHUNK)):
                for line in some:
                    yield line
            return
        async for job in self.list():
            yield BoardClient.dumped(job)
        for alert in await self.dumped_alerts():
            yield alert

    async def dumped_alerts(self) -> Sequence[dict[str, Any]]:
        """Read all alerts in the form `load` takes, like `Board.dumped_alerts`."""
        return [dumped_alert(text) for text in await self._call("JALERTS")]

    async def load(self, jobs: Iterable[Mapping[str, Any] | str]) -> Sequence[datetime | JobsError | None]:
        """Restore what was dumped, like `Board.load`. Returns the results as a list."""
        return await self._on_thread(listed(self._board.load), jobs)

    async def apply(
        self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Unpack[ApplyOptions]
    ) -> Plan:
        """Replace the jobs and alerts of an owner, like `Board.apply`."""
        return await self._on_thread(self._board.apply, jobs, owner, **options)

    async def plan(
        self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Unpack[ApplyOptions]
    ) -> Plan:
        """Return what `apply` would change, like `Board.plan`."""
        return await self._on_thread(self._board.plan, jobs, owner, **options)

    async def why(self, job_or_task: str, at: Time | None = None) -> Why:
        """Answer why a job or a task does what it does, like `Board.why`."""
        return await self._on_thread(self._board.why, job_or_task, at)

    async def lint(
        self,
        jobs: Sequence[Mapping[str, Any]] | None = None,
        *,
        alerts: Sequence[Mapping[str, Any]] = (),
        ignore: Collection[str] = (),
        now: float | None = None,
    ) -> Sequence[Finding]:
        """Find jobs and alerts that probably do not do what was meant, like `Board.lint`."""
        return await self._on_thread(self._board.lint, jobs, alerts=alerts, ignore=ignore, now=now)

    # Functions

    def job(self, id: Any = None, *, runner: str | None = None, **options: Any) -> Any:
        """Declare a function as a job, like `Board.job`. `put_declared` puts the declared jobs."""
        return self.functions.job(id, runner=runner, **options)

    async def put_declared(self) -> dict[str, datetime | None]:
        """Put the declared jobs, like `Board.put_declared`."""
        next_runs = {}
        for one in self.functions.declared:
            name, arguments = await self._on_thread(one.call, self._board.calls.put)
            next_runs[one.id] = as_time(await self._call(name, *arguments, *signature(self.by)))
        return next_runs

    # The board

    async def changes(
        self,
        job: str | None = None,
        *,
        from_: Time | None = None,
        to: Time | None = None,
        payload: bool = False,
        limit: int | None = None,
    ) -> AsyncIterator[Change]:
        """Read who changed what, newest first, like `Board.changes`."""
        cursor, left = None, limit
        while True:
            arguments = changes_arguments(job, from_, to, payload, cursor, left)
            cursor, found = as_changes(await self._call("JCHANGES", *arguments))
            for change in found:
                yield change
            left = None if left is None else left - len(found)
            if cursor is None or left == 0:
                return

    async def count(self) -> dict[str, int]:
        """Count what is on the board now, like `Board.count`."""
        return as_dict(await self._call("JCOUNT"))

    async def top(self, rows: int = 20, now: Time | None = None) -> Top:
        """Look at the board as it is now, like `Board.top`."""
        return as_top(await self._call("JTOP", "rows", rows, *to_pairs({"now": now}, ())))

    async def stats(self, job: str | None = None) -> dict[str, int]:
        """Return the ledger of the board or of one job, like `Board.stats`."""
        if job is None:
            return as_dict(await self._call("JSTATS"))
        return await self._on_thread(self._board.stats, job)

    async def forecast(self, days: float = 7, **options: Unpack[ForecastOptions]) -> Forecast:
        """Forecast what the board will run, like `Board.forecast`."""
        return await self._on_thread(self._board.forecast, days, **options)

    async def trim(self, queue: str, keep: int, *, because: str | None = None) -> int:
        """Drop the oldest tasks of a queue, like `Board.trim`."""
        return await self._on_thread(self._board.trim, queue, keep, because=because)

    async def init(self, *, partitions: int | None = None) -> dict[str, str]:
        """Load Jobs into Redis, like `Board.init`."""
        return await self._on_thread(self._board.init, partitions=partitions)
