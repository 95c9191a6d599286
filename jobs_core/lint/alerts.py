"""Rules about alerts: for nothing, never told, or told although all is well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from jobs_core.alerts.scope import is_for_queues, matches
from jobs_core.lint.model import AlertSubject, Condition, Finding, Rule, Subject, Surroundings
from jobs_core.options import span
from jobs_core.values import nearest

OF_JOBS = ("recovered", "done", "long", "silent")
"""Conditions that are about jobs, never about queues."""

REPORTED = ("failed", "dead", "recovered", "done", "long")
"""Conditions that need somebody who reports how runs end."""


def unmatched_alert(jobs: Sequence[Subject], around: Surroundings) -> Iterator[Finding]:
    for alert in around.alerts:
        for term in alert.unmatched:
            what = "queue" if is_for_queues(term) else "label" if "=" in term else "job"
            hint = nearest(term, around.ids) if what == "job" else ""
            sentence = f"is for {term!r}, which matches no {what}{hint}"
            yield alert.finding("unmatched-alert", sentence, f"correct it, or put the {what} first", "for")


def _only_queues(alert: AlertSubject, condition: Condition) -> str | None:
    terms = alert.rule.scope
    if condition.kind in OF_JOBS and terms and all(map(is_for_queues, terms)):
        return f"never tells of {condition.text!r}, since it is only for queues"
    return None


def _never(job: Subject, condition: Condition) -> str | None:
    """Return why a condition of a job is never met, or None."""
    if job.options.get("policy") == "none" and condition.kind in REPORTED:
        return "with its policy none, nobody reports how runs end"
    timeout, bound = job.options.get("timeout"), condition.seconds
    if condition.kind == "long" and timeout and bound and bound >= timeout:
        return f"its timeout of {span(timeout)} stops a run before"
    return None


def _always(job: Subject, condition: Condition) -> str | None:
    """Return why a condition of a job is met although all is well, or None."""
    bound = condition.seconds
    if condition.kind == "silent" and job.options.get("policy") == "none":
        return "with its policy none, no run is known to be good"
    if condition.kind == "silent" and bound and job.longest_wait and job.longest_wait >= bound:
        return f"its next run may come {span(job.longest_wait)} later"
    if condition.kind == "long" and bound and job.usual and job.usual > bound:
        return f"a run usually takes {span(round(job.usual, 1))}"
    return None


def never_tells(jobs: Sequence[Subject], around: Surroundings) -> Iterator[Finding]:
    for alert in around.alerts:
        for condition in alert.conditions:
            if what := _only_queues(alert, condition):
                yield alert.finding("alert-never-tells", what, "name jobs or labels in for", "for")
    yield from _each_condition(
        jobs, around, "alert-never-tells", "never tells of", _never, "change the condition, or its jobs"
    )


def always_tells(jobs: Sequence[Subject], around: Surroundings) -> Iterator[Finding]:
    yield from _each_condition(
        jobs, around, "alert-always-tells", "tells of", _always, "allow more time, or leave these jobs out"
    )


def _each_condition(
    jobs: Sequence[Subject],
    around: Surroundings,
    rule: str,
    what: str,
    why: Callable[[Subject, Condition], str | None],
    advice: str,
) -> Iterator[Finding]:
    """Yield a finding for each condition of an alert for which there is a reason in jobs that it is for."""
    for alert in around.alerts:
        covered = [job for job in jobs if covers(alert, job) and job.options.get("state") != "paused"]
        for condition in alert.conditions:
            found = [(job.id, reason) for job in covered if (reason := why(job, condition))]
            if found:
                id, reason = found[0]
                more = f", as of {len(found) - 1} more jobs" if len(found) > 1 else ""
                sentence = f"{what} {condition.text!r} of {id}{more}: {reason}"
                yield alert.finding(rule, sentence, advice, "when")


def covers(alert: AlertSubject, job: Subject) -> bool:
    """Whether an alert is for a job."""
    terms = alert.rule.scope
    return not terms or any(matches(term, job.id, job.labels, job.queue) for term in terms)


RULES = (
    Rule(
        "unmatched-alert",
        "alerts for jobs, labels or queues that do not exist",
        "What it is meant for may fail, and nobody is told.",
        unmatched_alert,
    ),
    Rule(
        "alert-never-tells",
        "conditions of alerts that are never met",
        "The alert looks like a watch, but says nothing when something is wrong.",
        never_tells,
    ),
    Rule(
        "alert-always-tells",
        "conditions of alerts that are met although all is well",
        "People learn to ignore an alert that tells of what is right.",
        always_tells,
    ),
)
