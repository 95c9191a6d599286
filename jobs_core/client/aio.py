"""AsyncBoard: the client for asyncio, on redis.asyncio. It sends and reads what `Board` does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from jobs_core.client.board import BoardClient, Verb
from jobs_core.client.functions import Functions
from jobs_core.client.listing import CHUNK, plan_jobs, read_jobs_async
from jobs_core.client.output import PAGE, Reading
from jobs_core.engine.build import commands
from jobs_core.engine.calls import TASK_FILTERS, ack_pairs, next_arguments, pop_call
from jobs_core.engine.commands import translated
from jobs_core.engine.replies import (
    Hold,
    Tick,
    as_cancelled,
    as_dict,
    as_entry,
    as_holds,
    as_job,
    as_limit,
    as_listed,
    as_task,
    as_tick,
    as_time,
    as_times,
    found_job,
)
from jobs_core.engine.wire import is_unknown
from jobs_core.errors import AgainError, JobsError
from jobs_core.options import to_pairs
from jobs_core.types import Payload, Task

if TYPE_CHECKING:
    from jobs_core.client.apply import Plan
    from jobs_core.plugins.manager import Plugins

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


CONNECTIONS = 50
"""Calls that are under way at once; others wait for their turn."""


class AsyncBoard:
    """A named set of jobs on one Redis, for asyncio. Its methods are those of `Board`, to be awaited.

    It belongs to the event loop that first uses it.

    Plugins check jobs on a thread, since they may block; so does bulk work run (put_many, push_many, load,
    apply, plan, trim, dead_retry, dead_purge, init), over a connection of its own. Workers are not asyncio:
    see `Board.respond` and `jobs run`.

    >>> async with AsyncBoard("jobs", "redis://localhost") as board:
    ...     await board.put("tick", "shell", "date", every=5)
    ...     async for job in board.list():
    ...         print(job["id"])
    """

    def __init__(
        self,
        name: str = "jobs",
        url: str | None = None,
        *,
        plugins: Plugins | None = None,
        validate: bool = True,
    ) -> None:
        self._board = BoardClient(name, url, plugins=plugins, validate=validate)
        self.functions = Functions()
        self.name = name
        self.keys = self._board.keys
        self.client = _connect(self._board)

    async def __aenter__(self) -> AsyncBoard:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()
        self._board.client.close()

    # Jobs

    async def put(self, id: str, runner: str, payload: Payload, **options: Any) -> datetime | None:
        """As `Board.put`."""
        return await self._put("JSET", id, runner, payload, options)

    async def create(self, id: str, runner: str, payload: Payload, **options: Any) -> datetime | None:
        """As `Board.create`."""
        return await self._put("JSETNX", id, runner, payload, options)

    async def put_many(
        self, jobs: Iterable[Mapping[str, Any] | str], *, create: bool = False
    ) -> Sequence[datetime | JobsError | None]:
        """As `Board.put_many`: the replies are a list."""
        return await self._on_thread(_listed(self._board.put_many), jobs, create=create)

    async def show(self, id: str) -> dict[str, Any]:
        """As `Board.show`."""
        return found_job(await self._call("JGET", id), id, self.name, as_job)

    async def list(
        self, match: str | None = None, *, state: str | None = None, sort: str | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """As `Board.list`: `async for job in board.list()`."""
        plan = plan_jobs(self.keys, match, state, sort)
        server = self._board.commands.server
        async for job in read_jobs_async(self._call, self.client, server, plan, state):
            yield job

    async def remove(self, *ids: str) -> int:
        """As `Board.remove`."""
        return int(await self._call("JDEL", *ids)) if ids else 0

    async def pause(self, id: str) -> bool:
        """As `Board.pause`."""
        return bool(await self._call("JPAUSE", id))

    async def resume(self, id: str, **options: Any) -> datetime | None:
        """As `Board.resume`."""
        return as_time(await self._call("JRESUME", id, *to_pairs(options, ())))

    async def next(
        self, id: str | None = None, *, count: int = 1, from_: Any = None, now: Any = None, **options: Any
    ) -> Sequence[datetime]:
        """As `Board.next`."""
        if options.get("zone") is not None:
            await self._on_thread(self._board.calls.check_zone, options)
        return as_times(await self._call("JNEXT", *next_arguments(id, count, from_, now, options)))

    async def when(self, id: str) -> dict[str, Any]:
        """As `Board.when`."""
        return found_job(await self._call("JWHEN", id), id, self.name, json.loads)

    async def dump(self) -> AsyncIterator[dict[str, Any]]:
        """As `Board.dump`."""
        async for job in self.list():
            yield BoardClient.dumped(job)

    async def load(self, jobs: Iterable[Mapping[str, Any] | str]) -> Sequence[datetime | JobsError | None]:
        """As `Board.load`: the replies are a list."""
        return await self.put_many(jobs)

    async def apply(self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Any) -> Plan:
        """As `Board.apply`."""
        return await self._on_thread(self._board.apply, jobs, owner, **options)

    async def plan(self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Any) -> Plan:
        """As `Board.plan`."""
        return await self._on_thread(self._board.plan, jobs, owner, **options)

    # Functions

    def job(self, id: Any = None, *, runner: str | None = None, **options: Any) -> Any:
        """As `Board.job`; `put_declared` puts what it has declared."""
        return self.functions.job(id, runner=runner, **options)

    async def put_declared(self) -> dict[str, datetime | None]:
        """As `Board.put_declared`."""
        next_runs = {}
        for one in self.functions.declared:
            name, arguments = await self._on_thread(one.call, self._board.calls.put)
            next_runs[one.id] = as_time(await self._call(name, *arguments))
        return next_runs

    # Tasks

    async def push(self, runner_or_job: str, payload: Payload | None = None, **options: Any) -> str:
        """As `Board.push`."""
        name, arguments = await self._on_thread(self._board.calls.push, runner_or_job, payload, options)
        return str(await self._call(name, *arguments))

    async def push_many(self, tasks: Iterable[Mapping[str, Any] | str]) -> Sequence[str | JobsError]:
        """As `Board.push_many`: the replies are a list."""
        return await self._on_thread(_listed(self._board.push_many), tasks)

    async def pop(
        self, *queues: str, count: int = 1, lease: float | None = None, worker: str = "", now: Any = None
    ) -> Sequence[Task]:
        """As `Board.pop`."""
        name, arguments = pop_call(queues, count, lease, worker, now)
        return [as_task(fields) for fields in await self._call(name, *arguments)]

    async def ack(self, token: str, verb: Verb = "done", **options: Any) -> str:
        """As `Board.ack`."""
        return str(await self._call("JACK", token, verb, *ack_pairs(options)))

    async def cancel(self, id: str) -> Literal["cancelled", "cancelling"]:
        """As `Board.cancel`."""
        found = [done async for done in self._pages("JCANCEL", id, after=())]
        return as_cancelled(found, id, self.name)

    async def tasks(self, state: str | None = None, **filters: Any) -> AsyncIterator[dict[str, Any]]:
        """As `Board.tasks`."""
        pairs = to_pairs({"state": state} | filters, TASK_FILTERS)
        async for text in self._pages("JTASKS", after=pairs):
            yield as_listed(text)

    async def history(
        self, *, task: str | None = None, job: str | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """As `Board.history`."""
        await self._on_thread(self._board.commands.require_layout)
        last = "+"
        while True:
            with translated(self._board.commands.server):
                entries: Any = await self.client.xrevrange(self.keys.history, last, "-", CHUNK)
            for id, fields in entries:
                last = f"({id}"
                entry = as_entry(id, fields)
                if task in (None, entry["task"]) and job in (None, entry["job"]):
                    yield entry
            if len(entries) < CHUNK:
                return

    async def output(self, task: str, *, follow: bool = False) -> AsyncIterator[dict[str, Any]]:
        """As `Board.output`."""
        await self._on_thread(self._board.commands.require_layout)
        reading = Reading(self.name, task, follow=follow)
        client = _connect(self._board, 1)  # of its own, since it waits for long
        cancels = _cancels()
        try:
            while not reading.is_over:
                with translated(self._board.commands.server):
                    found = await client.xread({self.keys.output(task): reading.last}, PAGE, reading.block)
                if _cancels() > cancels:  # before Python 3.12, asyncio.wait_for may swallow one
                    raise asyncio.CancelledError
                for entry in reading.take(found):
                    yield entry
                if reading.is_in_doubt:
                    reading.hear(bool([one async for one in self.tasks(task=task)]))
        finally:
            await client.aclose()

    async def dead(self, **filters: Any) -> AsyncIterator[dict[str, Any]]:
        """As `Board.dead`."""
        async for task in self.tasks("dead", **filters):
            yield task

    async def dead_retry(self, *, all: bool = False, **filters: Any) -> int:
        """As `Board.dead_retry`."""
        return await self._on_thread(self._board.dead_retry, all=all, **filters)

    async def dead_purge(self, *, all: bool = False, **filters: Any) -> int:
        """As `Board.dead_purge`."""
        return await self._on_thread(self._board.dead_purge, all=all, **filters)

    async def limit(
        self, kind: Literal["queue", "runner"], name: str, *, concurrency: int | None = None, rate: Any = None
    ) -> None:
        """As `Board.limit`."""
        await self._call("JLIMIT", kind, name, *to_pairs({"concurrency": concurrency, "rate": rate}))

    async def limits(self) -> AsyncIterator[dict[str, Any]]:
        """As `Board.limits`."""
        await self._on_thread(self._board.commands.require_layout)
        with translated(self._board.commands.server):
            kept: Any = await self.client.hgetall(self.keys.limits)
        for name, text in sorted(kept.items()):
            yield as_limit(str(name), str(text))

    async def beat(self, lease: float, *tokens: str) -> Sequence[Hold]:
        """As `Board.beat`."""
        return as_holds(await self._call("JBEAT", lease, *tokens))

    async def tick(self, limit: int = 500, now: Any = None) -> Tick:
        """As `Board.tick`."""
        return as_tick(await self._call("JTICK", "limit", limit, *to_pairs({"now": now}, ())))

    # The board

    async def count(self) -> dict[str, int]:
        """As `Board.count`."""
        return as_dict(await self._call("JCOUNT"))

    async def stats(self, job: str | None = None) -> dict[str, int]:
        """As `Board.stats`."""
        if job is None:
            return as_dict(await self._call("JSTATS"))
        return await self._on_thread(self._board.stats, job)

    async def trim(self, queue: str, keep: int) -> int:
        """As `Board.trim`."""
        return await self._on_thread(self._board.trim, queue, keep)

    async def init(self) -> dict[str, str]:
        """As `Board.init`."""
        return await self._on_thread(self._board.init)

    # Calling

    async def _put(
        self, command: str, id: str, runner: str, payload: Payload, options: Mapping[str, Any]
    ) -> datetime | None:
        name, arguments = await self._on_thread(self._board.calls.put, command, id, runner, payload, options)
        return as_time(await self._call(name, *arguments))

    async def _call(self, name: str, *arguments: Any) -> Any:
        """Call one command, as `Commands.call` does."""
        if not self._board.commands.is_prepared:
            await self._on_thread(self._board.commands.prepare)
        if not self._board.commands.access.permits(name):
            await self._on_thread(self._board.commands.access.require, [name])
        while True:
            try:
                with translated(self._board.commands.server):
                    return await self._evaluate(name, arguments)
            except AgainError:
                await self._on_thread(self._board.commands.settle)

    async def _evaluate(self, name: str, arguments: Sequence[Any]) -> Any:
        call = self.client.fcall_ro if commands()[name].only_reads else self.client.fcall
        try:
            return await call(name, 1, self.keys.tag, *arguments)
        except ResponseError as error:
            if not is_unknown(error):
                raise
        await self._on_thread(self._board.commands.restore)
        return await call(name, 1, self.keys.tag, *arguments)

    async def _pages(self, name: str, *before: Any, after: Sequence[Any]) -> AsyncIterator[Any]:
        """What a command with a cursor answers, page by page."""
        cursor = "0"
        while True:
            cursor, page = await self._call(name, *before, cursor, *after)
            for item in page:
                yield item
            if cursor == "0":
                return

    async def _on_thread(self, function: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
        return await asyncio.to_thread(function, *arguments, **options)


def _connect(board: BoardClient, connections: int = CONNECTIONS) -> redis.asyncio.Redis:
    """A client that reaches the same server as a board's, over so many connections at most."""
    kwargs = dict(board.client.connection_pool.connection_kwargs)
    kwargs.pop("retry", None)
    kind: Any = (
        redis.asyncio.UnixDomainSocketConnection
        if issubclass(board.client.connection_pool.connection_class, redis.UnixDomainSocketConnection)
        else redis.asyncio.SSLConnection
        if issubclass(board.client.connection_pool.connection_class, redis.SSLConnection)
        else redis.asyncio.Connection
    )
    pool = redis.asyncio.BlockingConnectionPool(
        connections, None, connection_class=kind, retry=Retry(NoBackoff(), 0), **kwargs
    )
    return redis.asyncio.Redis.from_pool(pool)  # which it closes, too


def _cancels() -> int:
    """How often somebody asked to cancel what runs now."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _listed(method: Callable[P, Iterator[T]]) -> Callable[P, list[T]]:
    return lambda *arguments, **options: list(method(*arguments, **options))
