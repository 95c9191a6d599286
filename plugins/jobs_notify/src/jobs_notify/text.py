"""Text that does no more than to be read: no line breaks in titles, nobody called by name."""

from __future__ import annotations

import re

LONGEST_TITLE = 250
"""Characters."""

LONGEST_BODY = 20_000
"""Characters. Services cut what is too long for them."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that control a terminal or reorder a line, and those that UTF-8 cannot encode."""

_CALLS = re.compile(r"@(?=everyone|here|channel|all\b|room)|<(?=[!@#])", re.IGNORECASE)
"""What makes chat services call everybody, or somebody."""

_GAP = "\N{ZERO WIDTH SPACE}"


def defused(text: str) -> str:
    """Return a text in which nobody is called by name, such as output of a job.

    >>> defused("ask @everyone") == "ask @\N{ZERO WIDTH SPACE}everyone"
    True
    """
    return _CALLS.sub(lambda match: match[0] + _GAP, text)


def plain_title(text: str) -> str:
    """Return a text as one line.

    >>> plain_title("no\\r\\nBcc: eve@example.com")
    'no Bcc: eve@example.com'
    """
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1] + "…"


def plain_body(text: str) -> str:
    """Return a text of lines without control characters."""
    found = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return found if len(found) <= LONGEST_BODY else found[: LONGEST_BODY - 1] + "…"
