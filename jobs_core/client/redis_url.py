"""Read the URL of a Redis. No error quotes any part of it that may belong to a password."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from jobs_core.errors import OptionError
from jobs_core.values import nearest

SCHEMES = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss", "unix": "unix"}
"""The schemes, and the scheme of Redis that each stands for."""

ENCODE = (
    "special characters in its password must be percent-encoded: "
    "%40 for @, %2F for /, %3F for ?, %23 for #, %3A for :"
)
_EXPECTED = (
    "expected redis://HOST:PORT/DB, rediss://HOST:PORT/DB (TLS), unix:///PATH, "
    "redis+sentinel://HOST:PORT,HOST:PORT/NAME or redis+cluster://HOST:PORT,HOST:PORT."
)
DEFAULT_PORT, SENTINEL_PORT = 6379, 26379

Place = tuple[str, int]
"""A host and a port."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Redis is, and how to connect.

    Args:
        scheme: redis, rediss or unix.
        options: The options of redis-py's connections.
        behind: `sentinel` or `cluster` if others are asked where the board is.
        places: The Sentinels, or some nodes of the cluster.
        service: The name of the primary that Sentinels watch.
        sentinel: The options of connections to Sentinels, such as their password.
    """

    scheme: str
    options: dict[str, Any]
    behind: Literal["sentinel", "cluster"] | None = None
    places: tuple[Place, ...] = ()
    service: str = ""
    sentinel: Mapping[str, Any] = field(default_factory=dict)


def parse(url: str) -> Address:
    """Read a URL: redis://, rediss:// or unix://, or with valkey for redis. With +sentinel or +cluster after
    the scheme, it names several servers to ask.

    Raises:
        OptionError: The URL is invalid.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:  # its text may quote the password
        raise _invalid(f"{ENCODE}.") from None
    word, _, behind = parts.scheme.partition("+")
    scheme = SCHEMES.get(word)
    is_known = behind in ("", "sentinel", "cluster") and not (behind and scheme == "unix")
    if scheme is None or not is_known or "://" not in url:
        raise _invalid(_EXPECTED)
    _require_encoded(parts, scheme)
    login = {
        name: unquote(text)
        for name, text in (("username", parts.username), ("password", parts.password))
        if text
    }
    if behind == "sentinel":
        return _sentinel(parts, scheme, login)
    if behind == "cluster":
        return _cluster(parts, scheme, login)
    options = _socket_path(parts) if scheme == "unix" else _host_and_database(parts)
    return Address(scheme, options | login | _query(parts.query, PARAMETERS[scheme], scheme))


def _sentinel(parts: SplitResult, scheme: str, login: dict[str, Any]) -> Address:
    service, _, database = unquote(parts.path.removeprefix("/")).partition("/")
    if not service or not service.isprintable():
        raise _invalid("name the primary after the Sentinels, as in redis+sentinel://host1,host2/mymaster.")
    options = _query(parts.query, PARAMETERS[scheme] | _SENTINEL, f"{scheme}+sentinel")
    own = {name.removeprefix("sentinel_"): options.pop(name) for name in _SENTINEL if name in options}
    found = _database(database) | login | options
    return Address(scheme, found, "sentinel", _places(parts, SENTINEL_PORT), service, own)


def _cluster(parts: SplitResult, scheme: str, login: dict[str, Any]) -> Address:
    if parts.path not in ("", "/", "/0"):
        raise _invalid("a cluster has only the database 0. Remove what follows its hosts.")
    known = {name: reader for name, reader in PARAMETERS[scheme].items() if name != "db"}
    options = _query(parts.query, known, f"{scheme}+cluster")
    return Address(scheme, login | options, "cluster", _places(parts, DEFAULT_PORT))


def _places(parts: SplitResult, default_port: int) -> tuple[Place, ...]:
    """Return the hosts and ports of a URL that names several, separated by commas."""
    found = []
    for text in parts.netloc.rpartition("@")[2].split(","):
        try:
            one = urlsplit(f"//{text}")
            port = default_port if one.port is None else one.port
        except ValueError:
            one, port = urlsplit("//"), 0
        host = unquote(one.hostname or "")
        if not host or port == 0 or " " in host or not host.isprintable():
            raise _invalid("its servers must be HOST:PORT, separated by commas, as in //host1:26379,host2.")
        found.append((host, port))
    return tuple(found)


