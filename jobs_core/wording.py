"""Option values, instants and schedules in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jobs_core.options import JOB_OPTIONS, span
from jobs_core.text import without_login


def when(seconds: float | None) -> str:
    """Format an instant, in epoch seconds, as local time with its offset."""
    if seconds is None:
        return "-"
    return datetime.fromtimestamp(seconds).astimezone().isoformat(sep=" ", timespec="seconds")


def local_time(seconds: float) -> str:
    """Format an instant, in epoch seconds, as local time without its offset, for narrow columns."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


_UNITS = ((86400 * 365, "years"), (86400, "days"), (3600, "h"), (60, "min"), (1, "s"))


def from_now(seconds: float | None, now: float) -> str:
    """Format an instant by its distance from now, both in epoch seconds.

    >>> from_now(1000, 760), from_now(1000, 1180), from_now(1000, 1000)
    ('in 4 min', '3 min ago', 'now')
    """
    if seconds is None:
        return "-"
    distance = abs(seconds - now)
    # Each unit is used from two of it on, so that the number is never coarse.
    size, unit = next(((size, unit) for size, unit in _UNITS if distance >= 2 * size), (1, "s"))
    count = round(distance / size)
    if count == 0:
        return "now"
    return f"in {count} {unit}" if seconds > now else f"{count} {unit} ago"


def duration_text(seconds: float | None) -> str:
    """Format how long something took: in ms below a second, to a tenth below a minute.

    >>> duration_text(0.0124), duration_text(4.21), duration_text(5412.3)
    ('12ms', '4.2s', '1h30m12s')
    """
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{max(0.0, seconds) * 1000:.0f}ms"
    return f"{seconds:.1f}s" if seconds < 60 else span(round(seconds))


def counted(count: int, noun: str) -> str:
    """Format how many there are of something.

    >>> counted(1, "run"), counted(1200, "run")
    ('1 run', '1,200 runs')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def last_text(run: Mapping[str, Any] | None, now: float) -> str:
    """Tell how a job's last run ended, and how long ago: `done 3 min ago`.

    >>> last_text({"outcome": "done", "ended": 820}, 1000), last_text(None, 1000)
    ('done 3 min ago', '-')
    """
    if run is None:
        return "-"
    ended = run.get("ended")
    return str(run["outcome"]) + ("" if ended is None else f" {from_now(ended, now)}")


def readable(name: str, value: Any) -> Any:
    """Format an option's value for people."""
    kind = JOB_OPTIONS[name].kind if name in JOB_OPTIONS else ""
    if kind == "time":
        return when(value)
    if kind == "duration":
        return span(value)
    if kind == "url":
        return without_login(value)
    return ",".join(value) if isinstance(value, list) else value


def schedule_text(job: Mapping[str, Any]) -> str:
    """Describe a job's schedule in a few words: `every 5m, 3 of 10 left`."""
    after = [after_text(job)] if "after" in job else []
    if "at" in job:
        return ", ".join([f"at {when(job['at'])}", *after])
    if "cron" in job:
        words = [f"cron {job['cron']}", *([job["zone"]] if "zone" in job else [])]
    elif "every" in job:
        words = [f"every {span(job['every'])}"]
    else:
        return after[0] if after else "when pushed"
    words += after
    if "decay" in job:
        words.append(f"times {job['decay']:g} each {span(job['step'])}")
    if "repeat" in job:
        words.append(f"{job.get('left', 0)} of {job['repeat']} left")
    if "stop" in job:
        words.append(f"until {when(job['stop'])}")
    return ", ".join(words)


def rate_text(rate: str) -> str:
    """Format a rate as people type it.

    >>> rate_text("100/60")
    '100/1m'
    """
    n, _, seconds = rate.partition("/")
    return f"{n}/{span(float(seconds))}"


def after_text(job: Mapping[str, Any]) -> str:
    """Describe which jobs a job runs after: `after load, clean on done`."""
    ending = f" on {job['on']}" if "on" in job else ""
    return f"after {', '.join(job['after'])}" + (" (any)" if "join" in job else "") + ending


def parent_text(parent: Mapping[str, Any]) -> str:
    """Describe how a parent ended: `load done at 2026-12-01 08:10:00+00:00 (exit 0)`."""
    words = [parent["job"], parent.get("outcome", "ended")]
    if "time" in parent:
        words.append(f"at {when(parent['time'])}")
    note = parent.get("note") or parent.get("code")
    return " ".join(words) + (f" ({note})" if note else "")


def waiting_text(waiting: Mapping[str, Any]) -> str:
    """Describe a run that waits for its parents: `since 2026-12-01 08:30:00+00:00, until …, then skip`."""
    text = f"since {when(waiting['due'])}"
    if "deadline" in waiting:
        text += f", until {when(waiting['deadline'])}, then {waiting['at-deadline']}"
    return text


_FACT_TIMES = (
    *("due", "started", "ended", "time", "start", "end", "since", "until"),
    *("before", "after", "through", "next"),
)
"""The fields of facts that are times."""


def fact_text(fact: Mapping[str, Any]) -> str:
    """Format a recorded fact behind an answer of `Board.why`: its kind, and its fields.

    >>> fact_text({"kind": "worker", "worker": "web-1", "note": ""})
    'worker: worker=web-1'
    """
    fields = (
        f"{name}={when(value) if name in _FACT_TIMES and isinstance(value, (int, float)) else value}"
        for name, value in fact.items()
        if name != "kind" and value not in (None, "", [], ())
    )
    return f"{fact['kind']}: {', '.join(fields)}"


def holders_text(limits: Sequence[str], overlap: str | None) -> str:
    """Name what may hold the runs of a job, by what a forecast knows of it.

    >>> holders_text(("job", "queue:db"), "queue")
    'limit of the job, queue db, overlap queue'
    """
    names = ["the job" if name == "job" else name.replace(":", " ") for name in limits]
    holders = [f"limit of {', '.join(names)}"] if names else []
    return ", ".join([*holders, "overlap queue"] if overlap == "queue" else holders)
