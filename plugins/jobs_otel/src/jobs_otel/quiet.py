"""Warnings of OpenTelemetry, such as that a collector is away: one line now and then."""

from __future__ import annotations

import logging
import sys
import time

PAUSE = 60.0
"""Seconds for which nothing more is said after a warning."""

LONGEST = 300
"""Characters of a warning."""


class QuietHandler(logging.Handler):
    """Prints warnings on standard error, unless the program has set up logging, which then has them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._silent_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, unless one was printed lately."""
        now = time.monotonic()
        if logging.getLogger().handlers or now < self._silent_until or sys.stderr is None:
            return
        self._silent_until = now + PAUSE
        text = " ".join(record.getMessage().split())
        text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
        sys.stderr.write(f"Warning: jobs-otel: {text}\n")
