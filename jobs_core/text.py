"""Text helpers: valid UTF-8, single lines, errors as a sentence, hidden payloads."""

from __future__ import annotations

import re

_BREAK = re.compile(r"\s*[^\S ]\s*")
"""A line break or a tab, with the blanks around it."""


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


def one_line(text: str, most: int) -> str:
    r"""Return text as one line of at most `most` characters.

    >>> one_line("no\n luck", 5)
    'no lu'
    """
    if text.isascii() and text.isprintable():
        return text[:most]
    return _BREAK.sub(" ", writable(text[: 2 * most])).strip()[:most]


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

    >>> redact("s3cret-payload", "refused: s3cret-payload")
    'refused: <payload>'
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
