"""What every change of a board says beside it: `by`, `because`, and `if-match`."""

from __future__ import annotations

import getpass
import socket
from functools import cache

from jobs_core.errors import OptionError
from jobs_core.text import is_utf8, shorten
from jobs_core.values import require_text

MAX_BYTES = 256
"""The longest name that Redis takes."""

SHOWN = 64
"""The most that errors quote of a name, in characters."""


@cache
def default_author() -> str:
    """Return the user and the host of this process: `ann@web-1`. It never fails."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # this user has no name
        user = "-"
    try:
        host = socket.gethostname()
    except OSError:
        host = ""
    text = "".join(char if char.isprintable() else "?" for char in f"{user}@{host or '-'}")
    return text.encode("utf-8", "replace")[:MAX_BYTES].decode("utf-8", "ignore")


def checked_author(by: str) -> str:
    """Return the name under which changes are recorded. Raises OptionError if Redis would reject it."""
    if not (by.isprintable() and is_utf8(by)) or len(by.encode()) > MAX_BYTES:
        raise OptionError(
            f"by: expected at most {MAX_BYTES} bytes of UTF-8 without control characters, "
            f"got {shorten(by, SHOWN)!r}",
            option="by",
        )
    return by


def signature(by: str, because: str | None = None, if_match: str | None = None) -> tuple[str, ...]:
    """Return the arguments that say who makes a change, why, and to which version of a job.

    >>> signature("ann@web-1", "too slow")
    ('by', 'ann@web-1', 'because', 'too slow')
    """
    if because and not is_utf8(because):
        raise OptionError("because: expected UTF-8, got other bytes", option="because")
    condition = () if if_match is None else ("if-match", require_text("if-match", if_match))
    return ("by", by, *(("because", because) if because else ()), *condition)
