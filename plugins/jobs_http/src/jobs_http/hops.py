"""The requests of a task: the first one, and one per redirect."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from urllib.parse import quote, urljoin, urlsplit

from jobs_core import Task, parents_json
from jobs_http.errors import RequestFailed
from jobs_http.request import Request
from jobs_http.signing import sign

REDIRECTING = frozenset((301, 302, 303, 307, 308))

SAFE_HEADERS = frozenset(("accept", "accept-language", "cache-control", "content-type", "user-agent"))
"""Headers of a payload that are sent to other hosts too. Any other may be a credential."""

PORTS = {"http": 80, "https": 443}

LARGEST_PARENTS = 4096
"""The most that the header with the parents may take, in bytes. Many servers limit headers to 8 KiB."""

_PRINTABLE = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of a task. The first has the payload's query, the others are `redirected`.

    `home` is True if it goes to the payload's own host. Only then it may carry credentials.
    """

    method: str
    url: str = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    query: list[tuple[str, str]] = field(default_factory=list, repr=False)
    redirected: bool = True
    home: bool = True


def first(request: Request) -> Hop:
    """Return the first request, as in the payload."""
    return Hop(request.method, request.url, request.body, request.query, redirected=False)


def follow(hop: Hop, url: str, status: int, location: str) -> Hop:
    """Return the request that a redirect of `url` asks for. Raises RequestFailed.

    A POST becomes a GET, except after 307 and 308. Once outside the payload's host, a request is not trusted
    again.
    """
    try:
        target = urljoin(url, _text(location))
        parts = urlsplit(target)
        home = hop.home and _is_home(url, target)
    except ValueError:
        raise RequestFailed("redirect", "the redirect has an invalid URL") from None
    if parts.scheme not in PORTS or not parts.hostname or "\\" in target:
        raise RequestFailed("redirect", "the redirect is not to an HTTP URL")
    target = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
    if status in (307, 308) or hop.method in ("GET", "HEAD") or (status != 303 and hop.method != "POST"):
        return Hop(hop.method, target, hop.body, home=home)
    return Hop("GET", target, home=home)


def headers(hop: Hop, request: Request, task: Task, trace: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a request, with those of its trace. A signature contains the current time.

    Other hosts get no `tracestate`, since systems of this one may keep something of their own in it.
    """
    name = plain(task.id)
    found = {"user-agent": agent(), "idempotency-key": name, "jobs-attempt": str(task.attempt)}
    found |= {key: value for key, value in trace.items() if hop.home or key == "traceparent"}
    given = request.headers if hop.home else _safe_headers(request.headers)
    if not hop.body and request.body:
        given = {key: value for key, value in given.items() if key != "content-type"}
    found |= given
    if hop.home and task.token and request.callback is not False:
        found["jobs-token"] = plain(task.token)
    if hop.home and task.parents:
        found["jobs-parents"] = parents_json(task.parents, LARGEST_PARENTS, ascii=True)
    if hop.home and request.secret is not None:
        now = int(time.time())
        found |= {"webhook-id": name, "webhook-timestamp": str(now)}
        found["webhook-signature"] = sign(request.secret, name, now, hop.body)
    return found


@cache
def agent() -> str:
    """Return the User-Agent of the runner."""
    return f"jobs-http/{version('jobs-http')}"


def plain(text: str) -> str:
    """Return an id as a header value. A non-ASCII id is percent-encoded as UTF-8."""
    return text if text.isascii() else quote(text, safe=_PRINTABLE)


def _safe_headers(given: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in given.items() if key in SAFE_HEADERS}


def _text(location: str) -> str:
    """Decode a header as UTF-8 if possible, because most servers send UTF-8."""
    try:
        return location.encode("latin-1").decode()
    except UnicodeError:
        return location


def _is_home(url: str, target: str) -> bool:
    """Whether a redirect stays on its host: same scheme and port, or from HTTP to HTTPS on default ports."""
    here, there = _origin(url), _origin(target)
    return here == there or (
        here[1] == there[1] and (here[0], here[2], there[0], there[2]) == ("http", 80, "https", 443)
    )


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or PORTS.get(parts.scheme)
