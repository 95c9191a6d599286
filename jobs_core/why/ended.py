"""Why an occurrence that is recorded in a job's runs went as it did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jobs_core.runs import Gap, Run
from jobs_core.why.answer import Why
from jobs_core.why.backfilled import backfill_of
from jobs_core.why.limits import limit_fact, limit_text, limits_of_job
from jobs_core.why.parents import parents_text
from jobs_core.why.situation import Situation
from jobs_core.why.words import change_fact, gap_fact, gap_text, history_fact, run_fact, took, who
from jobs_core.wording import after_text, when

LATE = 5.0
"""Seconds after which a start counts as late."""


def explain_run(found: Situation, run: Run) -> Why:
    """Explain a recorded run, or an occurrence that got none."""
    if run.outcome == "skipped":
        return _skipped(found, run)
    if run.outcome == "coalesced":
        return _coalesced(found, run)
    explain = {"done": _done, "dead": _dead, "cancelled": _cancelled, "unleased": _unleased}
    return explain[run.outcome](found, run)


def _done(found: Situation, run: Run) -> Why:
    tail, proof = _late_start(found, run)
    attempt = f" at attempt {run.attempts}" if run.attempts > 1 else ""
    text = (
        f"It ran at {when(run.started)} on {run.worker}, and was done{attempt} "
        f"after {took(run.started, run.ended)}."
    )
    attempts = list(_attempts(found, run))
    text += _losses(run, attempts) + tail
    return found.answer("ran", text, run_fact(run), *proof, *attempts, task=run.task)


def _dead(found: Situation, run: Run) -> Why:
    tail, proof = _late_start(found, run)
    how = f": {run.note or run.code}" if run.note or run.code else ""
    tries = "its only attempt" if run.attempts == 1 else f"attempt {run.attempts}"
    text = f"It was given up: {tries}, on {run.worker or 'a worker'}, failed at {when(run.ended)}{how}."
    attempts = list(_attempts(found, run))
    text += _losses(run, attempts) + tail
    return found.answer("dead", text, run_fact(run), *proof, *attempts, task=run.task)


def _cancelled(found: Situation, run: Run) -> Why:
    for change in (*reversed(found.later), *found.earlier):
        is_of_run = change.target in (None, run.task) and change.time >= run.due
        if change.what == "cancel" and is_of_run and change.time <= (run.ended or found.now) + LATE:
            text = f"It was cancelled at {when(run.ended)} by {who(change)}."
            return found.answer("cancelled", text, run_fact(run), change_fact(change), task=run.task)
    text = f"It was cancelled at {when(run.ended)}"
    if found.then and found.then.get("overlap") == "replace":
        text += ": nobody is recorded who did, and the job has the rule overlap replace"
    return found.answer("cancelled", f"{text}.", run_fact(run), task=run.task)


def _unleased(found: Situation, run: Run) -> Why:
    text = (
        f"A worker took it at {when(run.started or run.ended)}. With the policy none, "
        "nobody reports how it ended."
    )
    return found.answer("unleased", text, run_fact(run), task=run.task)


def _skipped(found: Situation, run: Run) -> Why:
    fact = run_fact(run)
    what = _missed(run)
    if run.reason == "overlap":
        other = next((one for one in found.runs if _was_active(one, run.due)), None)
        blocker = f" {other.task}" if other else ""
        text = f"{what} skipped by the rule overlap skip, because an earlier run{blocker} was still active."
        if found.then and found.then.get("overlap") in ("queue", "replace"):
            text = f"{what} skipped, because a run of the job was waiting already."
        return found.answer("skipped", text, fact, *([run_fact(other)] if other else []), task=run.task)
    if run.reason == "full":
        text = f"{what} skipped, because its queue had reached its max-length."
        return found.answer("skipped", text, fact, task=run.task)
    if run.reason in ("paused", "changed"):
        text = f"{what} skipped while it waited for other jobs: the job was {run.reason}."
        return found.answer("skipped", text, fact, task=run.task)
    if run.reason == "parents":
        job = found.then or {}
        condition = f" '{after_text(job)}'" if "after" in job else ""
        tail, facts = parents_text(found, job.get("after", ()), run.due + job.get("deadline", 0))
        text = f"{what} skipped, because its condition{condition} did not hold by its deadline.{tail}"
        return found.answer("skipped", text, fact, *facts, task=run.task)
    gap = gap_over(found, run.due)
    cause = f": {gap_text(gap)}" if gap else ""
    noticed = "they were" if run.count > 1 else "it was"
    text = f"{what} skipped, because {noticed} noticed too late for the job's grace or misfire{cause}."
    return found.answer("skipped", text, fact, *_facts(gap), task=run.task)


def _coalesced(found: Situation, run: Run) -> Why:
    gap = gap_over(found, run.due)
    cause = gap_text(gap) if gap else "its time had passed when it was noticed"
    count = f"{run.count} occurrences" if run.count > 1 else "One occurrence"
    text = (
        f"{count} after {when(run.due)}, up to {when(run.through)}, {'were' if run.count > 1 else 'was'} "
        f"coalesced into the run of that time, because {cause}."
    )
    return found.answer("coalesced", text, run_fact(run), *_facts(gap))


def _missed(run: Run) -> str:
    """Begin a sentence about occurrences without a run."""
    if run.count and run.count > 1:
        return f"{run.count} occurrences from {when(run.due)} to {when(run.through)} were"
    return f"The occurrence of {when(run.due)} was"


def _was_active(run: Run, moment: float) -> bool:
    return run.started is not None and run.started <= moment and (run.ended or moment) >= moment


def gap_over(
    found: Situation, start: float, end: float | None = None, *, what: str | None = None
) -> Gap | None:
    """Return the gap in the board's time that covers a moment, or meets a span; if given, of one kind."""
    last = start if end is None else end
    for gap in found.gaps:
        low, high = sorted((gap.begin, gap.end))
        if low <= last and high >= start and what in (None, gap.what):
            return gap
    return None


