"""The one vocabulary of options: the same names in the CLI, the client, board files, Lua and JSET."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypedDict, get_args, get_type_hints

from jobs_core.errors import OptionError

Duration = float | str | timedelta
"""Seconds, `1h30m` or `PT1H30M`."""

Time = float | str | datetime
"""Epoch seconds, ISO 8601 or `+10m`."""

Count = int | str
Factor = float | str
Words = str | Sequence[str]
Codes = str | int | Sequence[str | int]
Waits = float | str | Sequence[float | str]


@dataclass(frozen=True, slots=True)
class About:
    """What the vocabulary says of an option, beside its type.

    Args:
        kind: What its value is: duration, time, count, factor, word, text, pattern, jobs, backoff, codes or
            rate.
        summary: One line for help and for editors.
    """

    kind: str
    summary: str


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a job. `choices` are the only values it may have; empty if there are others."""

    name: str
    kind: str
    summary: str
    choices: tuple[str, ...] = ()


class ScheduleOptions(TypedDict, total=False):
    """When a job runs."""

    every: Annotated[
        Duration | None, About("duration", "run again and again, this far apart: 5, 1h30m, PT1H30M")
    ]
    seconds: Annotated[Factor | None, About("factor", "run every so many seconds; units add up")]
    minutes: Annotated[Factor | None, About("factor", "run every so many minutes; units add up")]
    hours: Annotated[Factor | None, About("factor", "run every so many hours; units add up")]
    days: Annotated[Factor | None, About("factor", "run every so many days; units add up")]
    weeks: Annotated[Factor | None, About("factor", "run every so many weeks; units add up")]
    months: Annotated[Factor | None, About("factor", "run every so many months; units add up")]
    quarters: Annotated[Factor | None, About("factor", "run every so many quarters; units add up")]
    years: Annotated[Factor | None, About("factor", "run every so many years; units add up")]
    start: Annotated[
        Time | None, About("time", "the first run: epoch seconds, ISO 8601 or +10m (default: now)")
    ]
    stop: Annotated[Time | None, About("time", "no run after this")]
    duration: Annotated[Duration | None, About("duration", "stop this long after start")]
    repeat: Annotated[Count | None, About("count", "end after this many runs")]
    decay: Annotated[Factor | None, About("factor", "multiply the interval by this with each step")]
    step: Annotated[Duration | None, About("duration", "how long a step of decay is (default: a day)")]
    cron: Annotated[
        str | None, About("pattern", "run by a cron pattern: '0 3 * * *', '@daily', 'H 0 * * MON#1'")
    ]
    zone: Annotated[str | None, About("word", "the time zone of cron: Europe/Brussels (default: UTC)")]
    dst: Annotated[
        Literal["vixie", "ocps"] | None,
        About("word", "when clocks change: vixie (as Debian's cron) or ocps (default: vixie)"),
    ]
    jitter: Annotated[
        Duration | None,
        About("duration", "start up to this much later; the delay of a run is always the same"),
    ]
    misfire: Annotated[
        Literal["coalesce", "skip", "all"] | None,
        About("word", "what to do with late runs: coalesce into one, skip, or run all (default: coalesce)"),
    ]
    grace: Annotated[
        Duration | None,
        About("duration", "skip runs later than this (default: never; with misfire skip, a minute)"),
    ]
    overlap: Annotated[
        Literal["allow", "skip", "queue", "replace"] | None,
        About("word", "while a run is under way: allow, skip, queue one, replace (default: allow)"),
    ]
    after: Annotated[
        Words | None, About("jobs", "run once these jobs have all ended since its last run: fetch,clean")
    ]
    on: Annotated[
        Literal["done", "dead", "end"] | None,
        About("word", "how the jobs of after must end: done, dead or end (default: done)"),
    ]
    join: Annotated[
        Literal["all", "any"] | None, About("word", "wait for all of them, or any (default: all)")
    ]
    at: Annotated[Time | None, About("time", "run once, at this time")]


