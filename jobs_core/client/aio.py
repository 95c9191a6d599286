"""AsyncBoard: the asyncio client, on redis.asyncio. It sends the same commands as `Board`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, Unpack

from jobs_core.client.aio_base import AsyncBase, connect_async, listed
from jobs_core.client.board import BoardClient
from jobs_core.client.listing import CHUNK, plan_jobs, read_jobs_async
from jobs_core.client.output import ENDS, PAGE, Reading
from jobs_core.client.waiting import Waiting
from jobs_core.cron.forms import zone_of
from jobs_core.engine.calls import TASK_FILTERS, ack_pairs, next_arguments, pop_call
from jobs_core.engine.replies import (
    Hold,
    Tick,
    as_bounds,
    as_cancelled,
    as_cancelled_counts,
    as_dict,
    as_entry,
    as_job,
    as_listed,
    as_task,
    as_tick,
    as_time,
    as_times,
    found_job,
    lease_states,
)
from jobs_core.errors import JobsError
from jobs_core.options import (
    LIMIT_OPTIONS,
    RETENTION,
    Duration,
    JobOptions,
    JobSort,
    JobState,
    PushOptions,
    PutOptions,
    ReportOptions,
    RetentionOptions,
    TaskFilters,
    TaskState,
    Time,
    to_pairs,
)
from jobs_core.types import Payload, Task, Verb

if TYPE_CHECKING:
    from jobs_core.client.apply import ApplyOptions, Plan

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class AsyncBoard(AsyncBase):
    """A named set of jobs on one Redis, for asyncio. It has the methods of `Board`, as coroutines.

    A board belongs to the event loop that first uses it.

    Plugins may block, so they check jobs on a thread. Bulk work (put_many, push_many, load, apply, plan,
    trim, dead_retry, dead_purge, init) also runs on a thread, over a separate connection. Workers do not
    use asyncio: see `Board.respond` and `jobs run`.

    Args:
        name: The board's name, without spaces or braces.
        url: The URL of Redis. The default is JOBS_REDIS_URL, else the embedded server of `jobs up`.
        socket_timeout: Seconds to wait for an answer of Redis. The default is the URL's, else the setting.
        socket_connect_timeout: Seconds to wait for a connection, likewise.
        plugins: The plugins that check jobs. The default is all installed plugins.
        validate: False to skip checking jobs against their runners.

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
        self, id: str, runner: str, payload: Payload, **options: Unpack[PutOptions]
    ) -> datetime | None:
        """Create or update a job, like `Board.put`."""
        return await self._put("JSET", id, runner, payload, options)

    async def create(
        self, id: str, runner: str, payload: Payload, **options: Unpack[PutOptions]
    ) -> datetime | None:
        """Create a job, like `Board.create`."""
        return await self._put("JSETNX", id, runner, payload, options)

    async def edit(
        self,
        id: str,
        *,
        runner: str | None = None,
        payload: Payload | None = None,
        unset: Iterable[str] = (),
        **options: Unpack[PutOptions],
    ) -> datetime | None:
        """Change some options of a job, like `Board.edit`."""
        job = await self.show(id)
        calls = self._board.calls
        name, arguments = await self._on_thread(calls.edit, job, runner, payload, options, unset)
        return as_time(await self._call(name, *arguments))

    async def put_many(
        self, jobs: Iterable[Mapping[str, Any] | str], *, create: bool = False
    ) -> Sequence[datetime | JobsError | None]:
        """Put any number of jobs, like `Board.put_many`. Returns the results as a list."""
        return await self._on_thread(listed(self._board.put_many), jobs, create=create)

    async def show(self, id: str) -> dict[str, Any]:
        """Read a job, like `Board.show`."""
        return found_job(await self._call("JGET", id), id, self.name, as_job)

    async def list(
        self, match: str | None = None, *, state: JobState | None = None, sort: JobSort | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Read jobs, like `Board.list`: `async for job in board.list()`."""
        plan = plan_jobs(self.keys, match, state, sort)
        async for job in read_jobs_async(self._call, self._read, plan, state):
            yield job

    async def remove(self, *ids: str) -> int:
        """Remove jobs, like `Board.remove`."""
        return int(await self._call("JDEL", *ids)) if ids else 0

    async def pause(self, id: str) -> bool:
        """Pause a job, like `Board.pause`."""
        return bool(await self._call("JPAUSE", id))

    async def resume(self, id: str, *, now: Time | None = None) -> datetime | None:
        """Resume a paused job, like `Board.resume`."""
        return as_time(await self._call("JRESUME", id, *to_pairs({"now": now}, ())))

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

    async def dump(self) -> AsyncIterator[dict[str, Any]]:
        """Read all jobs in the form `load` takes, like `Board.dump`."""
        async for job in self.list():
            yield BoardClient.dumped(job)

    async def load(self, jobs: Iterable[Mapping[str, Any] | str]) -> Sequence[datetime | JobsError | None]:
        """Restore dumped jobs, like `Board.load`. Returns the results as a list."""
        return await self.put_many(jobs)

    async def apply(
        self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Unpack[ApplyOptions]
    ) -> Plan:
        """Replace the jobs of an owner, like `Board.apply`."""
        return await self._on_thread(self._board.apply, jobs, owner, **options)

    async def plan(
        self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Unpack[ApplyOptions]
    ) -> Plan:
        """Return what `apply` would change, like `Board.plan`."""
        return await self._on_thread(self._board.plan, jobs, owner, **options)

    # Functions

    def job(self, id: Any = None, *, runner: str | None = None, **options: Any) -> Any:
        """Declare a function as a job, like `Board.job`. `put_declared` puts the declared jobs."""
        return self.functions.job(id, runner=runner, **options)

    async def put_declared(self) -> dict[str, datetime | None]:
        """Put the declared jobs, like `Board.put_declared`."""
        next_runs = {}
        for one in self.functions.declared:
            name, arguments = await self._on_thread(one.call, self._board.calls.put)
            next_runs[one.id] = as_time(await self._call(name, *arguments))
        return next_runs

    # Tasks

    async def push(
        self, runner_or_job: str, payload: Payload | None = None, **options: Unpack[PushOptions]
    ) -> str:
        """Queue a one-off task, or run a job now, like `Board.push`."""
        name, arguments = await self._on_thread(self._board.calls.push, runner_or_job, payload, options)
        return str(await self._call(name, *arguments))

    async def push_many(self, tasks: Iterable[Mapping[str, Any] | str]) -> Sequence[str | JobsError]:
        """Push any number of tasks, like `Board.push_many`. Returns the results as a list."""
        return await self._on_thread(listed(self._board.push_many), tasks)

    async def pop(
        self,
        *queues: str,
        count: int = 1,
        lease: Duration | None = None,
        worker: str = "",
        now: Time | None = None,
    ) -> Sequence[Task]:
        """Take tasks, like `Board.pop`."""
        name, arguments = pop_call(queues, count, lease, worker, now)
        return [as_task(fields) for fields in await self._call(name, *arguments)]

    async def ack(self, token: str, verb: Verb = "done", **options: Unpack[ReportOptions]) -> str:
        """Report on a task, like `Board.ack`."""
        return str(await self._call("JACK", token, verb, *ack_pairs(options)))

    async def cancel(self, id: str) -> Literal["cancelled", "cancelling"]:
        """Cancel a task, like `Board.cancel`."""
        found = [done async for done in self._pages("JCANCEL", id, after=())]
        return as_cancelled(found, id, self.name)

    async def cancel_job(self, job: str) -> dict[str, int]:
        """Cancel all tasks of a job, like `Board.cancel_job`."""
        return as_cancelled_counts([done async for done in self._pages("JCANCEL", "-", after=("job", job))])

    async def tasks(
        self, state: TaskState | None = None, **filters: Unpack[TaskFilters]
    ) -> AsyncIterator[dict[str, Any]]:
        """List tasks, like `Board.tasks`."""
        pairs = to_pairs({"state": state} | filters, TASK_FILTERS)
        async for text in self._pages("JTASKS", after=pairs):
            yield as_listed(text)

    async def history(
        self, *, task: str | None = None, job: str | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Read the history, newest first, like `Board.history`."""
        await self._on_thread(self._board.commands.require_layout)
        last = "+"

        async def page(client: Any) -> Any:
            return await client.xrevrange(self.keys.history, last, "-", CHUNK)

        while True:
            entries = await self._read(page)
            for id, fields in entries:
                last = f"({id}"
                entry = as_entry(id, fields)
                if task in (None, entry["task"]) and job in (None, entry["job"]):
                    yield entry
            if len(entries) < CHUNK:
                return

    async def output(self, task: str, *, follow: bool = False) -> AsyncIterator[dict[str, Any]]:
        """Read what a task printed, like `Board.output`."""
        await self._on_thread(self._board.commands.require_layout)
        reading = Reading(self.name, task, follow=follow)
        client = connect_async(self._board, 1, blocking=True)  # a separate connection, because it blocks
        cancels = _cancel_count()

        async def take(client: Any) -> Sequence[dict[str, Any]]:
            found = await client.xread({self.keys.output(task): reading.last}, PAGE, reading.block)
            return reading.take(found)

        try:
            while not reading.is_over:
                entries: Sequence[dict[str, Any]] = ()
                if follow:
                    async with self._outlasting():
                        entries = await take(client)
                else:
                    entries = await self._read(take)
                if _cancel_count() > cancels:  # before Python 3.12, asyncio.wait_for may swallow one
                    raise asyncio.CancelledError
                for entry in entries:
                    yield entry
                async with self._outlasting():
                    if reading.needs_check:
                        reading.note_presence(await self._has_task(task))
        finally:
            await client.aclose()

    async def wait(self, task: str, timeout: float | None = None) -> dict[str, Any]:
        """Wait until a task ends, like `Board.wait`."""
        await self._on_thread(self._board.commands.require_layout)
        newest: Any = await self._read(lambda client: client.xrevrange(self.keys.history, count=1))
        waiting = Waiting(self.name, task, newest, timeout)
        async for known in self.history(task=task):
            if known["what"] in ENDS:
                return known
            break
        client = connect_async(self._board, 1, blocking=True)  # a separate connection, because it blocks
        try:
            while True:
                last, block = waiting.last, waiting.block
                async with self._outlasting():
                    if waiting.needs_check:
                        waiting.note_presence(await self._has_task(task))
                    end = waiting.take(await client.xread({self.keys.history: last}, CHUNK, block))
                    if end:
                        return end
        finally:
            await client.aclose()

    async def _has_task(self, task: str) -> bool:
        async for _ in self.tasks(task=task):
            return True
        return False

    async def dead(self, **filters: Unpack[TaskFilters]) -> AsyncIterator[dict[str, Any]]:
        """List dead letters, like `Board.dead`."""
        async for task in self.tasks("dead", **filters):
            yield task

    async def dead_retry(self, *, all: bool = False, **filters: Unpack[TaskFilters]) -> int:
        """Queue dead letters again, like `Board.dead_retry`."""
        return await self._on_thread(self._board.dead_retry, all=all, **filters)

    async def dead_purge(self, *, all: bool = False, **filters: Unpack[TaskFilters]) -> int:
        """Delete dead letters, like `Board.dead_purge`."""
        return await self._on_thread(self._board.dead_purge, all=all, **filters)

    async def limit(
        self,
        kind: Literal["queue", "runner"],
        name: str,
        *,
        concurrency: int | None = None,
        rate: str | None = None,
        max_length: int | None = None,
    ) -> None:
        """Limit a queue or a runner, like `Board.limit`."""
        options = {"concurrency": concurrency, "rate": rate, "max_length": max_length}
        await self._call("JLIMIT", kind, name, *to_pairs(options, LIMIT_OPTIONS))

    async def limits(self) -> AsyncIterator[dict[str, Any]]:
        """List the limits of queues and runners, like `Board.limits`."""
        for limit in await self._on_thread(listed(self._board.limits)):
            yield limit

    async def retain(self, **bounds: Unpack[RetentionOptions]) -> dict[str, int | float | None]:
        """Set how much the board keeps, like `Board.retain`."""
        return as_bounds(await self._call("JRETAIN", *to_pairs(bounds, RETENTION)))

    async def retention(self) -> dict[str, int | float | None]:
        """Return how much the board keeps, like `Board.retention`."""
        return await self._on_thread(self._board.retention)

    async def workers(self) -> AsyncIterator[dict[str, Any]]:
        """List the workers that have been seen lately, like `Board.workers`."""
        for worker in await self._on_thread(listed(self._board.workers)):
            yield worker

    async def beat(self, lease: Duration, *tokens: str) -> Sequence[Hold]:
        """Extend leases, like `Board.beat`."""
        return lease_states(await self._call("JBEAT", lease, *tokens))

    async def tick(self, limit: int = 500, now: Time | None = None) -> Tick:
        """Move due occurrences to their queues, like `Board.tick`."""
        return as_tick(await self._call("JTICK", "limit", limit, *to_pairs({"now": now}, ())))

    # The board

    async def count(self) -> dict[str, int]:
        """Count what is on the board now, like `Board.count`."""
        return as_dict(await self._call("JCOUNT"))

    async def stats(self, job: str | None = None) -> dict[str, int]:
        """Return the ledger of the board or of one job, like `Board.stats`."""
        if job is None:
            return as_dict(await self._call("JSTATS"))
        return await self._on_thread(self._board.stats, job)

    async def trim(self, queue: str, keep: int) -> int:
        """Drop the oldest tasks of a queue, like `Board.trim`."""
        return await self._on_thread(self._board.trim, queue, keep)

    async def init(self) -> dict[str, str]:
        """Load Jobs into Redis, like `Board.init`."""
        return await self._on_thread(self._board.init)


def _cancel_count() -> int:
    """Return how many cancellations of the current asyncio task were requested."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0
