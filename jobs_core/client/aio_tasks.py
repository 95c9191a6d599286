"""The methods of an asyncio board about tasks: push, pop, report, list, limit, tick."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Literal, Unpack

from jobs_core.bounds import RETENTION, RetentionOptions
from jobs_core.client.aio_base import AsyncBase, listed
from jobs_core.client.author import signature
from jobs_core.client.history import plan_back
from jobs_core.client.listing import CHUNK, find_ids_async, plan_find
from jobs_core.client.output import ENDS, PAGE, Reading
from jobs_core.client.steps import lists_async
from jobs_core.client.waiting import Waiting
from jobs_core.engine.calls import TASK_FILTERS, ack_pairs, pop_call, release_calls
from jobs_core.engine.replies import (
    Hold,
    Tick,
    as_bounds,
    as_cancelled,
    as_cancelled_counts,
    as_entry,
    as_listed,
    as_task,
    as_tick,
    entry_filter,
    lease_states,
)
from jobs_core.errors import JobsError, UnconfirmedError
from jobs_core.options import (
    LIMIT_OPTIONS,
    Duration,
    Labels,
    PushOptions,
    ReportOptions,
    TaskFilters,
    TaskState,
    Time,
    to_pairs,
)
from jobs_core.types import Payload, Task, Verb


class AsyncTaskMethods(AsyncBase):
    """The methods of an asyncio board about tasks. Each works like the method of `Board` with its name."""

    async def push(
        self, runner_or_job: str, payload: Payload | None = None, **options: Unpack[PushOptions]
    ) -> str:
        """Queue a one-off task, or run a job now, like `Board.push`."""
        if not self._board.pushes.is_ready:
            await self._on_thread(self._board.pushes.prepare)
        signed = signature(self.by) if payload is None else ()
        with self._board.pushes.begin(runner_or_job, payload, options) as push:
            call = await self._on_thread(self._board.calls.push, runner_or_job, payload, push.options)
            return push.succeeded(str(await self._call(call[0], *call[1], *signed)))

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
        try:
            return [as_task(fields) for fields in await self._call(name, *arguments)]
        except UnconfirmedError as error:
            await self._on_thread(self._board.commands.batch, release_calls(error.reply))
            raise

    async def ack(self, token: str, verb: Verb = "done", **options: Unpack[ReportOptions]) -> str:
        """Report on a task, like `Board.ack`."""
        return str(await self._call("JACK", token, verb, *ack_pairs(options)))

    async def cancel(self, id: str, *, because: str | None = None) -> Literal["cancelled", "cancelling"]:
        """Cancel a task, like `Board.cancel`."""
        found = [done async for done in self._pages("JCANCEL", id, after=signature(self.by, because))]
        return as_cancelled(found, id, self.name)

    async def cancel_job(
        self, job: str | None = None, *, label: Labels | None = None, because: str | None = None
    ) -> dict[str, int]:
        """Cancel all tasks of a job, or with labels, like `Board.cancel_job`."""
        filters = to_pairs({"job": job, "label": label}, TASK_FILTERS)
        after = (*filters, *signature(self.by, because))
        return as_cancelled_counts([done async for done in self._pages("JCANCEL", "-", after=after)])

    async def tasks(
        self, state: TaskState | None = None, **filters: Unpack[TaskFilters]
    ) -> AsyncIterator[dict[str, Any]]:
        """List tasks, like `Board.tasks`."""
        pairs = to_pairs({"state": state} | filters, TASK_FILTERS)
        async for text in self._pages("JTASKS", after=pairs):
            yield as_listed(text)

    async def history(
        self, *, task: str | None = None, job: str | None = None, label: Labels | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Read the history, newest first, like `Board.history`."""
        await self._on_thread(self._board.commands.require_layout)
        fits = entry_filter(task, job, None if label is None else await self._labeled(label))
        async for page in lists_async(plan_back(task, job, None, CHUNK), self.commands):
            for id, _, fields in page:
                entry = as_entry(id, fields)
                if fits(entry):
                    yield entry

    async def _labeled(self, label: Labels) -> set[str]:
        """Return the ids of the jobs that have these labels."""
        plan = plan_find(None, None, None, {"label": label})
        return {id async for id in find_ids_async(self.commands, plan)}

    async def output(self, task: str, *, follow: bool = False) -> AsyncIterator[dict[str, Any]]:
        """Read what a task printed, like `Board.output`."""
        await self._on_thread(self._board.commands.require_layout)
        part = await self.commands.part_of_task(task)
        reading = Reading(self.name, task, follow=follow)
        client = part.connect_blocking()  # it blocks
        cancels = _cancel_count()

        async def take(client: Any) -> Sequence[dict[str, Any]]:
            found = await client.xread({part.keys.output(task): reading.last}, PAGE, reading.block)
            return reading.take(found)

        try:
            while not reading.is_over:
                entries: Sequence[dict[str, Any]] = ()
                if follow:
                    async with self._suppress_outage():
                        entries = await take(client)
                else:
                    entries = await part.read(take)
                if _cancel_count() > cancels:  # before Python 3.12, asyncio.wait_for may swallow one
                    raise asyncio.CancelledError
                for entry in entries:
                    yield entry
                if reading.needs_check:
                    async with self._suppress_outage():
                        reading.note_presence(await self._has_task(task))
        finally:
            await client.aclose()

    async def wait(self, task: str, timeout: float | None = None) -> dict[str, Any]:
        """Wait until a task ends, like `Board.wait`."""
        await self._on_thread(self._board.commands.require_layout)
        part = await self.commands.part_of_task(task)
        newest: Any = await part.read_keys(lambda client, keys: client.xrevrange(keys.history, count=1))
        waiting = Waiting(self.name, task, newest, timeout)
        async for known in self.history(task=task):
            if known["what"] in ENDS:
                return known
            break
        client = part.connect_blocking()  # it blocks
        try:
            while True:
                last, block = waiting.last, waiting.block
                async with self._suppress_outage():
                    if waiting.needs_check:
                        waiting.note_presence(await self._has_task(task))
                    end = waiting.take(await client.xread({part.keys.history: last}, CHUNK, block))
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

    async def dead_retry(
        self,
        *,
        all: bool = False,
        tickets: Iterable[str] = (),
        because: str | None = None,
        **filters: Unpack[TaskFilters],
    ) -> int:
        """Queue dead letters again, like `Board.dead_retry`."""
        return await self._on_thread(
            self._board.dead_retry, all=all, tickets=tickets, because=because, **filters
        )

    async def dead_purge(
        self,
        *,
        all: bool = False,
        tickets: Iterable[str] = (),
        because: str | None = None,
        **filters: Unpack[TaskFilters],
    ) -> int:
        """Delete dead letters, like `Board.dead_purge`."""
        return await self._on_thread(
            self._board.dead_purge, all=all, tickets=tickets, because=because, **filters
        )

    async def limit(
        self,
        kind: Literal["queue", "runner"],
        name: str,
        *,
        concurrency: int | None = None,
        rate: str | None = None,
        max_length: int | None = None,
        because: str | None = None,
    ) -> None:
        """Limit a queue or a runner, like `Board.limit`."""
        options = {"concurrency": concurrency, "rate": rate, "max_length": max_length}
        await self._call(
            "JLIMIT", kind, name, *to_pairs(options, LIMIT_OPTIONS), *signature(self.by, because)
        )

    async def limits(self) -> AsyncIterator[dict[str, Any]]:
        """List the limits of queues and runners, like `Board.limits`."""
        for limit in await self._on_thread(listed(self._board.limits)):
            yield limit

    async def retain(self, **bounds: Unpack[RetentionOptions]) -> dict[str, int | float | None]:
        """Set how much the board keeps, like `Board.retain`."""
        return as_bounds(await self._call("JRETAIN", *to_pairs(bounds, RETENTION), *signature(self.by)))

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


def _cancel_count() -> int:
    """Return how many cancellations of the current asyncio task were requested."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0
