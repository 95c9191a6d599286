"""Convert events to lines of JSON for CloudWatch."""

from __future__ import annotations

import json
from typing import Any

from jobs_cloudwatch.batch import EVENT_BYTES, Line
from jobs_core import Event, event_json

LONGEST_ESCAPE = 6
r"""Bytes of the longest JSON escape of one character: \u0000."""


def as_line(event: Event) -> Line:
    """Return an event as a line. If it is too large, it is truncated and has a field `cut`.

    >>> as_line(Event("trouble", 1763900005.0, "host-1", data={"note": "Redis is away"})).text
    b'{"time": 1763900005.0, "kind": "trouble", "worker": "host-1", "note": "Redis is away"}'
    """
    record = event_json(event)
    text = _encode(record)
    return Line(int(event.time * 1000), text if len(text) <= EVENT_BYTES else _truncate(record))


def _encode(record: dict[str, Any]) -> bytes:
    """Encode a record as JSON in UTF-8. A lone surrogate becomes a question mark."""
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "replace")


def _truncate(record: dict[str, Any]) -> bytes:
    """Truncate the longest texts of a record. `cut` is the number of removed characters."""
    texts = [key for key, value in record.items() if isinstance(value, str)]
    record = record | {"cut": sum(len(record[key]) for key in texts)}  # the largest possible value
    removed = 0
    for key in sorted(texts, key=lambda key: len(record[key]), reverse=True):
        room = EVENT_BYTES - len(_encode(record | {key: ""}))
        kept = _truncated(record[key], max(0, room))
        removed += len(record[key]) - len(kept)
        record[key] = kept
        if len(_encode(record)) <= EVENT_BYTES:
            return _encode(record | {"cut": removed})
    return _encode(record)[:EVENT_BYTES].decode("utf-8", "ignore").encode()  # the large part is not text


def _truncated(text: str, room: int) -> str:
    """Truncate a text so that its JSON takes at most `room` bytes."""
    text = text[:room].encode("utf-8", "replace")[:room].decode("utf-8", "ignore")
    excess = len(json.dumps(text, ensure_ascii=False).encode()) - len('""') - room
    # Each removed character frees at least one byte, and each kept character takes at most six.
    return text[: max(len(text) - max(0, excess), room // LONGEST_ESCAPE)]
