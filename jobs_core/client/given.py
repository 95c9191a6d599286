"""Use the clients of redis-py that programs pass: also those of a cluster or of Sentinel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import redis
from redis.cluster import RedisCluster
from redis.crc import key_slot
from redis.sentinel import SentinelConnectionPool

from jobs_core.engine.routing import (
    Ask,
    ClusterRoute,
    Route,
    RoutedConnection,
    RoutedSSLConnection,
    SentinelRoute,
)
from jobs_core.errors import OptionError
from jobs_core.values import value_type

_OWN = ("host", "port", "path", "connection_pool", "route", "db", "redis_connect_func")
"""Options of the connections of other pools that are theirs alone."""


def routed(client: Any, key: str) -> redis.Redis:
    """Return a client that finds the board: the given one, or one of its own for a cluster or Sentinel.

    Args:
        client: A redis.Redis, one that `Sentinel.master_for` returns, a redis.RedisCluster, or the client of
            another board.
        key: The tag of the board.

    Raises:
        OptionError: It is another object, or it does not decode responses.
    """
    if isinstance(client, RedisCluster):
        options = client.nodes_manager.connection_kwargs
        _require_decoding(options)
        places = tuple((str(node.host), int(node.port)) for node in client.nodes_manager.nodes_cache.values())
        return _connect(options, lambda kind, known: ClusterRoute(places, key, Ask(kind, known)))
    pool = getattr(client, "connection_pool", None)
    if pool is None or isinstance(client, redis.asyncio.Redis):
        raise OptionError(f"client: expected a redis.Redis, got {value_type(client)}", option="client")
    _require_decoding(pool.connection_kwargs)
    if isinstance(pool, SentinelConnectionPool):
        return _connect(pool.connection_kwargs, lambda kind, known: _sentinel_route(pool, kind), pool)
    route = pool.connection_kwargs.get("route")
    if isinstance(route, ClusterRoute) and route.slot != key_slot(key.encode()):
        options = {**pool.connection_kwargs, "route": route.for_key(key)}
        return redis.Redis.from_pool(redis.ConnectionPool(connection_class=pool.connection_class, **options))
    given: redis.Redis = client
    return given


def _require_decoding(options: Mapping[str, Any]) -> None:
    if not options.get("decode_responses"):
        raise OptionError("The client must decode responses: pass decode_responses=True")


def _sentinel_route(pool: Any, kind: Any) -> Route:
    clients = pool.sentinel_manager.sentinels
    asked = [client.connection_pool.connection_kwargs for client in clients]
    places = [(str(options["host"]), int(options["port"])) for options in asked]
    return SentinelRoute(places, str(pool.service_name), Ask(kind, _shared(asked[0])))


def _connect(options: Mapping[str, Any], route: Any, pool: Any = None) -> redis.Redis:
    """Make a client with the options of another, whose connections ask a route."""
    uses_tls = bool(options.get("ssl")) or (
        pool is not None and issubclass(pool.connection_class, redis.SSLConnection)
    )
    known = _shared(options)
    kind: Any = redis.SSLConnection if uses_tls else redis.Connection
    routed_kind: Any = RoutedSSLConnection if uses_tls else RoutedConnection
    database = {"db": options["db"]} if options.get("db") else {}
    made = redis.ConnectionPool(connection_class=routed_kind, **known, **database, route=route(kind, known))
    return redis.Redis.from_pool(made)


def _shared(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that connections of another pool may have, too."""
    return {
        name: value
        for name, value in options.items()
        if name not in (*_OWN, "ssl") and not name.startswith(("maint_notifications", "orig_"))
    }
