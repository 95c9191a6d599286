"""Connect to Redis by a URL, or to the server that is found without one."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs_core import embedded
from jobs_core.errors import OptionError


def connect(url: str | None = None) -> redis.Redis:
    """Make a client for a URL (`redis://`, `rediss://`, `unix://`), or for the server found without one.

    Raises ServerError when no URL is given and no server is found, OptionError for a bad URL.
    """
    try:
        client = redis.Redis.from_url(
            url or embedded.default_url(),
            decode_responses=True,
            encoding_errors="surrogateescape",
            retry=Retry(
                NoBackoff(), 0
            ),  # a command whose reply was lost may have run: never repeat it blindly
            socket_connect_timeout=5,
            socket_timeout=30,
        )
        pool = client.connection_pool
        pool.connection_class(
            **pool.connection_kwargs
        )  # an option that it does not know is a mistake of the URL
    except (TypeError, ValueError) as error:
        raise OptionError(f"the URL of Redis is not understood: {error}") from None
    return client
