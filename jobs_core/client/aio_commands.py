"""Call the commands of a board with asyncio: of a whole board, or of one of its partitions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import redis.asyncio
from redis.exceptions import RedisError, ResponseError

from jobs_core.client.aio_connections import connect_async
from jobs_core.engine.build import commands
from jobs_core.engine.commands import Call, Commands, may_run_twice, rest_of, translated
from jobs_core.engine.durable import (
    HISTORY,
    is_awaited,
    is_noted,
    note_history,
    refusal,
    shortest_lease,
    wait_words,
)
from jobs_core.engine.keys import Keys
from jobs_core.engine.outage import RETRY_PAUSE, Patience, is_connection_lost, is_unreachable, refused_for_now
from jobs_core.engine.partitions.board import BoardCommands
from jobs_core.engine.partitions.lockstep import Lockstep
from jobs_core.engine.partitions.places import ONE, Places
from jobs_core.engine.partitions.routes import route
from jobs_core.engine.partitions.shapes import PartCall
from jobs_core.engine.partitions.spread import Spread
from jobs_core.engine.timeouts import answer_timeout
from jobs_core.engine.wire import is_unknown
from jobs_core.errors import AgainError, JobsError, ServerError, UnconfirmedError

T = TypeVar("T")


class AsyncCommands:
    """Calls commands like `Commands`, with asyncio.

    Args:
        commands: The commands that know what this user may do, and whether the board is durable.
        client: The client for asyncio.
        carrier: The commands that load the library over the connections of the client. The default is
            `commands`.
    """

    def __init__(
        self, commands: Commands, client: redis.asyncio.Redis, carrier: Commands | None = None
    ) -> None:
        self.client = client
        self.keys = commands.keys
        self._commands = commands
        self._carrier = carrier or commands

    async def call(self, name: str, *arguments: Any) -> Any:
        """Call one command, like `Commands.call`."""
        self._commands.require_open()
        if not self._carrier.is_prepared:
            await asyncio.to_thread(self._carrier.prepare)
        if not self._commands.access.permits(name):
            await asyncio.to_thread(self._commands.access.require, [name])
        found: list[Any] = []
        rest: Sequence[Any] = arguments
        while True:
            try:
                with translated(self._commands.server):
                    reply = await self._evaluate(name, rest)
            except AgainError:
                await asyncio.to_thread(self._commands.finish_apply)
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
        await asyncio.to_thread(self._carrier.restore)
        return await self._repeated(name, arguments)

    async def _repeated(self, name: str, arguments: Sequence[Any]) -> Any:
        """Call a command. While Redis is away, repeat it if it was not sent, rejected or may run twice."""
        words = ("FCALL_RO" if commands()[name].only_reads else "FCALL", name, 1, self.keys.tag, *arguments)
        patience = Patience(self._commands.patience)
        while True:
            may_have_run = False
            try:
                async with self._connection() as connection:
                    await self._note_history(connection)
                    may_have_run = not may_run_twice(name)
                    await connection.send_command(*words)
                    reply = await connection.read_response()
                    return await self._confirmed(connection, (name, arguments), reply)
            except (RedisError, OSError) as error:
                is_lost = is_connection_lost(error) and not may_have_run
                if patience.is_over or not (is_lost or refused_for_now(error)):
                    raise
            await asyncio.sleep(RETRY_PAUSE)

    async def _confirmed(self, connection: Any, call: Call, reply: Any) -> Any:
        """Return a reply. On a durable board, wait for the replicas to confirm what the command wrote."""
        replicas = self._commands.replicas
        if not replicas or not is_awaited(call[0]):
            return reply
        timeout, lease = answer_timeout(self._commands.client), shortest_lease(*call, reply)
        words = wait_words(replicas, timeout, lease)
        await connection.send_packed_command(connection.pack_commands([words, HISTORY]))
        found = await self._read_reply(connection)
        is_other = note_history(connection, await self._read_reply(connection))
        if sentence := refusal(found, replicas, self._commands.server, is_other=is_other):
            self._carrier.recheck()
            raise UnconfirmedError(sentence, reply)
        return reply

    async def _note_history(self, connection: Any) -> None:
        if self._commands.replicas and not is_noted(connection):
            await connection.send_command(*HISTORY)
            note_history(connection, await self._read_reply(connection))

    @staticmethod
    async def _read_reply(connection: Any) -> Any:
        try:
            return await connection.read_response()
        except ResponseError as error:
            return error

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

    async def read(self, call: Callable[[redis.asyncio.Redis], Awaitable[T]]) -> T:
        """Call commands of Redis that only read, and repeat them while Redis is away."""
        self._commands.require_open()
        patience = Patience(self._commands.patience)
        while True:
            try:
                with translated(self._commands.server):
                    return await call(self.client)
            except ServerError as error:
                if patience.is_over or not is_unreachable(error):
                    raise
            await asyncio.sleep(RETRY_PAUSE)

    def connect_blocking(self) -> redis.asyncio.Redis:
        """Make a client with one connection, for calls that block. The caller closes it."""
        return connect_async(self._commands.client, 1, blocking=True)

    async def read_keys(self, read: Callable[[redis.asyncio.Redis, Keys], Awaitable[T]]) -> T:
        """Read keys of the board, or of the partition."""
        return await self.read(lambda client: read(client, self.keys))


class AsyncBoardCommands(AsyncCommands):
    """Calls the commands of a board, whether or not it has partitions, like `BoardCommands`."""

    def __init__(self, commands: BoardCommands) -> None:
        super().__init__(commands, connect_async(commands.client))
        self._whole = commands
        self._parts: list[AsyncCommands] = []

    async def call(self, name: str, *arguments: Any) -> Any:
        """Call one command, like `Commands.call`."""
        spread = await self._spread()
        if spread is None:
            return await super().call(name, *arguments)
        steps = Lockstep([route(spread.places, name, arguments)])
        while steps.calls:
            try:
                replies = await self._ask(steps.calls)
            except ServerError as error:
                steps.fail(error)
            else:
                steps.answer(replies)
        (reply,) = steps.results
        if isinstance(reply, JobsError):
            raise reply
        return reply

    async def parts(self) -> Sequence[AsyncCommands]:
        """Return the commands of each partition, or of the board itself, if it has none."""
        return (self,) if await self._spread() is None else self._parts

    async def places(self) -> Places:
        """Return which partition has what."""
        spread = await self._spread()
        return ONE if spread is None else spread.places

    async def part_of_task(self, task: str) -> AsyncCommands:
        """Return the commands of the partition that has a task."""
        return (await self.parts())[(await self.places()).of_task(task)]

    async def gather(
        self, asked: Sequence[tuple[int, Callable[[redis.asyncio.Redis, Keys], Awaitable[T]]]]
    ) -> list[T]:
        """Read keys of partitions, like `Commands.gather`."""
        parts = await self.parts()
        return list(await asyncio.gather(*(parts[place].read_keys(read) for place, read in asked)))

    async def close(self) -> None:
        """Close the connections."""
        for client in {self.client, *(part.client for part in self._parts)}:
            await client.aclose()

    async def _spread(self) -> Spread | None:
        """Find out whether the board has partitions."""
        self._whole.require_open()
        if not self._whole.is_known:
            await asyncio.to_thread(lambda: self._whole.spread)
        spread = self._whole.spread
        if spread is not None and not self._parts:
            self._parts = list(map(self._part, spread.parts))
        return spread

    def _part(self, part: Commands) -> AsyncCommands:
        if part.client is self._whole.client:
            return AsyncCommands(part, self.client, self._whole)
        return AsyncCommands(part, connect_async(part.client))

    async def _ask(self, calls: Sequence[PartCall]) -> list[Any]:
        """Call commands of partitions at once. The reply of a rejected command is its error."""
        return list(await asyncio.gather(*(self._reply(place, *call) for place, call in calls)))

    async def _reply(self, place: int, name: str, arguments: Sequence[Any]) -> Any:
        try:
            return await self._parts[place].call(name, *arguments)
        except JobsError as error:
            if isinstance(error, ServerError) and not isinstance(error, UnconfirmedError):
                raise
            return error
