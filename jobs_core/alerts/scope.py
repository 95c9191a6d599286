"""What an alert is for, as its tasks are told: see `lua/alert/scope.lua`."""

from __future__ import annotations

import re
from collections.abc import Collection

QUEUE = "queue:"
"""How a term for queues begins."""

ONE_OFF = "push:1"
"""The id of a one-off task's job, which is like that of all others."""


def is_for_queues(term: str) -> bool:
    """Whether a term is for queues, and not for jobs."""
    return term.startswith(QUEUE)


def matches(term: str, job: str, labels: Collection[str], queue: str) -> bool:
    """Whether a term matches a job with these labels, whose tasks wait in this queue.

    >>> matches("report-*", "report-daily", (), "shell"), matches("team=web", "a", ["team=web"], "shell")
    (True, True)
    """
    if is_for_queues(term):
        return matches_pattern(term.removeprefix(QUEUE), queue)
    return term in labels if "=" in term else matches_pattern(term, job)


def matches_pattern(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern, in which * stands for any text, and ? for one character."""
    if not ("*" in pattern or "?" in pattern):
        return pattern == text
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None