def _facts(gap: Gap | None) -> list[dict[str, Any]]:
    return [gap_fact(gap)] if gap else []


def _late_start(found: Situation, run: Run) -> tuple[str, list[dict[str, Any]]]:
    """Say why a run started late, if it did."""
    if run.started is None or run.attempts > 1 or run.started - run.due <= LATE:
        return "", []
    tail, backfill = backfill_of(found, run.due, run.started)
    if backfill:
        return tail, backfill
    late = f" It was due at {when(run.due)}, {took(run.due, run.started)} before"
    rule = (found.then or {}).get("overlap")
    if run.held and run.held.limit == f"job:{run.job}" and rule in ("queue", "replace"):
        since = when(run.held.since)
        return f"{late}: by the rule overlap {rule} it waited for the run before from {since} on.", []
    if run.held:
        return f"{late}: the limit {run.held.limit} held it from {when(run.held.since)} on.", []
    gap = gap_over(found, run.due, run.started)
    if gap:
        return f"{late}: {gap_text(gap)}.", [gap_fact(gap)]
    limits = limits_of_job(found, found.current) if found.current else []
    if limits:
        known = "; ".join(map(limit_text, limits))
        return f"{late}. What kept it is not recorded, but {known}.", [limit_fact(one) for one in limits]
    return f"{late}: no worker took it sooner.", []


def _losses(run: Run, attempts: Iterable[Mapping[str, Any]]) -> str:
    """Name the workers that attempts before the last were lost with, and how late the last began."""
    lost = [one for one in attempts if one["what"] == "lost" and one["attempt"] < run.attempts]
    text = "".join(
        f" Attempt {one['attempt']} was lost with its worker {one.get('worker', '(unknown)')}, "
        f"which was noticed at {when(one['time'])}."
        for one in reversed(lost)
    )
    return f"{text} It was due at {when(run.due)}, {took(run.due, run.started)} before." if lost else ""


def _attempts(found: Situation, run: Run) -> Iterator[Mapping[str, Any]]:
    """Yield what the board's history says of a run with several attempts."""
    if run.attempts > 1:
        for entry in found.source.history(task=run.task):
            yield history_fact(entry)
