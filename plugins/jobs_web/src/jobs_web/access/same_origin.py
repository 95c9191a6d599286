"""Whether a request that changes something comes from a page of this server.

A browser sends the cookie with every request to this server, also with one that another site starts. It says
where a request comes from in `Sec-Fetch-Site`. There, only `same-origin` will do: forms and scripts of the
page always have it. `none` is what somebody types or has as a bookmark, which never changes anything. To
plain http addresses other than the loopback one, browsers send only `Origin`.
"""

from __future__ import annotations

from starlette.requests import HTTPConnection

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""The methods of requests that change nothing."""


def is_same_origin(connection: HTTPConnection, default: bool = False) -> bool:
    """Return whether a request comes from a page of this server; `default` if it does not say."""
    headers = connection.headers
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    if origin := headers.get("origin"):
        return origin.partition("://")[2].lower() == headers.get("host", "").lower() != ""
    return default
