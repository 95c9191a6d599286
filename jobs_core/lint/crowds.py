"""The rule about many jobs that are due at the same second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from jobs_core.lint.model import Finding, Rule, Subject, Surroundings

FEW, MANY, SHARE = 100, 1000, 0.1
"""A crowd is a tenth of the jobs, but at least 100. A thousand always are one."""

EXAMPLES = 3


def crowded(jobs: Sequence[Subject], around: Surroundings) -> Iterator[Finding]:
    counts = Counter(second for job in jobs for second in _seconds(job))
    if not counts:
        return
    second, number = min(counts.items(), key=lambda item: (-item[1], item[0]))
    if number < min(max(FEW, SHARE * around.total), MANY):
        return
    members = [job.id for job in jobs if second in _seconds(job)]
    yield Finding(
        "crowded",
        None,
        f"{number} of {around.total} jobs are due at {datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"
        f", such as {', '.join(members[:EXAMPLES])}",
        "write H instead of a number in cron, such as 'H 3 * * *', or set a jitter",
        "cron",
    )


def _seconds(job: Subject) -> set[int]:
    """Return the seconds at which a job is due, as far as they are known."""
    if "jitter" in job.options or job.options.get("state") != "scheduled":
        return set()
    return {int(run) for run in job.runs or [job.options["next"]]}


RULES = (
    Rule(
        "crowded",
        "many jobs due at the same second",
        "Workers and what they call get all of the load at once, and late tasks delay others.",
        crowded,
    ),
)
