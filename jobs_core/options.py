"""The table of options. The CLI, the client, board files and the commands in Redis use the same names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypedDict, get_args, get_type_hints

from jobs_core.errors import OptionError
from jobs_core.values import check_labels, nearest, require_utf8, value_type

Duration = float | str | timedelta
"""Seconds, `1h30m` or `PT1H30M`."""

Time = float | str | datetime
"""Epoch seconds, ISO 8601 or `+10m`."""

Count = int | str
Factor = float | str
Words = str | Sequence[str]
Codes = str | int | Sequence[str | int]
Waits = float | str | Sequence[float | str]
Labels = str | Sequence[str] | Mapping[str, str | float | None]


@dataclass(frozen=True, slots=True)
class About:
    """The description of an option, beside its type.

    Args:
        kind: The kind of its value: duration, time, count, factor, word, text, pattern, jobs, backoff, codes,
            labels, rules, rate, url, key or trace.
        summary: One line for help texts and editors.
    """

    kind: str
    summary: str


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a job. `choices` lists the allowed values, and is empty if there are others."""

    name: str
    kind: str
    summary: str
    choices: tuple[str, ...] = ()


class ScheduleOptions(TypedDict, total=False):
    """When a job runs."""

    every: Annotated[Duration | None, About("duration", "run repeatedly at this interval: 5, 1h30m, PT1H30M")]
    seconds: Annotated[Factor | None, About("factor", "interval in seconds; units add up")]
    minutes: Annotated[Factor | None, About("factor", "interval in minutes; units add up")]
    hours: Annotated[Factor | None, About("factor", "interval in hours; units add up")]
    days: Annotated[Factor | None, About("factor", "interval in days; units add up")]
    weeks: Annotated[Factor | None, About("factor", "interval in weeks; units add up")]
    months: Annotated[Factor | None, About("factor", "interval in months; units add up")]
    quarters: Annotated[Factor | None, About("factor", "interval in quarters; units add up")]
    years: Annotated[Factor | None, About("factor", "interval in years; units add up")]
    start: Annotated[
        Time | None, About("time", "time of the first run: epoch seconds, ISO 8601 or +10m (default: now)")
    ]
    stop: Annotated[Time | None, About("time", "do not run after this time")]
    duration: Annotated[Duration | None, About("duration", "stop this long after start")]
    repeat: Annotated[Count | None, About("count", "end after this many runs")]
    decay: Annotated[Factor | None, About("factor", "multiply the interval by this after each step")]
    step: Annotated[Duration | None, About("duration", "length of a decay step (default: a day)")]
    cron: Annotated[
        str | None, About("pattern", "run on a cron schedule: '0 3 * * *', '@daily', 'H 0 * * MON#1'")
    ]
    zone: Annotated[str | None, About("word", "time zone of cron: Europe/Brussels (default: UTC)")]
    dst: Annotated[
        Literal["vixie", "ocps"] | None,
        About("word", "rules for clock changes: vixie (like Debian's cron) or ocps (default: vixie)"),
    ]
    jitter: Annotated[
        Duration | None,
        About("duration", "delay each run by up to this much; the delay of a run never changes"),
    ]
    misfire: Annotated[
        Literal["coalesce", "skip", "all"] | None,
        About("word", "what to do with late runs: coalesce into one, skip, or run all (default: coalesce)"),
    ]
    grace: Annotated[
        Duration | None,
        About("duration", "skip runs that are later than this (default: never; with misfire skip, a minute)"),
    ]
    overlap: Annotated[
        Literal["allow", "skip", "queue", "replace"] | None,
        About("word", "if a run is still active: allow, skip, queue (one), or replace (default: allow)"),
    ]
    after: Annotated[
        Words | None, About("jobs", "run after these jobs have ended since the last run: fetch,clean")
    ]
    on: Annotated[
        Literal["done", "dead", "end"] | None,
        About("word", "how the jobs in after must end: done, dead or end (default: done)"),
    ]
    join: Annotated[
        Literal["all", "any"] | None, About("word", "wait for all jobs in after, or for any (default: all)")
    ]
    deadline: Annotated[
        Duration | None,
        About(
            "duration",
            "with after and a time: how long a run waits for the jobs in after (default: until the next run)",
        ),
    ]
    at_deadline: Annotated[
        Literal["skip", "run"] | None,
        About("word", "what to do with a run whose deadline has come: skip or run (default: skip)"),
    ]
    at: Annotated[Time | None, About("time", "run once, at this time")]


