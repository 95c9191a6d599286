"""The log of the embedded server, and its bound."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from jobs_core.errors import OptionError

LARGEST = 10_000_000
"""Bytes that the log may have before it is set aside, unless JOBS_SERVER_LOG_BYTES says otherwise."""


def largest() -> int:
    """Return the bytes that the log may have. Raises OptionError if JOBS_SERVER_LOG_BYTES is invalid."""
    text = os.environ.get("JOBS_SERVER_LOG_BYTES", str(LARGEST))
    if not text.isdecimal():
        raise OptionError(f"JOBS_SERVER_LOG_BYTES: expected a number of bytes, got {text!r}")
    return int(text)


def rotate(log: Path, bound: int) -> None:
    """Rename a log that is too large, in place of the one before. The server opens its log for each line."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > bound:
            log.replace(log.with_name(f"{log.name}.1"))
