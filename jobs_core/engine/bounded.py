"""JSON of a bounded size: an object that is too large keeps the ends of its longest strings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jobs_core.text import CUT, as_bytes, last_bytes, writable

TRUNCATED = "truncated"
"""The key of an object that was cut. Its value is true."""


def bounded_json(value: dict[str, Any], most: int) -> str:
    """Encode an object as JSON of at most `most` bytes. Raises TypeError or ValueError.

    If it has more, its longest strings lose their beginnings, and the key `truncated` is true. If that does
    not suffice, the object is `{"truncated": true, "end": …}` with the end of its JSON.

    >>> bounded_json({"output": "x" * 99 + "end"}, 50)
    '{"output": "…xxxxxxxxxxxxxend", "truncated": true}'
    """
    text = _encoded(value)
    if len(text) <= most // 4 or len(as_bytes(text)) <= most:
        return text
    whole = json.loads(text) | {TRUNCATED: True}
    return _cut_strings(whole, most) or _end_of(text, most)


def _encoded(value: Any) -> str:
    return writable(json.dumps(value, ensure_ascii=False, default=str))


def _size(value: Any) -> int:
    return len(as_bytes(_encoded(value)))


def _cut_strings(whole: dict[str, Any], most: int) -> str:
    """Cut the longest string until the object fits. Returns an empty string if it cannot."""
    places = sorted(_strings(whole), key=lambda place: _size(place[0][place[1]]), reverse=True)
    for holder, key in places:
        excess = _size(whole) - most
        if excess <= 0:
            break
        holder[key] = _last_encoded(holder[key], max(0, _size(holder[key]) - 2 - excess))
    text = _encoded(whole)
    return text if len(as_bytes(text)) <= most else ""


def _strings(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the places of all strings: a mapping or list, and a key or index."""
    for key, inner in list(value.items() if isinstance(value, Mapping) else enumerate(value)):
        if isinstance(inner, str):
            yield value, key
        elif isinstance(inner, (dict, list)):
            yield from _strings(inner)


def _last_encoded(text: str, most: int) -> str:
    """Return the end of a string, whose JSON has at most `most` bytes between its quotes."""
    most = max(most, len(CUT.encode()))
    kept = last_bytes(text, most)
    while (excess := _size(kept) - 2 - most) > 0:
        kept = CUT + kept[1 + max(1, excess // 6) :]  # a character has at most six bytes in JSON
    return kept


def _end_of(text: str, most: int) -> str:
    """Return an object with the end of this JSON."""
    room = most - _size({TRUNCATED: True, "end": ""})
    return _encoded({TRUNCATED: True, "end": _last_encoded(text, room)})
