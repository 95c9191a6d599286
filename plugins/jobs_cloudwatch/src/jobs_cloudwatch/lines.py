"""Convert events to lines of JSON for CloudWatch."""

from __future__ import annotations

import json
from typing import Any

from jobs_cloudwatch.batch import EVENT_BYTES, Line
from jobs_core import Event, event_json

LONGEST_ESCAPE = 6
r"""Bytes of the longest that JSON makes of one character: \u0000."""


def as_line(event: Event) -> Line:
    """Return an event as a line. If it is too large, it is cut and has a field `cut`.

    >>> as_line(Event("trouble", 1763900005.0, "host-1", data={"note": "Redis is away"})).text
    b'{"time": 1763900005.0, "kind": "trouble", "worker": "host-1", "note": "Redis is away"}'
    """
    record = event_json(event)
    text = _encoded(record)
    return Line(int(event.time * 1000), text if len(text) <= EVENT_BYTES else _cut(record))


def _encoded(record: dict[str, Any]) -> bytes:
    """JSON in UTF-8. Half a surrogate pair, which UTF-8 cannot hold, becomes a question mark."""
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "replace")


def _cut(record: dict[str, Any]) -> bytes:
    """A record without the ends of its longest texts; `cut` says how many characters are left out."""
    texts = [key for key, value in record.items() if isinstance(value, str)]
    record = record | {"cut": sum(len(record[key]) for key in texts)}  # as long as it can become
    left_out = 0
    for key in sorted(texts, key=lambda key: len(record[key]), reverse=True):
        room = EVENT_BYTES - len(_encoded(record | {key: ""}))
        kept = _shortened(record[key], max(0, room))
        left_out += len(record[key]) - len(kept)
        record[key] = kept
        if len(_encoded(record)) <= EVENT_BYTES:
            return _encoded(record | {"cut": left_out})
    return _encoded(record)[:EVENT_BYTES].decode("utf-8", "ignore").encode()  # what is large is no text


def _shortened(text: str, room: int) -> str:
    """As much of the beginning of a text as surely has room, in bytes of JSON."""
    text = text[:room].encode("utf-8", "replace")[:room].decode("utf-8", "ignore")
    excess = len(json.dumps(text, ensure_ascii=False).encode()) - len('""') - room
    # Each character that goes makes at least one byte of room, and none that stays takes more than six.
    return text[: max(len(text) - max(0, excess), room // LONGEST_ESCAPE)]
