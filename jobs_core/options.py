"""The one vocabulary of options: the same names in the CLI, the client, board files, Lua and JSET."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jobs_core.errors import OptionError


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a job.

    `kind` is what its value is: duration, time, count, factor, word, pattern, jobs, backoff, codes or rate.
    """

    name: str
    kind: str
    summary: str


UNITS = ("seconds", "minutes", "hours", "days", "weeks", "months", "quarters", "years")

SCHEDULE = (
    Option("every", "duration", "run again and again, this far apart: 5, 1h30m, PT1H30M"),
    *(Option(unit, "factor", f"run every so many {unit}; units add up") for unit in UNITS),
    Option("start", "time", "the first run: epoch seconds, ISO 8601 or +10m (default: now)"),
    Option("stop", "time", "no run after this"),
    Option("duration", "duration", "stop this long after start"),
    Option("repeat", "count", "end after so many runs"),
    Option("decay", "factor", "multiply the interval by this with each step"),
    Option("step", "duration", "how long a step of decay is (default: a day)"),
    Option("cron", "pattern", "run by a cron pattern: '0 3 * * *', '@daily', 'H 0 * * MON#1'"),
    Option("zone", "word", "the time zone of cron: Europe/Brussels (default: UTC)"),
    Option("dst", "word", "where clocks change: vixie (as Debian's cron) or ocps (default: vixie)"),
    Option("jitter", "duration", "start up to this much later, always as much for the same run"),
    Option("misfire", "word", "what becomes of late runs: coalesce into one, skip, all (default: coalesce)"),
    Option("grace", "duration", "skip runs later than this (default: never; with misfire skip, a minute)"),
    Option("overlap", "word", "while a run is under way: allow, skip, queue one, replace (default: allow)"),
    Option("after", "jobs", "run when these jobs have ended well since its last run: fetch,clean"),
    Option("on", "word", "how the jobs of after must end: done, dead or end (default: done)"),
    Option("join", "word", "all of them, or any (default: all)"),
    Option("at", "time", "run once, at this time"),
)

WORK = (
    Option("queue", "word", "the queue its tasks go to (default: the runner's name)"),
    Option("priority", "count", "from -9 to 9: higher ones leave their queue first (default: 0)"),
    Option("timeout", "duration", "end a run that takes longer"),
    Option("lease", "duration", "how long its worker may be silent before the task goes to another"),
    Option("policy", "word", "none (at most once), ack (a failure is a dead letter), retry, or a plugin's"),
    Option("attempts", "count", "how often retry tries a task (default: 3)"),
    Option("backoff", "backoff", "how long retry waits: 10s (doubling), 1s,10s,1m, 'linear 5s max 1m'"),
    Option("retry-on", "codes", "the outcome codes that retry tries again: 5*,timeout (default: all)"),
    Option("never-on", "codes", "the outcome codes that retry never tries again: 404"),
    Option("losses", "count", "give a task up when it was lost with its worker so often (default: 5)"),
    Option("keep", "duration", "keep its output and how it ended so long, for `jobs output`"),
    Option("concurrency", "count", "how many of its tasks may run at once"),
    Option("rate", "rate", "how many of its tasks may start in a period: 100/1m"),
)

IN = Option("in", "duration", "queue it this much later: 10m")
UNIQUE = Option("unique-for", "duration", "push nothing if the same was pushed less than this ago")

STATE = (
    Option("left", "count", "runs left of repeat"),
    Option("paused", "count", "1: paused"),
    Option("next", "time", "the next run, or none"),
)

JOB_STATES = ("scheduled", "waiting", "paused", "ended", "manual")
"""Where a job may stand."""

JOB_SORTS = ("id", "next")
"""The orders in which jobs can be listed."""

SCHEDULE_OPTIONS = {option.name: option for option in SCHEDULE}
JOB_OPTIONS = {option.name: option for option in (*SCHEDULE, *WORK, *STATE)}
PUSH_OPTIONS = {option.name: option for option in (SCHEDULE[-1], IN, UNIQUE, *WORK)}


def to_text(value: Any) -> str:
    """Write an option's value as Redis is to read it: a timedelta as seconds, a datetime as ISO 8601, a list
    with commas.

    >>> to_text(timedelta(minutes=2))
    '120.0'
    """
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    if isinstance(value, datetime):
        return value.astimezone().isoformat(timespec="milliseconds")
    if isinstance(value, (list, tuple)):
        return ",".join(map(to_text, value))
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def to_pairs(options: Mapping[str, Any], allowed: Collection[str] = JOB_OPTIONS) -> list[str]:
    """Flatten options into `option value …`, leaving out those that are None.

    Python writes the dash in a name as an underscore, and `in` as `in_`. Raises OptionError for a name that
    is no option.

    >>> to_pairs({"every": 5, "stop": None, "retry_on": ["503", "timeout"]})
    ['every', '5', 'retry-on', '503,timeout']
    """
    pairs: list[str] = []
    for word, value in options.items():
        name = word.rstrip("_").replace("_", "-")
        if name not in allowed and name != "now":
            raise unknown("option", name, allowed)
        if value is not None:
            pairs += (name, to_text(value))
    return pairs


def span(seconds: float | str | None) -> str:
    """Write a duration as people read it, and options take it.

    >>> span(5400)
    '1h30m'
    """
    if seconds is None:
        return ""
    if isinstance(seconds, str):  # a repeating interval of the calendar
        return seconds
    if seconds < 1 or seconds != int(seconds):
        return f"{to_text(float(seconds))}s"
    parts, rest = [], int(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def unknown(what: str, name: str, known: Iterable[str]) -> OptionError:
    """Make the error for a name that is not known, with the nearest one that is."""
    option = name if what == "option" else None
    return OptionError(f"there is no {what} {name!r}{nearest(name, known)}", option=option)


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name is close to `name`: ` (did you mean 'every'?)`, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