def seconds(value: str | float) -> float:
    """Return a time-out in seconds. Raises ValueError unless it is above 0 and finite."""
    number = float(value)
    if not 0 < number < math.inf:
        raise ValueError(value)
    return number


def _invalid(what: str) -> OptionError:
    return OptionError(f"The URL of Redis is invalid: {what}")


def _require_encoded(parts: SplitResult, scheme: str) -> None:
    """Raise OptionError for a URL that a character of its password has cut short."""
    after = parts.query if scheme == "unix" else parts.path + parts.query
    if parts.fragment or "@" in after:
        raise _invalid(f"{ENCODE}.")


def _socket_path(parts: SplitResult) -> dict[str, Any]:
    place = parts.netloc.rpartition("@")[2]
    if place or parts.path in ("", "/"):
        raise _invalid("the path of a socket must be absolute. Write unix:///PATH, with three slashes.")
    return {"path": unquote(parts.path)}


def _host_and_database(parts: SplitResult) -> dict[str, Any]:
    try:
        port = DEFAULT_PORT if parts.port is None else parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise _invalid(f"its port must be a number from 1 to 65535, and {ENCODE}.")
    if not parts.hostname:
        raise _invalid("it names no host. Write redis://localhost for a server on this machine.")
    host = unquote(parts.hostname)
    if " " in host or not host.isprintable():
        raise _invalid(f"its host has a space or a control character, and {ENCODE}.")
    return {"host": host, "port": port} | _database(unquote(parts.path.removeprefix("/")))


def _database(text: str) -> dict[str, Any]:
    if not text:
        return {}
    if not _is_number(text):
        raise _invalid("the database after the host must be a number, as in redis://localhost:6379/0.")
    return {"db": int(text)}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _number(text: str) -> int:
    if not _is_number(text):
        raise ValueError(text)
    return int(text)


def _count(text: str) -> int:
    return _number(text) or _number("")


def _flag(text: str) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]


def _one_of(*words: str) -> Callable[[str], str]:
    return {word: word for word in words}.__getitem__


Reader = tuple[Callable[[str], Any], str]

_TEXT: Reader = (str, "text")
_SECONDS: Reader = (seconds, "a number of seconds above 0")
_FLAG: Reader = (_flag, "true or false")
_NUMBER: Reader = (_number, "a whole number")

_ALL: dict[str, Reader] = {
    "db": _NUMBER,
    "username": _TEXT,
    "password": _TEXT,
    "client_name": _TEXT,
    "socket_timeout": _SECONDS,
    "socket_connect_timeout": _SECONDS,
    "health_check_interval": _NUMBER,
    "max_connections": (_count, "a whole number above 0"),
    "protocol": (lambda text: int(_one_of("2", "3")(text)), "2 or 3"),
}
_TCP: dict[str, Reader] = _ALL | {"socket_keepalive": _FLAG}
_TLS: dict[str, Reader] = _TCP | {
    "ssl_ca_certs": _TEXT,
    "ssl_ca_path": _TEXT,
    "ssl_ca_data": _TEXT,
    "ssl_certfile": _TEXT,
    "ssl_keyfile": _TEXT,
    "ssl_password": _TEXT,
    "ssl_cert_reqs": (_one_of("none", "optional", "required"), "none, optional or required"),
    "ssl_check_hostname": _FLAG,
    "ssl_ciphers": _TEXT,
}
PARAMETERS = {"unix": _ALL, "redis": _TCP, "rediss": _TLS}
"""The query parameters of each scheme. They have the names of redis-py."""
_SENTINEL: dict[str, Reader] = {"sentinel_username": _TEXT, "sentinel_password": _TEXT}


def _query(text: str, known: Mapping[str, Reader], scheme: str) -> dict[str, Any]:
    found = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name not in known:
            raise _invalid(
                f"there is no parameter {name!r}{nearest(name, known)}. "
                f"{scheme}:// takes {', '.join(sorted(known))}."
            )
        read, expected = known[name]
        try:
            found[name] = read(value)
        except (ValueError, KeyError):
            raise _invalid(f"{name} must be {expected}.") from None
    return found
