"""Clients with other time-outs for the same Redis."""

from __future__ import annotations

import redis

LONGEST_BLOCK = 10.0
"""The longest that a blocking call may wait in Redis, in seconds."""


def answer_timeout(client: redis.Redis) -> float | None:
    """Return how many seconds a client waits for an answer. None means forever."""
    found = client.connection_pool.connection_kwargs.get("socket_timeout")
    return None if found is None else float(found)


def with_timeout(client: redis.Redis, seconds: float | None) -> redis.Redis:
    """Return a client for the same Redis, with connections and a time-out for answers of its own."""
    pool = client.connection_pool
    options = {
        name: value
        for name, value in pool.connection_kwargs.items()
        if not name.startswith(("maint_notifications", "orig_"))  # redis-py's own, of the other pool
    }
    options["socket_timeout"] = seconds
    return redis.Redis.from_pool(redis.ConnectionPool(connection_class=pool.connection_class, **options))


def for_blocking(client: redis.Redis) -> redis.Redis:
    """Return a client for calls that block for up to `LONGEST_BLOCK` seconds."""
    timeout = answer_timeout(client)
    return with_timeout(client, timeout and timeout + LONGEST_BLOCK)
