"""How pages and forms show the options of jobs, and when they run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from jobs_core import Change, OptionError
from jobs_core.plugin_ui import (
    JOB_OPTIONS,
    clock_note,
    explain,
    fact_text,
    rate_text,
    readable,
    schedule_text,
    span,
    to_text,
    visible,
)
from jobs_web.texts import UNKNOWN, when


def option_value(value: Any, name: str) -> Markup:
    """Show an option's value as people read it."""
    kind = _kind(name)
    if value is None:
        return UNKNOWN
    if kind == "time" and isinstance(value, (int, float)):
        return when(value)
    return escape(visible(rate_text(value) if kind == "rate" else str(readable(name, value))))


def form_value(name: str, value: Any) -> str:
    """Format an option's value as it is typed into a form, and as `put` takes it.

    >>> form_value("every", 5400), form_value("stop", 0), form_value("label", ["team=a", "x=1"])
    ('1h30m', '1970-01-01T00:00:00Z', 'team=a,x=1')
    """
    if value is None:
        return ""
    match _kind(name):
        case "time" if isinstance(value, (int, float)):
            precision = "seconds" if value == int(value) else "milliseconds"
            return datetime.fromtimestamp(value, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
        case "duration":
            return span(value)
        case "rate":
            return rate_text(value)
    return to_text(value)


def _kind(name: str) -> str:
    return JOB_OPTIONS[name].kind if name in JOB_OPTIONS else ""


def schedule_sentence(job: Mapping[str, Any]) -> str:
    """Describe a job's schedule in English: a cron pattern as a sentence, other schedules in a few words."""
    words = schedule_text(job)
    if "cron" in job:
        try:
            return explain(job["cron"], dst=job.get("dst", "vixie"), zone=job.get("zone"))
        except OptionError:
            return words  # a pattern that newer versions know
    return words[0].upper() + words[1:] + "."


def zone_of(job: Mapping[str, Any]) -> tzinfo:
    """Return the time zone of a job's schedule; UTC if it has none, or one that is not known here."""
    try:
        return ZoneInfo(job.get("zone", "UTC"))
    except (KeyError, OSError, ValueError):
        return UTC


def clock_of(job: Mapping[str, Any]) -> str | None:
    """Return the zone whose clock a job runs by; None if it runs by none."""
    return job.get("zone") or ("UTC" if job.get("cron") else None)


@dataclass(frozen=True, slots=True)
class NextRun:
    """A run to come: its time in epoch seconds, and what the clock of its zone does then."""

    time: float
    note: str = ""


def next_runs(times: Iterable[datetime], zone: tzinfo) -> Iterator[NextRun]:
    """Yield the runs to come, with a note where the clocks change."""
    local = [time.astimezone(zone) for time in times]
    for before, time in pairwise([None, *local]):
        if time is None:
            continue
        notes = [clock_note(time)]
        if before is not None and before.utcoffset() != time.utcoffset():
            notes.append(f"clocks have changed from {_offset(before)} to {_offset(time)}")
        note = ", ".join(filter(None, notes))
        yield NextRun(time.timestamp(), note)


def _offset(time: datetime) -> str:
    """Return the distance of a clock from UTC: `UTC+02:00`."""
    return f"UTC{time.isoformat()[-6:]}" if time.utcoffset() else "UTC"


@dataclass(frozen=True, slots=True)
class Difference:
    """An option that differs. None where it was not set."""

    name: str
    before: Any
    after: Any


def differences(change: Change) -> list[Difference]:
    """Return the options that differ. All those of a new job do, and of a removed one."""
    if change.before is None and change.after is None:
        return []
    before, after = change.before or {}, change.after or {}
    names = replace(change, before=before, after=after).differences
    return [Difference(name, before.get(name), after.get(name)) for name in names]


def json_text(value: Any) -> str:
    """Format a value of a task's result: text as it is, and anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


FILTERS: dict[str, Callable[..., Any]] = {
    "option_value": option_value,
    "differences": differences,
    "schedule_sentence": schedule_sentence,
    "visible": visible,
    "fact": fact_text,
    "as_json": json_text,
}
