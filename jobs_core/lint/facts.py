"""Ask the engine what rules need to know about jobs: runs, clock changes, durations. Nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from jobs_core.alerts.rule import Alert
from jobs_core.cron.pattern import Pattern, parse
from jobs_core.engine import zones
from jobs_core.engine.build import commands as known_commands
from jobs_core.engine.calls import next_arguments
from jobs_core.engine.commands import Call, Commands
from jobs_core.errors import JobsError, OptionError, PayloadError
from jobs_core.lint.model import ClockChange, Condition, Subject
from jobs_core.options import JOB_OPTIONS, SCHEDULE_OPTIONS
from jobs_core.plugins.manager import Plugins

YEAR = 366 * 86400

RUNS, MANY_RUNS = 100, 1000
"""How many runs of a pattern to look at, and how many where averages matter."""

ENOUGH = 3
"""Runs that must have ended before their duration counts as usual."""

SUMMARIES = 100
"""Jobs to ask about in one JSUMMARY."""

GROUP = 500
"""Jobs in one call, and calls in one round trip."""

TIMED = frozenset(("every", "cron", "at"))
"""Options that give a job times to run at."""

HOUR = 2
"""The place of the hour among the fields of a pattern."""

Job = Mapping[str, Any]


class Facts:
    """Makes subjects of jobs, with what the engine answers about them.

    Jobs with equal schedules share an answer.

    Args:
        commands: The commands of the board.
        plugins: Returns the plugins that check payloads.
        now: The time from which to look ahead, in epoch seconds.
    """

    def __init__(self, commands: Commands, plugins: Callable[[], Plugins], now: float) -> None:
        self._commands = commands
        self._plugins = plugins
        self._now = now

    def subjects(
        self, jobs: Sequence[Job], new: Collection[str] = (), *, are_watched: bool = False
    ) -> list[Subject]:
        """Return the subjects of jobs.

        `new` has the ids of jobs whose schedule is not on the board yet: they have no `next` and no `state`.
        With `are_watched`, an alert wants to know how far runs are apart.
        """
        jobs = self._with_state(jobs, new)
        patterns = _patterns(jobs)
        usual = read_usual(self._commands, [job["id"] for job in jobs])
        runs = self._runs(jobs, patterns, usual, are_watched)
        changes = self._clock_changes(jobs, patterns)
        never = self._never(jobs, new)
        return [
            Subject(
                job,
                pattern=patterns.get(job["id"]),
                runs=runs.get(job["id"], ()),
                changes=changes.get(job["id"], ()),
                usual=usual.get(job["id"]),
                never=never.get(job["id"], ""),
                rejection=(rejection := self._rejection(job)),
                advice=() if rejection else self._advice(job),
            )
            for job in jobs
        ]

    def conditions(self, alert: Alert) -> list[Condition]:
        """Return the conditions of an alert, with their times in seconds, which the engine reads."""
        texts = alert.when.split(", ")
        values = [text.partition(" ")[2] for text in texts]
        every = [{"every": value, "start": self._now} if _is_time(value) else {} for value in values]
        replies = iter(self._ask(next_arguments(None, 2, None, self._now, one) for one in every if one))
        runs = [next(replies) if one else None for one in every]
        return [
            Condition(text, (found[1] - found[0]) / 1000 if found and len(found) == 2 else None)
            for text, found in zip(texts, runs, strict=True)
        ]

    def _with_state(self, jobs: Sequence[Job], new: Collection[str]) -> list[Job]:
        """Give new jobs the `next` and `state` that they get when they are put."""
        asked = [job for job in jobs if job["id"] in new and TIMED & job.keys()]
        replies = self._ask(next_arguments(job["id"], 1, None, self._now, _times(job)) for job in asked)
        found = dict(zip((job["id"] for job in asked), replies, strict=True))
        return [_put(job, found.get(job["id"])) if job["id"] in new else job for job in jobs]

    def _runs(
        self,
        jobs: Sequence[Job],
        patterns: Mapping[str, Pattern],
        usual: Mapping[str, float],
        are_watched: bool,
    ) -> dict[str, list[float]]:
        """Return the next runs of cron patterns: of one with an H only if a rule needs them."""
        asked: dict[tuple[Any, ...], list[str]] = {}
        for job in jobs:
            pattern = patterns.get(job["id"])
            if pattern is None:
                continue
            is_asked = are_watched or {"rate", "jitter"} & job.keys() or job["id"] in usual
            if is_asked or not has_spread(pattern):
                count = MANY_RUNS if are_watched or "rate" in job else RUNS
                asked.setdefault((*_schedule(job, pattern), count), []).append(job["id"])
        replies = self._ask(
            next_arguments(id, count, None, self._now, _options(cron, zone, dst))
            for cron, zone, dst, id, count in asked
        )
        return {
            id: [ms / 1000 for ms in reply or ()]
            for ids, reply in zip(asked.values(), replies, strict=True)
            for id in ids
        }

    def _clock_changes(
        self, jobs: Sequence[Job], patterns: Mapping[str, Pattern]
    ) -> dict[str, list[ClockChange]]:
        """Return the clock changes of the coming year that a pattern has a run at.

        The engine is asked for the first run after the change began, on a clock that never changes. Patterns
        that run in every hour are left out: for them, an hour more or less changes nothing.
        """
        years: dict[str, list[tuple[int, int, int]]] = {}
        asked: dict[tuple[Any, ...], list[str]] = {}
        for job in jobs:
            pattern = patterns.get(job["id"])
            if pattern is None or "zone" not in job or pattern.fields[HOUR].is_full:
                continue
            cron, zone, dst, id = _schedule(job, pattern)
            if zone not in years:
                years[zone] = self._changes_of(zone)
            for change in years[zone]:
                asked.setdefault((cron, dst, id, *change), []).append(job["id"])
        replies = self._ask(
            next_arguments(id, 1, time + min(before, after) - 1, self._now, _options(cron, None, dst))
            for cron, dst, id, time, before, after in asked
        )
        found: dict[str, list[ClockChange]] = {}
        for (_, _, _, time, before, after), ids, reply in zip(asked, asked.values(), replies, strict=True):
            if reply and reply[0] / 1000 < time + max(before, after):
                for id in ids:
                    found.setdefault(id, []).append(ClockChange(time, before, after, reply[0] / 1000))
        return found

    def _changes_of(self, zone: str) -> list[tuple[int, int, int]]:
        """Return the changes of a zone in the coming year: time, offset before and offset after."""
        if zone not in zones.names():
            return []  # newer data of another client knows it
        table = zones.changes(zone)
        return [
            (time, before, after)
            for (_, before), (time, after) in pairwise(table)
            if self._now < time <= self._now + YEAR
        ]

    def _never(self, jobs: Sequence[Job], new: Collection[str]) -> dict[str, str]:
        """Return why jobs never run: a new one that has ended, or a pattern without a run until its stop."""
        found = {
            job["id"]: "its last time has passed" for job in jobs if job["id"] in new and _has_ended(job)
        }
        bounded = [job for job in jobs if {"cron", "start", "stop"} <= job.keys() and job["id"] not in found]
        replies = self._ask(
            next_arguments(
                job["id"],
                1,
                job["start"] - 1,
                self._now,
                _times(job),
            )
            for job in bounded
        )
        why = "the pattern has no run between start and stop"
        return found | {job["id"]: why for job, reply in zip(bounded, replies, strict=True) if reply == []}

    def _ask(self, arguments: Iterable[Sequence[Any]]) -> Iterator[list[int] | None]:
        """Yield the reply of each JNEXT, or None for what the engine rejects."""
        calls: Iterator[Call] = (("JNEXT", words) for words in arguments)
        for reply in self._commands.stream(calls, GROUP):
            yield None if isinstance(reply, JobsError) else reply

    def _rejection(self, job: Job) -> str:
        """Return why the runner of a job rejects its payload, or an empty string."""
        try:
            self._plugins().check_job(job["id"], job["runner"], job["payload"], _own_options(job))
        except PayloadError as error:
            return str(error)
        except JobsError:
            pass  # such as a runner that is not installed here
        return ""

    def _advice(self, job: Job) -> list[tuple[str, str]]:
        plugins = self._plugins()
        return plugins.advice(plugins.job(job["id"], job["runner"], job["payload"], _own_options(job)))


def read_usual(commands: Commands, ids: Sequence[str]) -> dict[str, float]:
    """Return how long runs of jobs usually take: the median, in seconds, where enough runs have ended."""
    if "JSUMMARY" not in known_commands():
        return {}
    found = {}
    calls: list[Call] = [("JSUMMARY", ids[at : at + SUMMARIES]) for at in range(0, len(ids), SUMMARIES)]
    for call, reply in zip(calls, commands.stream(calls, 1), strict=True):
        for text in () if isinstance(reply, JobsError) else commands.complete(call, reply):
            summary = json.loads(text) if text else {}
            if summary.get("runs", 0) >= ENOUGH and "median" in summary:
                found[summary["id"]] = float(summary["median"])
    return found


def has_spread(pattern: Pattern) -> bool:
    """Whether a pattern has an H, so that its runs depend on the job's id."""
    return any(field.spreads for field in pattern.fields)


