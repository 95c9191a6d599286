"""Text helpers: valid UTF-8, control characters, single lines, errors as a sentence, hidden payloads."""

from __future__ import annotations

import json
import re
from typing import Any

_BREAK = re.compile(r"\s*[^\S ]\s*")
"""A line break or a tab, with the blanks around it."""

_CONTINUATION = bytes(range(0x80, 0xC0))
"""The bytes of a character in UTF-8 after its first."""


def is_utf8(text: str) -> bool:
    """Check whether UTF-8 can encode a text. Other bytes arrive as surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def writable(text: str) -> str:
    """Return text that UTF-8 can encode. Lone surrogates become question marks.

    Bytes that were read with surrogateescape are kept, and are written unchanged.
    """
    if text.isascii():
        return text
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def as_bytes(text: str) -> bytes:
    """Encode text for Redis. Bytes that were read with surrogateescape are restored."""
    return writable(text).encode("utf-8", "surrogateescape")


CUT = "…"
"""Stands where text was cut."""


def one_line(text: str, most: int, mark: str = "") -> str:
    r"""Return text as one line of at most `most` characters. If it is cut, it ends with `mark`.

    >>> one_line("no\n luck", 5)
    'no lu'
    """
    if text.isascii() and text.isprintable():
        return shorten(text, most, mark)
    line = _BREAK.sub(" ", writable(text[: 2 * most])).strip()
    return shorten(line + mark if len(text) > 2 * most else line, most, mark)


def shorten(text: str, most: int, mark: str = CUT) -> str:
    """Return the first `most` characters of a text. If it is cut, it ends with `mark`.

    >>> shorten("no luck", 5)
    'no l…'
    """
    return text if len(text) <= most else text[: most - len(mark)] + mark


def shorten_start(text: str, most: int) -> str:
    """Return the last `most` characters of a text. If it is cut, it begins with an ellipsis.

    >>> shorten_start("no luck", 5)
    '…luck'
    """
    return text if len(text) <= most else CUT + text[len(text) - most + len(CUT) :]


def last_bytes(text: str, most: int) -> str:
    """Return the last `most` bytes of a text. If it is cut, it begins with an ellipsis.

    >>> last_bytes("no luck", 6)
    '…uck'
    """
    if len(text) <= most // 4:
        return text
    data = as_bytes(text[-most:])
    if len(data) <= most and len(text) <= most:
        return text
    kept = data[len(data) - max(0, most - len(CUT.encode())) :]
    return CUT + kept.lstrip(_CONTINUATION).decode("utf-8", "surrogateescape")


def described(error: BaseException) -> str:
    """Return an error as its type and message.

    >>> described(ValueError("no paper"))
    'ValueError: no paper'
    """
    try:
        says = str(error)
    except Exception:  # a custom __str__ may raise
        says = ""
    return f"{type(error).__name__}: {says}" if says else type(error).__name__


def redact(secret: str, text: str) -> str:
    """Replace a payload in a text. A payload shorter than 8 characters is replaced only as a whole word.

    >>> redact("s3cret-payload", "rejected: s3cret-payload")
    'rejected: <payload>'
    >>> redact("p", "no paper for p")
    'no paper for <payload>'
    """
    if not secret:
        return text
    if len(secret) >= 8:
        return text.replace(secret, "<payload>")
    before = r"(?<!\w)" if re.match(r"\w", secret) else ""
    after = r"(?!\w)" if re.search(r"\w$", secret) else ""
    return re.sub(before + re.escape(secret) + after, "<payload>", text)


def without_login(url: str) -> str:
    """Replace the user and password of a URL.

    >>> without_login("https://me:s3cret@hc.example/abc")
    'https://***@hc.example/abc'
    """
    return re.sub(r"(?<=://)[^/?#]*@", "***@", url)


KEPT = "\n\t\u00a0\u200c\u200d\u202f\u3000"
"""What `visible` leaves as it is: line ends, tabs, blanks of other scripts, and joiners, which emoji need."""


def visible(text: str, keep: str = KEPT) -> str:
    r"""Escape characters that control a terminal or reorder a line. Those in `keep` stay.

    >>> visible("red\x1b[31m")
    'red\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else ascii(char)[1:-1] for char in text)


def json_line(value: Any) -> str:
    """Format a value as one line of JSON, with unprintable characters escaped."""
    text = _encode(value)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
