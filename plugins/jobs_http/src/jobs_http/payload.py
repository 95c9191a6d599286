"""The payload of the http runner: schema and checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any
from urllib.parse import SplitResult, urlsplit

from jobs_core import PayloadError
from jobs_http.signing import keys

CONNECT, READ = 10.0, 60.0
"""Seconds to connect, and to wait for each part of a response."""
LIMIT = 64 * 1024
"""Bytes of the response kept in the outcome."""
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
        "url": _TEXT | {"description": "http or https URL"},
        "method": {
            "type": "string",
            "pattern": "^[A-Z]{1,20}$",
            "description": "Method (default GET, or POST with a body)",
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
            "description": "Query parameters, appended to those of the URL",
        },
        "auth": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"user": _VALUE, "password": _VALUE, "bearer": _VALUE},
            "description": "A user and a password, or a bearer token",
        },
        "secret": _VALUE | {"description": "Secret that signs the request: whsec_ followed by base64"},
        "verify": {
            "anyOf": [{"type": "boolean"}, _TEXT],
            "description": "Whether to check certificates, or a file of trusted CAs",
        },
        "cert": {
            "anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2}],
            "description": "Client certificate: one file, or certificate and key files",
        },
        "expect": {
            "type": "array",
            "minItems": 1,
            "items": {"type": ["integer", "string"]},
            "description": 'Statuses that count as done: 204, "2xx" or "200-299" (default 2xx)',
        },
        "redirects": {
            "type": "integer",
            "minimum": 0,
            "maximum": 100,
            "description": f"Maximum number of redirects (default {REDIRECTS})",
        },
        "timeout": {
            "type": "array",
            "items": _SECONDS,
            "minItems": 2,
            "maxItems": 2,
            "description": f"Seconds to connect and to wait for a response (default {CONNECT:g}, {READ:g})",
        },
        "limit": {
            "type": "integer",
            "minimum": 0,
            "maximum": 2**20,
            "description": f"Bytes of the response kept in the outcome (default {LIMIT})",
        },
        "callback": {
            "type": "boolean",
            "description": "Whether an expected status means accepted (default: only 202)",
        },
    },
}

RESERVED_HEADERS = frozenset(
    (
        "connection",
        "content-length",
        "idempotency-key",
        "jobs-attempt",
        "jobs-parents",
        "jobs-token",
        "transfer-encoding",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    )
)
"""Headers that a payload may not set."""

LONGEST_HEADER = 1000
"""Characters of a value that an alert fills into a header: servers refuse headers of several KiB."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_STATUSES = re.compile(r"([1-5])xx|([1-5]\d\d)(?:-([1-5]\d\d))?", re.ASCII)


def check(payload: Any) -> None:
    """Check what the schema cannot express. Raises PayloadError; the error names the key, never its value."""
    if not isinstance(payload, dict):
        raise PayloadError("http payload: expected a URL or a JSON object")
    url = check_url(payload["url"])
    if "body" in payload and "json" in payload:
        raise PayloadError("http payload: set either 'body' or 'json', not both")
    if "auth" in payload:
        _check_auth(payload["auth"])
        if "@" in url.netloc:
            raise PayloadError("auth: the URL already has a user")
    for name, value in payload.get("headers", {}).items():
        check_header_name(name)
        if isinstance(value, str):
            check_header(value, "headers")
    if isinstance(payload.get("secret"), str):
        check_secret(payload["secret"])
    if not all(map(isfinite, payload.get("timeout", ()))):
        raise PayloadError("timeout: expected finite numbers of seconds")
    list(statuses(payload.get("expect", ["2xx"])))


def check_url(url: str) -> SplitResult:
    """Reject a URL that cannot be requested. Raises PayloadError."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for an invalid port
    except ValueError:
        raise PayloadError("url: not a valid URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PayloadError("url: expected http:// or https:// and a host")
    if re.search(r"[\x00-\x20\x7f\\]", parts.netloc) or _CONTROL.search(url) or "\\" in url:
        raise PayloadError("url: contains a character that is not allowed in a URL")
    return parts


def check_header_name(name: str) -> None:
    """Reject an invalid header name, or one that the runner sets itself. Raises PayloadError."""
    if not _TOKEN.fullmatch(name):
        raise PayloadError("headers: not a valid header name")
    if name.lower() in RESERVED_HEADERS:
        raise PayloadError("headers: the http runner sets this header itself")


def check_header(value: str, key: str) -> None:
    """Reject a header value with line ends or characters outside Latin-1. Raises PayloadError."""
    if _CONTROL.search(value):
        raise PayloadError(f"{key}: a value contains a line end or another control character")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise PayloadError(f"{key}: a value contains characters outside Latin-1") from None


def as_header(text: str) -> str:
    """Return a text in a form that a header can have: one line, with `?` for what is not Latin-1.

    >>> as_header("no luck\n→ 3")
    'no luck ? 3'
    """
    line = _CONTROL.sub(" ", " ".join(text.split()))
    return line[:LONGEST_HEADER].encode("latin-1", "replace").decode("latin-1")


def check_secret(secret: str, where: str = "secret") -> None:
    """Reject an invalid secret. Raises PayloadError."""
    try:
        keys(secret)
    except ValueError:
        raise PayloadError(f"{where}: expected whsec_ followed by base64") from None


def _check_auth(auth: Mapping[str, Any]) -> None:
    if set(auth) not in ({"bearer"}, {"user"}, {"user", "password"}):
        raise PayloadError("auth: expected 'user' and 'password', or 'bearer'")
    if isinstance(auth.get("bearer"), str):
        check_header(auth["bearer"], "auth")
    if ":" in str(auth.get("user", "")) and isinstance(auth["user"], str):
        raise PayloadError("auth: a user name must not contain a colon")


def statuses(expect: list[Any]) -> Iterator[range]:
    """Yield the status ranges of `expect`. Raises PayloadError.

    >>> list(statuses(["2xx", 404]))
    [range(200, 300), range(404, 405)]
    """
    for item in expect:
        found = _STATUSES.fullmatch(str(item))
        if found is None:
            raise PayloadError('expect: expected statuses such as 204, "2xx" or "200-299"')
        hundred, first, last = found.groups()
        if hundred:
            yield range(int(hundred) * 100, int(hundred) * 100 + 100)
        else:
            yield range(int(first), int(last or first) + 1)