class TaskOptions(TypedDict, total=False):
    """How a task is queued and run."""

    queue: Annotated[str | None, About("word", "queue for the tasks (default: the runner's name)")]
    priority: Annotated[
        Count | None, About("count", "-9 to 9; higher priorities leave the queue first (default: 0)")
    ]
    timeout: Annotated[Duration | None, About("duration", "stop a run that takes longer than this")]
    lease: Annotated[
        Duration | None,
        About("duration", "how long a worker may be silent before another worker gets the task"),
    ]
    policy: Annotated[
        str | None,
        About("word", "none (at most once), ack (a failure is a dead letter), retry, or a plugin's policy"),
    ]
    attempts: Annotated[Count | None, About("count", "maximum attempts with retry (default: 3)")]
    backoff: Annotated[
        Waits | None,
        About("backoff", "delays between attempts: 10s (doubling), 1s,10s,1m, 'linear 5s max 1m'"),
    ]
    retry_on: Annotated[
        Codes | None, About("codes", "retry only these outcome codes: 5*,timeout (default: all)")
    ]
    never_on: Annotated[Codes | None, About("codes", "never retry these outcome codes: 404")]
    losses: Annotated[
        Count | None,
        About("count", "give up a task after losing it with its worker this many times (default: 5)"),
    ]


class WorkOptions(TaskOptions, total=False):
    """How a job's tasks are queued and run, what is kept of them, and who is told."""

    keep: Annotated[
        Duration | None, About("duration", "keep the output and the result this long, for `jobs output`")
    ]
    keep_bytes: Annotated[
        Count | None, About("count", "keep only the last so many bytes of the output (default: 1048576)")
    ]
    concurrency: Annotated[Count | None, About("count", "maximum number of tasks running at once")]
    rate: Annotated[str | None, About("rate", "maximum number of tasks started in a period: 100/1m")]
    history: Annotated[
        Count | None,
        About("count", "how many of the latest runs are kept, up to 1000 (default: the board's, 20)"),
    ]
    ping: Annotated[
        str | None,
        About("url", "tell a monitor of each run: URL/start, then URL or URL/fail, as Healthchecks has them"),
    ]


class StateOptions(TypedDict, total=False):
    """The state of a job. `dump` reads these, and `load` restores them."""

    left: Annotated[Count | None, About("count", "remaining runs of repeat")]
    paused: Annotated[Count | bool | None, About("count", "1 if the job is paused")]
    next: Annotated[Time | None, About("time", "time of the next run, or none")]
    paused_at: Annotated[Time | None, About("time", "when the job was paused")]
    paused_by: Annotated[str | None, About("text", "who paused the job")]
    paused_because: Annotated[str | None, About("text", "why the job is paused")]
    paused_until: Annotated[Time | None, About("time", "when the job is resumed")]


class JobOptions(ScheduleOptions, WorkOptions, StateOptions, total=False):
    """The options of a job: `board.put("tick", "shell", "date", every=5, retry_on="5*")`."""

    description: Annotated[str | None, About("text", "free text about the job")]
    label: Annotated[
        Labels | None, About("labels", "find the job by this: team=payments; several make a list")
    ]
    on_failure: Annotated[
        str | None, About("call", "a runner and its payload, to run when a run is given up: 'notify ops'")
    ]
    on_success: Annotated[
        str | None, About("call", "a runner and its payload, to run when a run is done: 'notify ops'")
    ]
    lint_ignore: Annotated[
        Words | None, About("rules", "rules of `jobs lint` that do not apply to this job: no-timeout")
    ]


class PutOptions(JobOptions, total=False):
    """The options of a job, and `now` for tests."""

    now: Time | None


class _OneOffOptions(TypedDict, total=False):
    at: Annotated[Time | None, About("time", "run once, at this time")]
    in_: Annotated[Duration | None, About("duration", "queue the task after this delay: 10m")]
    unique_for: Annotated[
        Duration | None, About("duration", "do nothing if the same task was pushed less than this ago")
    ]
    idempotency_key: Annotated[
        str | None,
        About("key", "do nothing if a push with this key has added a task within a day"),
    ]
    traceparent: Annotated[
        str | None, About("trace", "the trace that the push belongs to, as in W3C Trace Context")
    ]
    tracestate: Annotated[str | None, About("trace", "what tracing systems add to traceparent: vendor=value")]
    now: Time | None


class PushOptions(_OneOffOptions, WorkOptions, total=False):
    """The options of a one-off task: `board.push("shell", "date", in_="10m")`."""


class TaskFilters(TypedDict, total=False):
    """Filters for tasks. `older_than` is a duration. `payload=True` includes payloads."""

    task: str | None
    job: str | None
    runner: str | None
    queue: str | None
    worker: str | None
    label: Labels | None
    older_than: Duration | None
    payload: bool | None
    now: Time | None


class ReportOptions(TypedDict, total=False):
    """Options of a report on a task.

    `delay` (before a retry or release) and `timeout` (of an accepted task) are durations. `progress` is a
    percentage. `data` is stored as JSON. `tail` is the end of what the attempt printed, as JLOGS returns it.
    """

    note: str | None
    code: str | None
    data: Mapping[str, Any] | None
    progress: float | None
    delay: Duration | None
    timeout: Duration | None
    unstarted: bool | None
    tail: str | None
    now: Time | None


