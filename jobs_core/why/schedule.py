"""When a job was due, by its definition at the time. The engine works it out."""

from __future__ import annotations

from jobs_core.errors import OptionError
from jobs_core.why.source import Job, Source

_TAKEN = ("every", "cron", "zone", "dst", "start", "stop", "decay", "step", "at")
"""The options that make occurrences. How many runs are left is not one of them."""

_SPANS = (60.0, 3600.0, 86400.0, 8 * 86400.0, 62 * 86400.0, 400 * 86400.0, 5 * 366 * 86400.0)
"""Seconds to look back for the occurrence before a moment: most schedules have one soon."""

_PAGE = 1000


def has_times(job: Job) -> bool:
    """Return whether a job has a schedule of its own, and so occurrences."""
    return any(name in job for name in ("every", "cron", "at"))


def occurrence_after(source: Source, job: Job, moment: float) -> float | None:
    """Return the first occurrence after a moment, in epoch seconds, or None."""
    found = _occurrences(source, job, moment, 1)
    return found[0] if found else None


def occurrence_before(source: Source, job: Job, moment: float) -> float | None:
    """Return the last occurrence before a moment, in epoch seconds, or None."""
    for seconds in _SPANS:
        start, last = max(0.0, moment - seconds), None
        while True:
            page = _occurrences(source, job, start, _PAGE)
            earlier = [due for due in page if due < moment]
            if not earlier:
                break
            last = start = earlier[-1]
            if len(earlier) < _PAGE:
                return last
        if last is not None:
            return last
    return None


def occurrence_within(source: Source, job: Job, start: float, end: float) -> float | None:
    """Return the first occurrence from `start` on and before `end`, or None."""
    due = occurrence_after(source, job, start - 0.001)
    return due if due is not None and due < end else None


def _occurrences(source: Source, job: Job, start: float, count: int) -> list[float]:
    if not has_times(job):
        return []
    options = {name: job[name] for name in _TAKEN if name in job}
    try:
        found = source.next(str(job["id"]), count=count, from_=max(0.0, start), **options)
    except OptionError:  # the schedule has no occurrence at all
        return []
    return [due.timestamp() for due in found]
