"""The base of AsyncBoard: its connections, and how it calls one command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from jobs_core.client.board import BoardClient
from jobs_core.engine.build import commands
from jobs_core.engine.commands import translated
from jobs_core.engine.replies import as_time
from jobs_core.engine.wire import is_unknown
from jobs_core.errors import AgainError
from jobs_core.types import Payload

if TYPE_CHECKING:
    from jobs_core.plugins.manager import Plugins

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

CONNECTIONS = 50
"""Maximum number of concurrent calls. Others wait for a connection."""


class AsyncBase:
    """A board for asyncio, without methods for single commands."""

    def __init__(
        self,
        name: str = "jobs",
        url: str | None = None,
        *,
        plugins: Plugins | None = None,
        validate: bool = True,
    ) -> None:
        self._board = BoardClient(name, url, plugins=plugins, validate=validate)
        self.functions = self._board.functions
        self.name = name
        self.keys = self._board.keys
        self.client = connect_async(self._board)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()
        self._board.client.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} on {self._board.commands.server}>"

    async def _put(
        self, command: str, id: str, runner: str, payload: Payload, options: Mapping[str, Any]
    ) -> datetime | None:
        name, arguments = await self._on_thread(self._board.calls.put, command, id, runner, payload, options)
        return as_time(await self._call(name, *arguments))

    async def _call(self, name: str, *arguments: Any) -> Any:
        """Call one command, like `Commands.call`."""
        if not self._board.commands.is_prepared:
            await self._on_thread(self._board.commands.prepare)
        if not self._board.commands.access.permits(name):
            await self._on_thread(self._board.commands.access.require, [name])
        while True:
            try:
                with translated(self._board.commands.server):
                    return await self._evaluate(name, arguments)
            except AgainError:
                await self._on_thread(self._board.commands.finish_apply)

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
        """Yield the items of a command with a cursor, page by page."""
        cursor = "0"
        while True:
            cursor, page = await self._call(name, *before, cursor, *after)
            for item in page:
                yield item
            if cursor == "0":
                return

    async def _on_thread(self, function: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
        return await asyncio.to_thread(function, *arguments, **options)


def connect_async(board: BoardClient, connections: int = CONNECTIONS) -> redis.asyncio.Redis:
    """Make a client for the server of a board, with at most `connections` connections."""
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
    return redis.asyncio.Redis.from_pool(pool)  # closing the client also closes the pool


def listed(method: Callable[P, Iterator[T]]) -> Callable[P, list[T]]:
    """Wrap a method that yields items as one that returns a list."""
    return lambda *arguments, **options: list(method(*arguments, **options))
