"""The base of AsyncBoard: its connections, and how it calls one command."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

import redis.asyncio
from redis.exceptions import RedisError, ResponseError

from jobs_core.client.aio_connections import connect_async
from jobs_core.client.author import signature
from jobs_core.client.board import BoardClient
from jobs_core.engine.build import commands
from jobs_core.engine.commands import may_run_twice, rest_of, translated
from jobs_core.engine.durable import is_awaited, refusal, wait_words
from jobs_core.engine.outage import RETRY_PAUSE, Patience, is_connection_lost, is_unreachable, refused_for_now
from jobs_core.engine.replies import as_time
from jobs_core.engine.timeouts import answer_timeout
from jobs_core.engine.wire import is_unknown
from jobs_core.errors import AgainError, ServerError, UnconfirmedError
from jobs_core.types import Payload

if TYPE_CHECKING:
    from jobs_core.plugins.manager import Plugins

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class AsyncBase:
    """A board for asyncio, without methods for single commands."""

    def __init__(
        self,
        name: str = "jobs",
        url: str | None = None,
        *,
        socket_timeout: float | None = None,
        socket_connect_timeout: float | None = None,
        plugins: Plugins | None = None,
        validate: bool = True,
        by: str | None = None,
    ) -> None:
        self._board = BoardClient(
            name,
            url,
            socket_timeout=socket_timeout,
            socket_connect_timeout=socket_connect_timeout,
            plugins=plugins,
            validate=validate,
            by=by,
        )
        self.functions = self._board.functions
        self.name = name
        self.by = self._board.by
        self.keys = self._board.keys
        self.client = connect_async(self._board)

    def with_author(self, by: str) -> Self:
        """Return this board for changes by somebody else, like `Board.with_author`."""
        other = copy.copy(self)
        other._board = self._board.with_author(by)
        other.by = other._board.by
        return other

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. Later calls raise UserError. Closing twice is fine."""
        self._board.close()
        await self.client.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} on {self._board.commands.server}>"

    async def _put(
        self,
        command: str,
        id: str,
        runner: str,
        payload: Payload,
        options: Mapping[str, Any],
        because: str | None,
        if_match: str | None = None,
    ) -> datetime | None:
        name, arguments = await self._on_thread(self._board.calls.put, command, id, runner, payload, options)
        return as_time(await self._call(name, *arguments, *signature(self.by, because, if_match)))

    async def _call(self, name: str, *arguments: Any) -> Any:
        """Call one command, like `Commands.call`."""
        self._board.commands.require_open()
        if not self._board.commands.is_prepared:
            await self._on_thread(self._board.commands.prepare)
        if not self._board.commands.access.permits(name):
            await self._on_thread(self._board.commands.access.require, [name])
        found: list[Any] = []
        rest: Sequence[Any] = arguments
        while True:
            try:
                with translated(self._board.commands.server):
                    reply = await self._evaluate(name, rest)
            except AgainError:
                await self._on_thread(self._board.commands.finish_apply)
                continue
            if not (rest := rest_of(name, rest, reply)):
                return found + reply if found else reply
            found += reply

    async def _evaluate(self, name: str, arguments: Sequence[Any]) -> Any:
        try:
            return await self._repeated(name, arguments)
        except ResponseError as error:
            if not is_unknown(error):
                raise
        await self._on_thread(self._board.commands.restore)
        return await self._repeated(name, arguments)

    async def _repeated(self, name: str, arguments: Sequence[Any]) -> Any:
        """Call a command. While Redis is away, repeat it if it was not sent, rejected or may run twice."""
        words = ("FCALL_RO" if commands()[name].only_reads else "FCALL", name, 1, self.keys.tag, *arguments)
        patience = Patience(self._board.commands.patience)
        while True:
            may_have_run = False
            try:
                async with self._connection() as connection:
                    may_have_run = not may_run_twice(name)
                    await connection.send_command(*words)
                    return await self._confirmed(connection, name, await connection.read_response())
            except (RedisError, OSError) as error:
                is_lost = is_connection_lost(error) and not may_have_run
                if patience.is_over or not (is_lost or refused_for_now(error)):
                    raise
            await asyncio.sleep(RETRY_PAUSE)

    async def _confirmed(self, connection: Any, name: str, reply: Any) -> Any:
        """Return a reply. On a durable board, wait for the replicas to confirm what the command wrote."""
        replicas = self._board.commands.replicas
        if not replicas or not is_awaited(name):
            return reply
        await connection.send_command(*wait_words(replicas, answer_timeout(self._board.client)))
        try:
            found = await connection.read_response()
        except ResponseError as error:
            found = error
        if sentence := refusal(found, replicas, self._board.commands.server):
            raise UnconfirmedError(sentence, reply)
        return reply

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        """Provide a pooled connection. Close it on an error that another server would not have raised."""
        connection = await self.client.connection_pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            yield connection
        except (RedisError, OSError) as error:
            if is_unreachable(error):
                await connection.disconnect()
            raise
        finally:
            await self.client.connection_pool.release(connection)

    async def _read(self, call: Callable[[redis.asyncio.Redis], Awaitable[T]]) -> T:
        """Call commands of Redis that only read, and repeat them while Redis is away."""
        self._board.commands.require_open()
        patience = Patience(self._board.commands.patience)
        while True:
            try:
                with translated(self._board.commands.server):
                    return await call(self.client)
            except ServerError as error:
                if patience.is_over or not is_unreachable(error):
                    raise
            await asyncio.sleep(RETRY_PAUSE)

    @asynccontextmanager
    async def _suppress_outage(self) -> AsyncIterator[None]:
        """Do what `Commands.suppress_outage` does."""
        try:
            with translated(self._board.commands.server):
                yield
            self._board.commands.note_outage()
        except ServerError as error:
            if not is_unreachable(error):
                raise
            self._board.commands.note_outage(error)
            await asyncio.sleep(RETRY_PAUSE)

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


def listed(method: Callable[P, Iterator[T]]) -> Callable[P, list[T]]:
    """Wrap a method that yields items as one that returns a list."""
    return lambda *arguments, **options: list(method(*arguments, **options))
