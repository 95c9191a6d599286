"""What the settings of this machine would refuse, found in a payload without asking DNS."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from jobs_core import OptionError, Payload
from jobs_http.guard import Guard
from jobs_http.request import Lookup


def refusals(payload: Payload, settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each part of a valid payload that a worker with these settings would refuse."""
    if not isinstance(payload, dict):
        return
    try:
        guard = Guard.read(settings)
    except OptionError as error:
        yield str(error)
        return
    host = urlsplit(payload["url"]).hostname or ""
    reasons = [guard.refusal(host, address) for address in _addresses(host)]
    if reasons and all(reasons):
        yield reasons[0]
    lookup = Lookup(tuple(settings["http_env"]))
    for key in ("headers", "query", "auth", "secret"):
        for name in _variables(payload.get(key)):
            if refusal := lookup.refusal(name):
                yield f"{key}: {refusal}"


def _addresses(host: str) -> list[str]:
    """Return the addresses of a host that need no DNS: numbers, and localhost."""
    if host.rstrip(".").endswith("localhost"):
        return ["127.0.0.1"]
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []
    return [str(info[4][0]) for info in found]


def _variables(value: Any) -> Iterator[str]:
    """Yield the names of the variables in a value of a payload, or in the values of a mapping."""
    if isinstance(value, dict):
        if isinstance(value.get("env"), str) and len(value) == 1:
            yield value["env"]
        else:
            for each in value.values():
                yield from _variables(each) if isinstance(each, dict) else ()
