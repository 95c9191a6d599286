"""The requests that one task comes to: the first, and one for each redirect that is followed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from urllib.parse import quote, urljoin, urlsplit

from jobs_core import Task
from jobs_http.errors import Trouble
from jobs_http.request import Request
from jobs_http.signing import sign

REDIRECTING = frozenset((301, 302, 303, 307, 308))

HARMLESS = frozenset(("accept", "accept-language", "cache-control", "content-type", "user-agent"))
"""Headers of a payload that another host gets to see too. Any other may be a credential."""

PORTS = {"http": 80, "https": 443}

_PRINTABLE = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of a task: the first has the payload's query, the others were `redirected`.

    `home` is whether it goes where the payload said: only then is it trusted.
    """

    method: str
    url: str = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    query: list[tuple[str, str]] = field(default_factory=list, repr=False)
    redirected: bool = True
    home: bool = True


def first(request: Request) -> Hop:
    """The request as the payload has it."""
    return Hop(request.method, request.url, request.body, request.query, redirected=False)


def follow(hop: Hop, url: str, status: int, location: str) -> Hop:
    """The request that a redirect asks for; `url` is the one it came from. Raises Trouble.

    A POST becomes a GET, unless the status says that it does not. What has left the host of the payload is
    not trusted again.
    """
    try:
        target = urljoin(url, _text(location))
        parts = urlsplit(target)
        home = hop.home and _is_home(url, target)
    except ValueError:
        raise Trouble("redirect", "it was redirected to what is no URL") from None
    if parts.scheme not in PORTS or not parts.hostname or "\\" in target:
        raise Trouble("redirect", "it was redirected to what is no HTTP URL")
    target = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
    if status in (307, 308) or hop.method in ("GET", "HEAD") or (status != 303 and hop.method != "POST"):
        return Hop(hop.method, target, hop.body, home=home)
    return Hop("GET", target, home=home)


def headers(hop: Hop, request: Request, task: Task) -> dict[str, str]:
    """The headers of a request; the time in a signature is that of the call."""
    name = plain(task.id)
    found = {"user-agent": agent(), "idempotency-key": name, "jobs-attempt": str(task.attempt)}
    given = request.headers if hop.home else _harmless(request.headers)
    if not hop.body and request.body:
        given = {key: value for key, value in given.items() if key != "content-type"}
    found |= given
    if hop.home and task.token and request.callback is not False:
        found["jobs-token"] = plain(task.token)
    if hop.home and request.secret is not None:
        now = int(time.time())
        found |= {"webhook-id": name, "webhook-timestamp": str(now)}
        found["webhook-signature"] = sign(request.secret, name, now, hop.body)
    return found


@cache
def agent() -> str:
    """What the runner calls itself."""
    return f"jobs-http/{version('jobs-http')}"


def plain(text: str) -> str:
    """An id as a header can hold it: as it is, or percent-encoded in UTF-8 if it is not ASCII."""
    return text if text.isascii() else quote(text, safe=_PRINTABLE)


def _harmless(given: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in given.items() if key in HARMLESS}


def _text(location: str) -> str:
    """A header as UTF-8, which most who write such URLs mean."""
    try:
        return location.encode("latin-1").decode()
    except UnicodeError:
        return location


def _is_home(url: str, target: str) -> bool:
    """Whether a redirect stays: same host, port and scheme, or from HTTP to HTTPS at their own ports."""
    here, there = _origin(url), _origin(target)
    return here == there or (
        here[1] == there[1] and (here[0], here[2], there[0], there[2]) == ("http", 80, "https", 443)
    )


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or PORTS.get(parts.scheme)