def _patterns(jobs: Sequence[Job]) -> dict[str, Pattern]:
    """Return the cron patterns of jobs, by id. Jobs with equal patterns share one."""
    known = {cron: _parsed(cron) for cron in {job["cron"] for job in jobs if "cron" in job}}
    found = ((job["id"], known[job["cron"]]) for job in jobs if "cron" in job)
    return {id: pattern for id, pattern in found if pattern is not None}


def _parsed(cron: str) -> Pattern | None:
    try:
        return parse(cron)
    except OptionError:
        return None  # newer engines may know more


def _schedule(job: Job, pattern: Pattern) -> tuple[Any, ...]:
    """Return what decides when a pattern runs: the pattern, zone, dst and, for an H, the job's id."""
    return job["cron"], job.get("zone"), job.get("dst"), job["id"] if has_spread(pattern) else None


def _options(cron: str, zone: str | None, dst: str | None) -> dict[str, Any]:
    return {"cron": cron, "zone": zone, "dst": dst}


def _own_options(job: Job) -> dict[str, Any]:
    """Return the options for plugins. The policy may be unknown here, and is no concern of theirs."""
    return {name: job[name] for name in JOB_OPTIONS if name in job and name != "policy"}


def _times(job: Job) -> dict[str, Any]:
    return {name: job[name] for name in SCHEDULE_OPTIONS if name in job}


def _is_time(value: str) -> bool:
    """Whether the value of a condition is a time, and not missing, a count or a factor."""
    return bool(value) and not value.endswith("x")


def _put(job: Job, runs: Sequence[int] | None) -> Job:
    """Return a new job as it is once it has been put."""
    if runs:
        return {**job, "next": runs[0] / 1000, "state": "scheduled"}
    if "after" in job:
        return {**job, "state": "waiting"}
    return {**job, "state": "ended" if TIMED & job.keys() else "manual"}


def _has_ended(job: Job) -> bool:
    return job.get("state") == "ended" and "after" not in job
