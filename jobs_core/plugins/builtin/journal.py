"""Priorities for the systemd journal, which reads them at the beginning of a line: see sd-daemon(3)."""

from __future__ import annotations

import os
from typing import TextIO

from jobs_core.plugins.builtin.severity import JOURNAL_PRIORITIES, severity_of
from jobs_core.types import Event


def journal_prefix(stream: TextIO, event: Event) -> str:
    """Return `<3>` for an error, and so on, if the stream goes to the journal; otherwise an empty string."""
    return f"<{JOURNAL_PRIORITIES[severity_of(event)]}>" if _is_journal(stream) else ""


def _is_journal(stream: TextIO) -> bool:
    """Whether this is the stream that JOURNAL_STREAM names: a child may inherit the variable alone."""
    name = os.environ.get("JOURNAL_STREAM")
    if not name:
        return False
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return name == f"{found.st_dev}:{found.st_ino}"
