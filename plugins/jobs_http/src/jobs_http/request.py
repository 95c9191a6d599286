"""Turn a payload into a request, with values from the worker's environment."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import SplitResult, unquote

from jobs_core import OptionError, PayloadError
from jobs_http.payload import (
    CONNECT,
    LIMIT,
    READ,
    REDIRECTS,
    check,
    check_header,
    check_secret,
    check_url,
    statuses,
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request to send. `connect` and `read` are in seconds, `limit` is in bytes."""

    url: str
    method: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    query: list[tuple[str, str]] = field(default_factory=list, repr=False)
    secret: str | None = field(default=None, repr=False)
    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    expect: tuple[range, ...] = (range(200, 300),)
    redirects: int = REDIRECTS
    connect: float = CONNECT
    read: float = READ
    limit: int = LIMIT
    callback: bool | None = None

    def expects(self, status: int) -> bool:
        """Whether the payload expects this status."""
        return any(status in each for each in self.expect)


def read(payload: Any, settings: Mapping[str, Any]) -> Request:
    """Return the request of a payload. Raises PayloadError, or OptionError for an invalid setting.

    It checks the payload again, because some clients put jobs without validation.

    >>> read({"url": "https://example.com", "json": {}}, settings).method
    'POST'
    """
    check(payload)
    lookup = Lookup(tuple(settings["http_env"]))
    body = _body(payload)
    connect, wait = payload.get("timeout", (CONNECT, READ))
    cert = payload.get("cert")
    url, user = _without_user(check_url(payload["url"]))
    return Request(
        url,
        payload.get("method", "GET" if body is None else "POST"),
        headers=_type(payload) | _headers(payload, lookup) | (user or _auth(payload.get("auth"), lookup)),
        body=body or b"",
        query=_query(payload.get("query", {}), lookup),
        secret=_secret(payload.get("secret"), settings, lookup),
        verify=payload.get("verify", True),
        cert=(cert[0], cert[1]) if isinstance(cert, list) else cert,
        expect=tuple(statuses(payload.get("expect", ["2xx"]))),
        redirects=payload.get("redirects", REDIRECTS),
        connect=connect,
        read=wait,
        limit=payload.get("limit", LIMIT),
        callback=payload.get("callback"),
    )


@dataclass(frozen=True, slots=True)
class Lookup:
    """Reads the environment variables that payloads may use. Their names must match one of the patterns."""

    allowed: tuple[str, ...]

    def refusal(self, name: str) -> str:
        """Return why payloads may not use a variable, and the setting. Empty if they may."""
        if any(fnmatchcase(name, pattern) for pattern in self.allowed):
            return ""
        return (
            f"the setting http_env does not let payloads use the variable {name}. Add it on the worker: "
            f"JOBS_HTTP_ENV={','.join((*self.allowed, name))}"
        )

    def __call__(self, value: str | Mapping[str, str], key: str) -> str:
        """Return a plain value, or one from the environment. Raises PayloadError."""
        if isinstance(value, str):
            return value
        name = value["env"]
        if refusal := self.refusal(name):
            raise PayloadError(f"{key}: {refusal}")
        if name not in os.environ:
            raise PayloadError(f"{key}: environment variable not set on this worker")
        return os.environ[name]


def _body(payload: Mapping[str, Any]) -> bytes | None:
    try:
        if "json" in payload:
            return json.dumps(payload["json"], ensure_ascii=False, allow_nan=False).encode()
        return payload["body"].encode() if "body" in payload else None
    except UnicodeEncodeError:
        raise PayloadError("body: contains text that UTF-8 cannot encode") from None
    except ValueError:
        raise PayloadError("json: contains NaN or infinity, which JSON does not allow") from None


def _type(payload: Mapping[str, Any]) -> dict[str, str]:
    if "json" in payload:
        return {"content-type": "application/json"}
    return {"content-type": "text/plain; charset=utf-8"} if "body" in payload else {}


def _headers(payload: Mapping[str, Any], lookup: Lookup) -> dict[str, str]:
    """Return the payload's headers with lower-case names, so that each is sent once."""
    given = payload.get("headers", {})
    found = {name.lower(): lookup(value, "headers").strip() for name, value in given.items()}
    for value in found.values():
        check_header(value, "headers")
    return found


def _auth(auth: Mapping[str, Any] | None, lookup: Lookup) -> dict[str, str]:
    if auth is None:
        return {}
    if "bearer" in auth:
        token = lookup(auth["bearer"], "auth")
        check_header(token, "auth")
        return {"authorization": f"Bearer {token}"}
    return _basic(lookup(auth["user"], "auth"), lookup(auth.get("password", ""), "auth"))


def _basic(user: str, password: str) -> dict[str, str]:
    words = base64.b64encode(f"{user}:{password}".encode(errors="replace")).decode()
    return {"authorization": f"Basic {words}"}


def _without_user(parts: SplitResult) -> tuple[str, dict[str, str]]:
    """Return a URL without user and password, and the header that replaces these."""
    user, at, host = parts.netloc.rpartition("@")
    url = parts._replace(netloc=host).geturl()
    if not at:
        return url, {}
    name, _, password = user.partition(":")
    return url, _basic(unquote(name), unquote(password))


def _query(query: Mapping[str, Any], lookup: Lookup) -> list[tuple[str, str]]:
    return [
        (name, _word(each, lookup))
        for name, value in query.items()
        for each in (value if isinstance(value, list) else [value])
    ]


def _word(value: Any, lookup: Lookup) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return lookup(value, "query") if isinstance(value, (str, dict)) else str(value)


def _secret(value: Any, settings: Mapping[str, Any], lookup: Lookup) -> str | None:
    """Return the payload's secret, or else the worker's."""
    if value is not None:
        secret = lookup(value, "secret")
        check_secret(secret)
        return secret
    common: str | None = settings["http_secret"] or None
    if common is not None:
        try:
            check_secret(common, "http_secret")
        except PayloadError as error:
            raise OptionError(str(error)) from None
    return common
