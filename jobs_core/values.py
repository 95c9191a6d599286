"""Checks of values that users give, and what to say about them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from jobs_core.errors import OptionError
from jobs_core.text import is_utf8


def require_text(name: str, text: object) -> str:
    """Return a value that must be text, and that UTF-8 can encode.

    Raises:
        OptionError: It is no text, or has a lone surrogate or bytes that were no UTF-8.
    """
    if not isinstance(text, str):
        raise OptionError(f"{name}: expected text, got {value_type(text)}", option=name)
    require_utf8(name, text)
    return text


def require_utf8(name: str, text: str) -> None:
    """Reject text that UTF-8 cannot encode: a lone surrogate, or bytes that were no UTF-8.

    Raises:
        OptionError: The text cannot be encoded. The error does not quote it.
    """
    if not is_utf8(text):
        raise OptionError(f"{name}: expected UTF-8, got a lone surrogate or other bytes", option=name)


_INVISIBLE = re.compile(
    "[\u0080-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200b\u200e\u200f"
    "\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
    "|(?<![^\0-\x7f])[\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
"""Characters that show nothing, or reorder others. `lua/base/names.lua` says why these."""


def require_visible(name: str, text: str) -> None:
    """Reject a name with a character that nobody sees, or that reorders others: two names would look alike.

    The engine checks names of jobs, queues, workers and values of labels in the same way. Joiners and
    variation selectors may follow a character that is not ASCII.

    Raises:
        OptionError: The text has such a character.

    >>> require_visible("name", "漢字")
    """
    if found := _INVISIBLE.search(text):
        raise OptionError(
            f"{name}: expected visible characters, got U+{ord(found[0]):04X}, "
            "which is invisible or reorders others",
            option=name,
        )


def require_segment(name: str, text: str) -> None:
    """Reject a name that cannot be a segment of a URL. Raises OptionError."""
    if text in (".", ".."):
        raise OptionError(
            f"{name}: expected a name other than . and .., which no URL can contain", option=name
        )


def value_type(value: object) -> str:
    """Return what a value is that is no text, without quoting it.

    >>> value_type(None), value_type(5), value_type([1])
    ('null', 'a number', 'a list')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "an object" if isinstance(value, Mapping) else f"a value of type {type(value).__name__}"


def check_labels(name: str, value: Any) -> None:
    """Reject labels that commas would split, and values that are neither text nor numbers."""
    texts = list(value.values()) if isinstance(value, Mapping) else value
    for item in texts if isinstance(texts, (list, tuple)) else [texts]:
        if item is None and isinstance(value, Mapping):
            continue
        if isinstance(item, bool) or not isinstance(item, (str, int, float)):
            expected = "text or a number" if isinstance(value, Mapping) else "name=value, a list or a mapping"
            raise OptionError(f"{name}: expected {expected}, got {value_type(item)}", option=name)
        if item is not value and "," in str(item):
            raise OptionError(f"{name}: expected labels without commas, got {item!r}", option=name)
        require_utf8(name, str(item))
    for word in value if isinstance(value, Mapping) else ():
        if not isinstance(word, str) or set("=,") & set(word):
            raise OptionError(f"{name}: expected a name such as team, got {word!r}", option=name)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint with the closest known name, ` (did you mean 'every'?)`, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