def option_table(options: type) -> dict[str, Option]:
    """Return the options that a typed dictionary describes, by their names outside Python."""
    found = {}
    for word, hint in get_type_hints(options, include_extras=True).items():
        for about in getattr(hint, "__metadata__", ()):
            name = word.rstrip("_").replace("_", "-")
            choices = [choice for part in get_args(hint.__origin__) for choice in get_args(part)]
            literals = tuple(choice for choice in choices if isinstance(choice, str))
            found[name] = Option(name, about.kind, about.summary, literals)
    return found


SCHEDULE_OPTIONS = option_table(ScheduleOptions)
WORK_OPTIONS = option_table(WorkOptions)
STATE = tuple(option_table(StateOptions).values())
JOB_OPTIONS = option_table(JobOptions)
PUSH_OPTIONS = option_table(PushOptions)

LIST_KINDS = ("jobs", "codes", "backoff", "labels", "rules", "conditions", "scope")
"""The kinds of options that take a list."""

UNITS = ("seconds", "minutes", "hours", "days", "weeks", "months", "quarters", "years")

PING = "ping"
"""The option with the URL that a monitor is told at."""

PAUSE_OPTIONS = ("until", "for")

LIMIT_OPTIONS = ("concurrency", "rate", "max-length")

JobState = Literal["scheduled", "waiting", "paused", "ended", "manual"]
JOB_STATES: tuple[str, ...] = get_args(JobState)
"""The states of a job."""

JobSort = Literal["id", "next"]
JOB_SORTS: tuple[str, ...] = get_args(JobSort)
"""The orders for listing jobs."""

TaskState = Literal["queued", "held", "delayed", "leased", "accepted", "dead"]
TASK_STATES: tuple[str, ...] = get_args(TaskState)
"""The states of a task."""


def to_text(value: Any) -> str:
    """Format an option's value for Redis: a timedelta as seconds, a datetime as ISO 8601, a list with commas,
    a mapping of labels as name=value.

    >>> to_text(timedelta(minutes=2))
    '120.0'
    """
    if type(value) in (str, int):
        return str(value)
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    if isinstance(value, datetime):
        return value.astimezone().isoformat(timespec="milliseconds")
    if isinstance(value, Mapping):
        return ",".join(f"{name}={to_text(item)}" for name, item in value.items() if item is not None)
    if isinstance(value, (list, tuple)):
        return ",".join(map(to_text, value))
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def to_pairs(options: Mapping[str, Any], allowed: Collection[str] = JOB_OPTIONS) -> list[str]:
    """Flatten options into `option value …`, without those that are None.

    In Python, a name has underscores for dashes, and `in` is `in_`. Raises OptionError for an unknown name,
    and for a value of the wrong type.

    >>> to_pairs({"every": 5, "stop": None, "retry_on": ["503", "timeout"]})
    ['every', '5', 'retry-on', '503,timeout']
    """
    pairs: list[str] = []
    table = allowed if isinstance(allowed, Mapping) else {}  # of options, or of bounds
    for word, value in options.items():
        name = word.rstrip("_").replace("_", "-")
        if name not in allowed and name != "now":
            raise OptionError(f"unknown option {name!r}{nearest(name, allowed)}", option=name)
        if value is not None:
            _check_type(name, value, table)
            pairs += (name, to_text(value))
    return pairs


def to_changes(options: Mapping[str, Any], unset: Iterable[str] = ()) -> list[str]:
    """Flatten the changes of an edit into `option value …`. An option to remove has an empty value.

    >>> to_changes({"every": 5}, unset=["retry_on"])
    ['every', '5', 'retry-on', '']
    """
    names = to_pairs(dict.fromkeys(unset, ""))
    return to_pairs(options, (*JOB_OPTIONS, "runner", "payload")) + names


def span(seconds: float | str | None) -> str:
    """Format a duration in the form that options take.

    >>> span(5400)
    '1h30m'
    """
    if seconds is None:
        return ""
    if isinstance(seconds, str):  # an ISO 8601 repeating interval
        return seconds
    if seconds < 1 or seconds != int(seconds):
        return f"{to_text(float(seconds))}s"
    parts, rest = [], int(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def _check_type(name: str, value: Any, table: Mapping[str, object]) -> None:
    """Reject a value of a type that an option does not take. Redis would read true as 1, and [5] as 5."""
    if type(value) in (str, int):
        require_utf8(name, str(value))
        return
    known = table.get(name)
    option = known if isinstance(known, Option) else JOB_OPTIONS.get(name) or PUSH_OPTIONS.get(name)
    if option is None or (option.name == "paused" and isinstance(value, bool)):
        return
    if option.kind == "labels":
        check_labels(name, value)
        return
    takes_list = option.kind in LIST_KINDS
    for item in value if takes_list and isinstance(value, (list, tuple)) else [value]:
        if isinstance(item, (bool, list, tuple, Mapping)):
            expected = "text, a number or a list of these" if takes_list else "text or a number"
            raise OptionError(f"{name}: expected {expected}, got {value_type(item)}", option=name)
        if option.kind == "jobs" and item is not value and "," in str(item):
            raise OptionError(f"{name}: expected job ids without commas, got {item!r}", option=name)
        if isinstance(item, str):
            require_utf8(name, item)
