"""What a payload of the http runner may say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any
from urllib.parse import SplitResult, urlsplit

from jobs_core import PayloadError
from jobs_http.signing import keys

CONNECT, READ = 10.0, 60.0
"""Seconds until a connection stands, and between two pieces of an answer."""
LIMIT = 64 * 1024
"""Bytes of the answer kept in the outcome."""
REDIRECTS = 10

_TEXT = {"type": "string", "minLength": 1}
_ENV = {
    "type": "object",
    "additionalProperties": False,
    "required": ["env"],
    "properties": {"env": _TEXT},
    "description": "An environment variable of the worker",
}
_VALUE = {"anyOf": [{"type": "string"}, _ENV]}
_PLAIN = {"type": ["string", "number", "boolean"]}
_SECONDS = {"type": "number", "exclusiveMinimum": 0}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url"],
    "properties": {
        "url": _TEXT | {"description": "Where to: http or https"},
        "method": {
            "type": "string",
            "pattern": "^[A-Z]{1,20}$",
            "description": "GET unless given; POST when there is a body",
        },
        "headers": {
            "type": "object",
            "additionalProperties": _VALUE,
            "description": "Headers of the request",
        },
        "body": {"type": "string", "description": "The body, as text"},
        "json": {"description": "The body, as JSON"},
        "query": {
            "type": "object",
            "additionalProperties": {"anyOf": [_PLAIN, {"type": "array", "items": _PLAIN}, _ENV]},
            "description": "Parameters, after those of the URL",
        },
        "auth": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"user": _VALUE, "password": _VALUE, "bearer": _VALUE},
            "description": "A user and a password, or a bearer token",
        },
        "secret": _VALUE | {"description": "Signs the request: whsec_ and base64"},
        "verify": {
            "anyOf": [{"type": "boolean"}, _TEXT],
            "description": "Whether to check the certificate, or a file of authorities to trust",
        },
        "cert": {
            "anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2}],
            "description": "The client's certificate: one file, or the certificate's and the key's",
        },
        "expect": {
            "type": "array",
            "minItems": 1,
            "items": {"type": ["integer", "string"]},
            "description": 'The statuses that are good: 204, "2xx" or "200-299"; 2xx unless given',
        },
        "redirects": {
            "type": "integer",
            "minimum": 0,
            "maximum": 100,
            "description": f"How many redirects are followed: {REDIRECTS} unless given",
        },
        "timeout": {
            "type": "array",
            "items": _SECONDS,
            "minItems": 2,
            "maxItems": 2,
            "description": f"Seconds to connect, and to wait for an answer: {CONNECT:g} and {READ:g}",
        },
        "limit": {
            "type": "integer",
            "minimum": 0,
            "maximum": 2**20,
            "description": f"Bytes of the answer kept in the outcome: {LIMIT} unless given",
        },
        "callback": {
            "type": "boolean",
            "description": "Whether a good answer means accepted; unless given, 202 does",
        },
    },
}

OURS = frozenset(
    (
        "connection",
        "content-length",
        "idempotency-key",
        "jobs-attempt",
        "jobs-token",
        "transfer-encoding",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    )
)
"""Headers that a payload may not set."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_STATUSES = re.compile(r"([1-5])xx|([1-5]\d\d)(?:-([1-5]\d\d))?", re.ASCII)


def check(payload: Any) -> None:
    """Refuse what a schema cannot say. Raises PayloadError; the sentence names the key, never its value."""
    if not isinstance(payload, dict):
        raise PayloadError("the http runner needs a URL or a JSON object")
    url = check_url(payload["url"])
    if "body" in payload and "json" in payload:
        raise PayloadError("the http runner takes one of the keys 'body' and 'json', not both")
    if "auth" in payload:
        _check_auth(payload["auth"])
        if "@" in url.netloc:
            raise PayloadError("the key 'auth' is given, and the URL has a user of its own")
    for name, value in payload.get("headers", {}).items():
        check_header_name(name)
        if isinstance(value, str):
            check_header(value, "headers")
    if isinstance(payload.get("secret"), str):
        check_secret(payload["secret"])
    if not all(map(isfinite, payload.get("timeout", ()))):
        raise PayloadError("the key 'timeout' must hold finite numbers of seconds")
    list(statuses(payload.get("expect", ["2xx"])))


def check_url(url: str) -> SplitResult:
    """Refuse a URL that no request can be made of. Raises PayloadError."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - it raises for a port that is none
    except ValueError:
        raise PayloadError("the key 'url' is no URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PayloadError("the key 'url' must begin with http:// or https:// and a host")
    if re.search(r"[\x00-\x20\x7f\\]", parts.netloc) or _CONTROL.search(url) or "\\" in url:
        raise PayloadError("the key 'url' has a character that no URL has")
    return parts


def check_header_name(name: str) -> None:
    """Refuse a header that HTTP does not know, or that is not the payload's to set. Raises PayloadError."""
    if not _TOKEN.fullmatch(name):
        raise PayloadError("the key 'headers' has a name that no header can have")
    if name.lower() in OURS:
        raise PayloadError("the key 'headers' has a name that the http runner sets itself")


def check_header(value: str, key: str) -> None:
    """Refuse a header's value that would end the header, or that HTTP cannot carry. Raises PayloadError."""
    if _CONTROL.search(value):
        raise PayloadError(f"the key {key!r} has a value with a line end or another control character")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise PayloadError(f"the key {key!r} has a value with characters that no header can hold") from None


def check_secret(secret: str, where: str = "the key 'secret'") -> None:
    """Refuse a secret that signs nothing. Raises PayloadError."""
    try:
        keys(secret)
    except ValueError:
        raise PayloadError(f"{where} must be whsec_ and base64") from None


def _check_auth(auth: Mapping[str, Any]) -> None:
    if set(auth) not in ({"bearer"}, {"user"}, {"user", "password"}):
        raise PayloadError("the key 'auth' needs 'user' and 'password', or 'bearer'")
    if isinstance(auth.get("bearer"), str):
        check_header(auth["bearer"], "auth")
    if ":" in str(auth.get("user", "")) and isinstance(auth["user"], str):
        raise PayloadError("the key 'auth' has a user with a colon, which HTTP cannot tell from the password")


def statuses(expect: list[Any]) -> Iterator[range]:
    """The statuses that `expect` names. Raises PayloadError.

    >>> list(statuses(["2xx", 404]))
    [range(200, 300), range(404, 405)]
    """
    for item in expect:
        found = _STATUSES.fullmatch(str(item))
        if found is None:
            raise PayloadError('the key \'expect\' takes statuses such as 204, "2xx" or "200-299"')
        hundred, first, last = found.groups()
        if hundred:
            yield range(int(hundred) * 100, int(hundred) * 100 + 100)
        else:
            yield range(int(first), int(last or first) + 1)
