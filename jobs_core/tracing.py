"""Which trace something belongs to, as W3C Trace Context writes it. Jobs only passes it on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

Trace = Mapping[str, str]
"""`traceparent`, and `tracestate` if there is one, by these names. Empty if there is no trace."""

LARGEST_STATE, MOST_MEMBERS = 512, 32
"""The most bytes and members of a `tracestate`."""

_TRACEPARENT = re.compile(r"(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}")
_MEMBER = re.compile(r" *[a-z\d][a-z\d_*/@-]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~] *")


class TraceIds(NamedTuple):
    """The parts of a `traceparent`, in hexadecimal digits."""

    trace: str
    span: str
    flags: str


def trace_of(carrier: Mapping[str, object], *, upper: bool = False) -> dict[str, str]:
    """Return the trace that a mapping carries: options of a task, headers, or with `upper`, an environment.

    What is invalid is left out, so that a mistake elsewhere stops nothing here. Of a `tracestate` that is too
    large, the first members are kept.

    >>> trace_of({"TRACEPARENT": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, upper=True)
    {'traceparent': '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'}
    """
    parent, state = (carrier.get(name.upper() if upper else name) for name in ("traceparent", "tracestate"))
    if not isinstance(parent, str) or not _TRACEPARENT.fullmatch(parent):
        return {}
    kept = _valid_state(state) if isinstance(state, str) else ""
    return {"traceparent": parent} | ({"tracestate": kept} if kept else {})


def _valid_state(state: str) -> str:
    """Return a tracestate as far as the engine takes it, or an empty string."""
    members = [member for member in state.split(",") if member.strip(" \t")]
    if not all(_MEMBER.fullmatch(member) for member in members):
        return ""
    del members[MOST_MEMBERS:]
    while members and len(",".join(members)) > LARGEST_STATE:
        members.pop()
    return ",".join(members)


def trace_ids(trace: Trace) -> TraceIds | None:
    """Return the parts of a trace's `traceparent`, or None if there is no trace.

    >>> trace_ids({"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}).span
    '00f067aa0ba902b7'
    """
    parts = trace.get("traceparent", "").split("-")
    return TraceIds(*parts[1:]) if len(parts) == 4 else None
