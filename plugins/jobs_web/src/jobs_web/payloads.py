"""Payloads as they are shown: without secrets to those who may not edit jobs, and cut if they are large."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass, replace
from typing import Any

from jobs_core import Change
from jobs_web.access.user import User

SHOWN = 16_384
"""Characters of a payload that a page shows. A link leads to the whole."""

EDITED = 65_536
"""Characters of a payload that a form takes. A larger one stays as it is."""

MASK = "***"
"""What stands where a secret is."""

CALLS = ("on-failure", "on-success")
"""Options that are the name of a runner and its payload."""

_SECRET = re.compile(
    r"authorization|passw(or)?d|passphrase|secret|token|cookie|credential|(api|access|private|auth)[-_ ]?key",
    re.IGNORECASE,
)
"""What the names of fields contain whose values are secrets."""

_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE)


def may_see_secrets(user: User) -> bool:
    """Return whether somebody sees payloads as they are: who edits jobs has to."""
    return user.may("editor")


def payload_for(payload: Any, user: User) -> Any:
    """Return a payload as somebody may see it. It stays as it is, to the byte, if there is nothing to mask.

    >>> payload_for('{"to": "ann", "api-key": "4711"}', User(None, "viewer"))
    '{"to": "ann", "api-key": "***"}'
    """
    return payload if may_see_secrets(user) else _masked_payload(payload)


def answer_for(body: Any, user: User) -> Any:
    """Return an answer of the API in which each `payload` is as somebody may see it."""
    return body if may_see_secrets(user) else _masked_answer(body)


def changes_for(changes: Iterable[Change], user: User) -> list[Change]:
    """Return changes in which the payloads of options are as somebody may see them."""
    return [
        replace(one, before=answer_for(one.before, user), after=answer_for(one.after, user))
        for one in changes
    ]


def _masked_field(name: str, value: Any) -> Any:
    if name == "payload":
        return _masked_payload(value)
    if name in CALLS and isinstance(value, str):
        runner, space, payload = value.partition(" ")
        return runner + space + _masked_payload(payload)
    return _masked_answer(value)


def _masked_answer(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {name: _masked_field(name, one) for name, one in value.items()}
    return [_masked_answer(one) for one in value] if isinstance(value, list | tuple) else value


def _masked_payload(payload: Any) -> Any:
    """Mask a payload, which may be text that is JSON."""
    if not isinstance(payload, str):
        return _masked(payload)
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return _masked(payload)
    masked = _masked(found)
    return payload if masked == found else json.dumps(masked, ensure_ascii=False)


def _masked(value: Any, is_secret: bool = False) -> Any:
    match value:
        case Mapping():
            return {name: _masked(one, is_secret or _is_secret(name)) for name, one in value.items()}
        case list():
            return [_masked(one, is_secret) for one in value]
        case None | bool() | "":
            return value
        case _ if is_secret:
            return MASK
        case str():
            return _BEARER.sub(rf"\1 {MASK}", value)
    return value


def _is_secret(name: object) -> bool:
    return bool(_SECRET.search(str(name)))
