"""Rules about what a job needs: its parents, and a runner that takes its payload."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jobs_core.lint.model import Finding, Rule, Subject, Surroundings, each
from jobs_core.values import nearest


def missing_parent(jobs: Sequence[Subject], around: Surroundings) -> Iterator[Finding]:
    for job in jobs:
        for parent in job.options.get("after", ()):
            if parent not in around.ids:
                hint = nearest(parent, around.ids)
                yield job.finding(
                    "missing-parent",
                    f"waits for the job {parent!r}, which does not exist{hint}",
                    "correct the id, or put the parent",
                    "after",
                )


def rejected_payload(job: Subject) -> Iterator[Finding]:
    if job.rejection:
        what = f"has a payload that its runner rejects: {job.rejection}"
        yield job.finding("rejected-payload", what, "correct the payload", "payload")


def plugin_advice(job: Subject) -> Iterator[Finding]:
    for what, advice in job.advice:
        yield job.finding("plugin-advice", what, advice, "payload")


RULES = (
    Rule(
        "missing-parent",
        "parents that do not exist",
        "The job waits for a job that never runs.",
        missing_parent,
    ),
    Rule(
        "rejected-payload",
        "payloads that their runner rejects",
        "Each run fails before it starts.",
        each(rejected_payload),
    ),
    Rule(
        "plugin-advice",
        "what the plugin of a runner finds odd",
        "The job is valid, but its runner's plugin knows better.",
        each(plugin_advice),
    ),
)
