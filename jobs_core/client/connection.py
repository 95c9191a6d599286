"""Connect to Redis by URL, or to the default server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.retry import Retry

from jobs_core import embedded
from jobs_core.client import redis_url
from jobs_core.client.certificates import require_readable
from jobs_core.client.credentials import PasswordCommand, PasswordFile
from jobs_core.engine.routing import (
    Ask,
    ClusterRoute,
    Route,
    RoutedConnection,
    RoutedSSLConnection,
    SentinelRoute,
)
from jobs_core.errors import OptionError, ServerError
from jobs_core.plugins import settings
from jobs_core.plugins.builtin.redis_settings import ANSWER, CONNECT, PASSWORD_COMMAND, PASSWORD_FILE, TLS
from jobs_core.values import require_text

KINDS: Mapping[str, Any] = {
    "redis": redis.Connection,
    "rediss": redis.SSLConnection,
    "unix": redis.UnixDomainSocketConnection,
}

_OF_THE_PRIMARY = ("username", "password", "credential_provider", "db")
"""Options that Sentinels do not share: they have users of their own."""

ROUTED: Mapping[str, Any] = {"redis": RoutedConnection, "rediss": RoutedSSLConnection}


def connect(
    url: str | None = None,
    *,
    key: str = "",
    socket_timeout: float | None = None,
    socket_connect_timeout: float | None = None,
) -> redis.Redis:
    """Make a client for a URL, or for the default server.

    Args:
        url: The URL. The default is JOBS_REDIS_URL, else the embedded server.
        key: The tag of the board, which in a cluster decides which node has it.
        socket_timeout: Seconds to wait for an answer. The default is the URL's, else the setting.
        socket_connect_timeout: Seconds to wait for a connection, likewise.

    Raises:
        ServerError: There is no URL, and no server is found.
        OptionError: The URL or a time-out is invalid.
    """
    address = redis_url.parse(require_text("url", url) if url is not None else embedded.default_url())
    given = {ANSWER.name: socket_timeout, CONNECT.name: socket_connect_timeout}
    for name, value in given.items():
        if value is not None:
            address.options[name] = _seconds(name, value, name)
    _read_tls(address)
    _read_password(address)
    unset = [setting for setting in (ANSWER, CONNECT) if setting.name not in address.options]
    for setting, value, where in settings.current(unset):
        address.options[setting.name] = _seconds(setting.name, value, where)
    defaults: dict[str, Any] = {
        "decode_responses": True,
        "encoding_errors": "surrogateescape",
        "retry": Retry(NoBackoff(), 0),  # a command whose reply was lost may have run: do not repeat it
        "protocol": 2,  # Jobs needs nothing of RESP 3, and its notifications cost a round trip
    }
    kinds, route = KINDS, _route(address, key)
    if route is not None:
        kinds, address.options["route"] = ROUTED, route
    pool = redis.ConnectionPool(connection_class=kinds[address.scheme], **defaults | address.options)
    return redis.Redis.from_pool(pool)  # closing the client also closes the pool


def _read_tls(address: redis_url.Address) -> None:
    """Add the settings of TLS that the URL leaves out."""
    if address.scheme != "rediss":
        return
    unset = [setting for setting, name in TLS.items() if name not in address.options]
    for setting, value, where in settings.current(unset):
        if value is None:
            continue
        if not Path(value).expanduser().is_file():
            raise OptionError(f"{where}: there is no file {value!r}", option=setting.name)
        address.options[TLS[setting]] = str(Path(value).expanduser())
    if any(name in address.options for name in TLS.values()):
        require_readable(address.options)


def _read_password(address: redis_url.Address) -> None:
    """Take the password from a file or a command, if the settings name one, and the URL has none."""
    if "password" in address.options:
        return
    found = {
        setting: value for setting, value, _ in settings.current((PASSWORD_FILE, PASSWORD_COMMAND)) if value
    }
    if len(found) > 1:
        raise OptionError(
            "redis_password_file and redis_password_command: set one of them, not both", option="url"
        )
    for setting, value in found.items():
        kind = PasswordFile if setting is PASSWORD_FILE else PasswordCommand
        provider = kind(address.options.pop("username", None), str(value))
        if setting is PASSWORD_FILE:
            _require_credentials(provider, setting.name)
        address.options["credential_provider"] = provider


def _require_credentials(provider: CredentialProvider, option: str) -> None:
    """Read the password once, so that a wrong file is the user's mistake now, and not one of the server."""
    try:
        provider.get_credentials()
    except ServerError as error:
        raise OptionError(str(error), option=option) from None


def _route(address: redis_url.Address, key: str) -> Route | None:
    """Return what finds the server of the board, if the URL does not name it."""
    if address.behind is None:
        return None
    kind, options = KINDS[address.scheme], address.options
    if address.behind == "cluster":
        return ClusterRoute(address.places, key, Ask(kind, options))
    shared = {name: value for name, value in options.items() if name not in _OF_THE_PRIMARY}
    return SentinelRoute(address.places, address.service, Ask(kind, {**shared, **address.sentinel}))


def _seconds(name: str, value: Any, where: str) -> float:
    """Read a time-out. `where` is where it is set."""
    try:
        return redis_url.seconds(value)
    except (TypeError, ValueError):
        raise OptionError(
            f"{where}: expected a number of seconds above 0, got {value!r}", option=name
        ) from None
