"""Rules about how a job's runs go: how long they take, and how they are tried again."""

from __future__ import annotations

from collections.abc import Iterator

from jobs_core.lint.model import Finding, Rule, Subject, each
from jobs_core.options import span

RETRY_OPTIONS = ("attempts", "backoff", "retry-on", "never-on")


def no_timeout(job: Subject) -> Iterator[Finding]:
    if "timeout" not in job.options:
        yield job.finding("no-timeout", "has no timeout", "set a timeout, such as timeout: 1h")


def slow_run(job: Subject) -> Iterator[Finding]:
    """Compare how long runs usually take with the interval. Any rule but `allow` takes care of overlaps."""
    if "overlap" in job.options or job.usual is None or job.interval is None:
        return
    if job.usual > job.interval:
        yield job.finding(
            "slow-run",
            f"usually takes {span(round(job.usual, 1))}, but the next run comes {span(job.interval)} later",
            "set overlap: skip or queue, or run the job less often",
            "every" if "every" in job.options else "cron",
        )


def unused_retry(job: Subject) -> Iterator[Finding]:
    given = [name for name in RETRY_OPTIONS if name in job.options]
    if job.options.get("policy") == "ack" and given:
        yield job.finding(
            "unused-retry",
            f"has {', '.join(given)}, which its policy ack does not use",
            "set policy: retry, or remove what is not used",
            given[0],
        )


RULES = (
    Rule(
        "no-timeout",
        "jobs without a timeout",
        "A run that hangs keeps its place on the worker forever, and nobody hears of it.",
        each(no_timeout),
    ),
    Rule(
        "slow-run",
        "runs that usually last until after the next one",
        "Runs of the job overlap, and may disturb each other or fill the workers.",
        each(slow_run),
    ),
    Rule(
        "unused-retry",
        "options for retries without a policy that retries",
        "A failure is a dead letter at once, although the job asks for more attempts.",
        each(unused_retry),
    ),
)
