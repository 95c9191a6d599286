"""The rule about runs at local times that clocks skip or repeat when they change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jobs_core.lint.model import ClockChange, Finding, Rule, Subject, each

RULE = "clock-change"


def clock_change(job: Subject) -> Iterator[Finding]:
    changes = [change for change in job.changes if not _runs_around(job, change)]
    if not any(change.is_gap or _effect(job, False) == "runs twice" for change in changes):
        return
    parts = [
        f"{'skips' if is_gap else 'repeats'} {_times(found)} (it {_effect(job, is_gap)})"
        for is_gap in (True, False)
        if (found := [change for change in changes if change.is_gap is is_gap])
    ]
    yield job.finding(
        RULE,
        f"has a run at a time that {job.options['zone']} {' and '.join(parts)}, as dst {job.dst} rules",
        "choose a time outside of these hours or, if only the interval matters, zone UTC",
        "cron",
    )


def _runs_around(job: Subject, change: ClockChange) -> bool:
    """Whether a job also runs in the hours before and after, so that an hour more or less changes little."""
    assert job.pattern is not None
    hour = change.local.hour
    return {hour - 1, hour + 1} <= set(job.pattern.fields[2].numbers)


def _times(changes: Sequence[ClockChange]) -> str:
    return " and ".join(f"on {change.local:%Y-%m-%d at %H:%M}" for change in changes)


def _effect(job: Subject, is_gap: bool) -> str:
    """Say what the rule of the job does: see `change_rule` in lua/cron/patterns.lua."""
    if job.dst == "ocps":
        return "does not run" if is_gap else "runs once"
    if follows_clock(job):
        return "does not run" if is_gap else "runs twice"
    return "runs late, after the change" if is_gap else "runs once"


def follows_clock(job: Subject) -> bool:
    """Whether the minutes or hours begin with a star: vixie runs those whenever the clock shows them."""
    assert job.pattern is not None
    return any(job.pattern.fields[place].text.startswith("*") for place in (1, 2))


RULES = (
    Rule(
        RULE,
        "runs at times that clocks skip or repeat in the coming year",
        "On these days the job runs late, not at all, or twice.",
        each(clock_change),
    ),
)