class WorkOptions(TypedDict, total=False):
    """How its tasks are queued and run."""

    queue: Annotated[str | None, About("word", "the queue its tasks go to (default: the runner's name)")]
    priority: Annotated[
        Count | None, About("count", "from -9 to 9: higher ones leave their queue first (default: 0)")
    ]
    timeout: Annotated[Duration | None, About("duration", "stop a run that takes longer")]
    lease: Annotated[
        Duration | None,
        About("duration", "how long its worker may be silent before the task goes to another"),
    ]
    policy: Annotated[
        str | None,
        About("word", "none (at most once), ack (a failure is a dead letter), retry, or a plugin's"),
    ]
    attempts: Annotated[Count | None, About("count", "how often retry tries a task (default: 3)")]
    backoff: Annotated[
        Waits | None, About("backoff", "how long retry waits: 10s (doubling), 1s,10s,1m, 'linear 5s max 1m'")
    ]
    retry_on: Annotated[
        Codes | None, About("codes", "the outcome codes that retry tries again: 5*,timeout (default: all)")
    ]
    never_on: Annotated[Codes | None, About("codes", "the outcome codes that retry never tries again: 404")]
    losses: Annotated[
        Count | None,
        About("count", "give up a task after losing it with its worker this many times (default: 5)"),
    ]
    keep: Annotated[
        Duration | None, About("duration", "keep its output and how it ended this long, for `jobs output`")
    ]
    concurrency: Annotated[Count | None, About("count", "how many of its tasks may run at once")]
    rate: Annotated[str | None, About("rate", "how many of its tasks may start in a period: 100/1m")]


class StateOptions(TypedDict, total=False):
    """Where a job stands: `dump` reads them, `load` restores them."""

    left: Annotated[Count | None, About("count", "runs left of repeat")]
    paused: Annotated[Count | bool | None, About("count", "1: paused")]
    next: Annotated[Time | None, About("time", "the next run, or none")]


class JobOptions(ScheduleOptions, WorkOptions, StateOptions, total=False):
    """The options of a job: `board.put("tick", "shell", "date", every=5, retry_on="5*")`."""

    description: Annotated[str | None, About("text", "what the job is for, in free text")]


class PutOptions(JobOptions, total=False):
    """The options of a job, and what tests add."""

    now: Time | None


class _OneOffOptions(TypedDict, total=False):
    at: Annotated[Time | None, About("time", "run once, at this time")]
    in_: Annotated[Duration | None, About("duration", "queue it this much later: 10m")]
    unique_for: Annotated[
        Duration | None, About("duration", "push nothing if the same was pushed less than this ago")
    ]
    now: Time | None


class PushOptions(_OneOffOptions, WorkOptions, total=False):
    """The options of a one-off task: `board.push("shell", "date", in_="10m")`."""


class TaskFilters(TypedDict, total=False):
    """Which tasks to list. `older_than` is a duration; `payload` True shows payloads."""

    task: str | None
    job: str | None
    runner: str | None
    queue: str | None
    older_than: Duration | None
    payload: bool | None
    now: Time | None


class ReportOptions(TypedDict, total=False):
    """What a report on a task may add.

    `delay` (before a retry or release) and `timeout` (of what was accepted) are durations, `progress` is in
    percent, `data` is kept as JSON.
    """

    note: str | None
    code: str | None
    data: Mapping[str, Any] | None
    progress: float | None
    delay: Duration | None
    timeout: Duration | None
    unstarted: bool | None
    now: Time | None


def _table(options: type) -> dict[str, Option]:
    """The options that a typed dictionary describes, by the names that all but Python use."""
    found = {}
    for word, hint in get_type_hints(options, include_extras=True).items():
        for about in getattr(hint, "__metadata__", ()):
            name = word.rstrip("_").replace("_", "-")
            choices = [choice for part in get_args(hint.__origin__) for choice in get_args(part)]
            literals = tuple(choice for choice in choices if isinstance(choice, str))
            found[name] = Option(name, about.kind, about.summary, literals)
    return found


SCHEDULE_OPTIONS = _table(ScheduleOptions)
STATE = tuple(_table(StateOptions).values())
JOB_OPTIONS = _table(JobOptions)
PUSH_OPTIONS = _table(PushOptions)

UNITS = ("seconds", "minutes", "hours", "days", "weeks", "months", "quarters", "years")

JobState = Literal["scheduled", "waiting", "paused", "ended", "manual"]
JOB_STATES: tuple[str, ...] = get_args(JobState)
"""Where a job may stand."""

JobSort = Literal["id", "next"]
JOB_SORTS: tuple[str, ...] = get_args(JobSort)
"""The orders in which jobs can be listed."""

TaskState = Literal["queued", "held", "delayed", "leased", "accepted", "dead"]
TASK_STATES: tuple[str, ...] = get_args(TaskState)
"""Where a task may stand."""


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
    return OptionError(f"there is no {what} {name!r}{nearest(name, known)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name is close to `name`: ` (did you mean 'every'?)`, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
