"""The connections of AsyncBoard."""

from __future__ import annotations

import asyncio
import select
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import MovedError, RedisError

from jobs_core.engine.routing import Route, followed, note_server
from jobs_core.engine.timeouts import LONGEST_BLOCK, answer_timeout

CONNECTIONS = 50
"""Maximum number of concurrent calls. Others wait for a connection."""


class _Checked:
    """A connection that notices before each call that the server has closed it. The pool then reconnects."""

    async def can_read(self) -> bool:
        """Return False. Raise ConnectionError if the connection is closed, or has data that nobody read.

        With RESP 3, redis-py would use a closed connection. And asyncio may not have looked at it yet.
        """
        writer: asyncio.StreamWriter | None = getattr(self, "_writer", None)
        is_closed = writer is not None and is_readable(writer.get_extra_info("socket"))
        if is_closed or await super().can_read():  # type: ignore[misc]
            raise redis.ConnectionError("The connection was closed, or has unread data")
        return False


class _Connection(_Checked, redis.asyncio.Connection):
    pass


class _TLSConnection(_Checked, redis.asyncio.SSLConnection):
    pass


class _SocketConnection(_Checked, redis.asyncio.UnixDomainSocketConnection):
    pass


class _Routed:
    """A connection that asks its route where to connect to. See `jobs_core.engine.routing.Routed`."""

    def __init__(self, *, route: Route, **options: Any) -> None:
        super().__init__(**options)
        self.route = route

    async def _connect(self) -> Any:
        self.host, self.port = await asyncio.to_thread(self.route.locate)
        try:
            return await super()._connect()  # type: ignore[misc]
        except OSError as error:
            note_server(error, self.route, self.host, self.port)
            raise

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        """Read one reply, like redis-py."""
        try:
            return await super().read_response(*arguments, **options)  # type: ignore[misc]
        except MovedError as error:
            raise followed(self.route, error) from None
        except RedisError as error:
            note_server(error, self.route, self.host, self.port)
            raise


class _RoutedConnection(_Routed, _Connection):
    pass


class _RoutedTLSConnection(_Routed, _TLSConnection):
    pass


def _kind_of(pool: redis.ConnectionPool) -> Any:
    """Return the class of asyncio connections that corresponds to that of a pool."""
    kind = pool.connection_class
    if issubclass(kind, redis.UnixDomainSocketConnection):
        return _SocketConnection
    if "route" in pool.connection_kwargs:
        return _RoutedTLSConnection if issubclass(kind, redis.SSLConnection) else _RoutedConnection
    return _TLSConnection if issubclass(kind, redis.SSLConnection) else _Connection


def is_readable(connection: Any) -> bool:
    """Return whether a socket has data or was closed, without waiting."""
    if connection.fileno() < 0:
        return True
    poller = select.poll()
    poller.register(connection, select.POLLIN)
    return bool(poller.poll(0))


def connect_async(
    client: redis.Redis, connections: int = CONNECTIONS, *, blocking: bool = False
) -> redis.asyncio.Redis:
    """Make a client for the server of another client, with at most `connections` connections.

    With `blocking`, its calls may block for up to `LONGEST_BLOCK` seconds.
    """
    pool = client.connection_pool
    kwargs = dict(pool.connection_kwargs)
    kwargs.pop("retry", None)
    if blocking and (timeout := answer_timeout(client)):
        kwargs["socket_timeout"] = timeout + LONGEST_BLOCK
    async_pool = redis.asyncio.BlockingConnectionPool(
        connections, None, connection_class=_kind_of(pool), retry=Retry(NoBackoff(), 0), **kwargs
    )
    return redis.asyncio.Redis.from_pool(async_pool)  # closing the client also closes the pool
