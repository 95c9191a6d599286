"""Connect to Redis by URL, or to the default server."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs_core import embedded
from jobs_core.errors import OptionError


def connect(url: str | None = None) -> redis.Redis:
    """Make a client for a URL (`redis://`, `rediss://`, `unix://`), or for the default server.

    Raises:
        ServerError: There is no URL, and no server is found.
        OptionError: The URL is invalid.
    """
    try:
        client = redis.Redis.from_url(
            url or embedded.default_url(),
            decode_responses=True,
            encoding_errors="surrogateescape",
            retry=Retry(NoBackoff(), 0),  # a command whose reply was lost may have run: do not repeat it
            socket_connect_timeout=5,
            socket_timeout=30,
        )
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # raises TypeError for an unknown option in the URL
    except (TypeError, ValueError) as error:
        raise OptionError(f"The URL of Redis is invalid: {error}. Expected redis://HOST:PORT/DB.") from None
    return client
