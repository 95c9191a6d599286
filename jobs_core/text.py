"""Text as it may be written: lines, characters, errors in a sentence."""

from __future__ import annotations

import re

_BREAK = re.compile(r"\s*[^\S ]\s*")
"""A line break or a tab, with what is blank around it."""


def writable(text: str) -> str:
    """Text that UTF-8 can write: what is no character, half of a surrogate pair, becomes a question mark.

    Bytes that were no UTF-8 when they were read (surrogateescape) stay, and are written as they were.
    """
    if text.isascii():
        return text
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def as_bytes(text: str) -> bytes:
    """Text as Redis has it: bytes that were no UTF-8 when they were read are what they were."""
    return writable(text).encode("utf-8", "surrogateescape")


def one_line(text: str, most: int) -> str:
    r"""Text on one line, of so many characters at most.

    >>> one_line("no\n luck", 5)
    'no lu'
    """
    if text.isascii() and text.isprintable():
        return text[:most]
    return _BREAK.sub(" ", writable(text[: 2 * most])).strip()[:most]


def described(error: BaseException) -> str:
    """An error by its name and what it says.

    >>> described(ValueError("no paper"))
    'ValueError: no paper'
    """
    try:
        says = str(error)
    except Exception:  # it is somebody's own
        says = ""
    return f"{type(error).__name__}: {says}" if says else type(error).__name__


def without(secret: str, text: str) -> str:
    """Text that does not give a payload away: where that is short, only whole words of it are meant.

    >>> without("s3cret-payload", "refused: s3cret-payload")
    'refused: <payload>'
    >>> without("p", "no paper for p")
    'no paper for <payload>'
    """
    if not secret:
        return text
    if len(secret) >= 8:
        return text.replace(secret, "<payload>")
    before = r"(?<!\w)" if re.match(r"\w", secret) else ""
    after = r"(?!\w)" if re.search(r"\w$", secret) else ""
    return re.sub(before + re.escape(secret) + after, "<payload>", text)
