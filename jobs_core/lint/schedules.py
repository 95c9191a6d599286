"""Rules about when jobs run: never, later than the next run, more often than a rate allows."""

from __future__ import annotations

from collections.abc import Iterator

from jobs_core.lint.model import Finding, Rule, Subject, each
from jobs_core.options import span

DAY = 86400


def never_runs(job: Subject) -> Iterator[Finding]:
    if job.never:
        yield job.finding(
            "never-runs",
            f"never runs: {job.never}",
            "correct the schedule, or remove the job",
            "stop" if "stop" in job.options else "cron",
        )


def jitter_too_long(job: Subject) -> Iterator[Finding]:
    jitter, interval = job.options.get("jitter"), job.interval
    if jitter and interval and jitter >= interval:
        yield job.finding(
            "jitter-too-long",
            f"delays runs by up to {span(jitter)}, but the next one comes {span(interval)} later",
            f"set a jitter below {span(interval)}",
            "jitter",
        )


def rate_too_slow(job: Subject) -> Iterator[Finding]:
    """Compare the rate of a job with how many of its runs come due. Both are averages over a long time."""
    rate, interval = job.options.get("rate"), _mean_interval(job)
    if not rate or not interval:
        return
    number, period = str(rate).split("/")
    spacing = float(period) / int(number)
    if spacing > interval:
        yield job.finding(
            "rate-too-slow",
            f"comes due every {span(_rounded(interval))} on average, but its rate {number}/"
            f"{span(float(period))} starts one every {span(_rounded(spacing))}",
            "raise the rate, or run the job less often",
            "rate",
        )


def _mean_interval(job: Subject) -> float | None:
    """Return the average time between runs. A pattern that rests at night needs more than a day of runs."""
    if "every" in job.options:
        return job.interval
    if len(job.runs) < 2:
        return None
    length = job.runs[-1] - job.runs[0]
    rests = job.pattern is None or not all(job.pattern.fields[place].is_full for place in (2, 3, 4, 5, 6))
    if length < (8 * DAY if rests else 3 * 3600):
        return None
    return length / (len(job.runs) - 1)


def _rounded(seconds: float) -> float:
    return round(seconds) if seconds >= 10 else round(seconds, 2)


RULES = (
    Rule(
        "never-runs",
        "schedules that never come",
        "The job looks scheduled, but nothing will ever happen.",
        each(never_runs),
    ),
    Rule(
        "rate-too-slow",
        "a rate below what the schedule makes due",
        "Runs wait longer and longer, and the queue grows without end.",
        each(rate_too_slow),
    ),
    Rule(
        "jitter-too-long",
        "a jitter that reaches the next run",
        "A run may start after the one that follows it, or together with it.",
        each(jitter_too_long),
    ),
)
