"""The payload of the notify runner."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from jobs_core import PayloadError

MOST = 50
"""Targets of one notification."""

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["to"],
    "additionalProperties": False,
    "properties": {
        "to": {
            "type": ["string", "array"],
            "items": {"type": "string", "minLength": 1},
            "minLength": 1,
            "minItems": 1,
            "maxItems": MOST,
            "description": "Names of targets, and mail addresses as mailto:ann@example.com",
        },
        "title": {"type": "string", "minLength": 1, "description": "Title (default: what an alert is about)"},
        "body": {"type": "string", "minLength": 1, "description": "Text (default: what an alert tells)"},
        "digest": {
            "type": "string",
            "minLength": 1,
            "description": "Send a digest of this time instead: 7d, 24h",
        },
    },
}

MAILTO = "mailto:"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""The name of a target."""

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)")
_DIGEST = re.compile(r"(\d+(?:\.\d+)?)([hdw])", re.ASCII)
_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0}
LONGEST_DIGEST = 366


def check(payload: Any, *, is_alert: bool) -> None:
    """Check what the schema cannot express. Raises PayloadError; the error names the key, never its value."""
    if not isinstance(payload, dict) or "to" not in payload:
        raise PayloadError("notify payload: expected the name of a target, or a JSON object with 'to'")
    for word in words(payload):
        if word.startswith(MAILTO):
            read_address(word)
        elif not NAME.fullmatch(word):
            raise PayloadError(
                "to: expected names of targets (letters, digits, - and _) or mailto:ann@example.com"
            )
    if "digest" in payload:
        read_days(payload["digest"])
        if "body" in payload:
            raise PayloadError("digest: set either 'body' or 'digest', not both")
    elif not is_alert and "body" not in payload:
        raise PayloadError("body: expected a text; only an alert has one of its own")


def words(payload: Mapping[str, Any]) -> list[str]:
    """Return whom a payload names, each once."""
    to = payload["to"]
    return list(dict.fromkeys(map(str, to if isinstance(to, list) else [to])))


def read_address(word: str) -> str:
    """Return the mail address of `mailto:ADDRESS`. Raises PayloadError, which does not quote it."""
    address = word.removeprefix(MAILTO)
    if not is_address(address):
        raise PayloadError("to: expected one mail address, as in mailto:ann@example.com")
    return address


def is_address(text: str) -> bool:
    """Return whether a text is a plain mail address, without a name or a comment."""
    return _ADDRESS.fullmatch(text) is not None


def domain_of(address: str) -> str:
    """Return the domain of a mail address, in lower case; empty if it has none.

    >>> domain_of("ann@Example.com")
    'example.com'
    """
    return address.rpartition("@")[2].rstrip(".").lower() if "@" in address else ""


def read_days(text: str) -> float:
    """Return the days of a digest. Raises PayloadError.

    >>> read_days("12h"), read_days("7d")
    (0.5, 7.0)
    """
    found = _DIGEST.fullmatch(text)
    days = float(found[1]) * _DAYS[found[2]] if found else 0.0
    if not 0 < days <= LONGEST_DIGEST:
        raise PayloadError(f"digest: expected a time such as 7d or 24h, of at most {LONGEST_DIGEST}d")
    return days


def parse(raw: str) -> dict[str, Any]:
    """Return a payload as it is stored in its full form.

    >>> parse("ops")
    {'to': 'ops'}
    """
    if not raw.lstrip().startswith("{"):
        return {"to": raw}
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {"to": raw}
    return found if isinstance(found, dict) else {"to": raw}
