"""Why a job did or did not run at a moment of the past."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jobs_core.changes import Change
from jobs_core.runs import Run
from jobs_core.why.answer import Why
from jobs_core.why.ended import explain_run, gap_over
from jobs_core.why.schedule import has_times, occurrence_after, occurrence_before, occurrence_within
from jobs_core.why.situation import Situation, defines, is_paused
from jobs_core.why.source import Job
from jobs_core.why.unfinished import explain_task
from jobs_core.why.waiting import explain_waiting
from jobs_core.why.words import change_fact, gap_fact, gap_text, run_fact, took, who
from jobs_core.wording import schedule_text, when

_SCHEDULE = ("every", "cron", "zone", "dst", "start", "stop", "decay", "step", "at", "after", "on", "join")


def explain_past(found: Situation) -> Why:
    """Explain a moment of the past: the first of the possible answers that fits."""
    answers: tuple[Callable[[Situation], Why | None], ...] = (
        _recorded,
        _open_task,
        _waiting,
        _absent,
        _under_way,
        _paused,
        _without_record,
        _clock_jump,
        _without_times,
        _ended,
    )
    for answer in answers:
        why = answer(found)
        if why:
            return why
    return _not_due(found)


def _recorded(found: Situation) -> Why | None:
    """An occurrence of that moment is recorded."""
    for run in found.runs:
        if run.task is not None and found.at <= run.due < found.end:
            return explain_run(found, run)
    missed = [run for run in found.runs if run.task is None and _covers(run, found)]
    if missed and (found.then is None or not has_times(found.then) or _occurs(found)):
        return explain_run(found, missed[0])
    return None


def _covers(run: Run, found: Situation) -> bool:
    """Return whether the occurrences without a run may include that moment.

    Coalesced ones follow the one that they are run with.
    """
    is_after = run.due < found.at if run.outcome == "coalesced" else run.due < found.end
    return is_after and (run.through or run.due) >= found.at


def _occurs(found: Situation) -> bool:
    job = found.then
    return job is not None and occurrence_within(found.source, job, found.at, found.end) is not None


def _open_task(found: Situation) -> Why | None:
    """A task of that moment has not ended, or is a dead letter."""
    for task in found.tasks:
        if found.at <= task["due"] < found.end:
            return explain_task(found, task)
    return None


def _absent(found: Situation) -> Why | None:
    """The job did not exist."""
    if found.then is not None:
        return None
    removed = next((change for change in found.earlier if change.what == "remove"), None)
    made = next((change for change in found.later if defines(change)), None)
    if removed:
        text = f"There was no job {found.id} then: {who(removed)} had removed it at {when(removed.time)}."
    elif made:
        text = f"There was no job {found.id} yet: {who(made)} put it at {when(made.time)}."
    else:
        text = f"There was no job {found.id}."
    facts = [change_fact(change) for change in (removed, made) if change]
    return found.answer("absent", text, *facts)


def _under_way(found: Situation) -> Why | None:
    """A run that was due before was waiting or running."""
    for run in found.runs:
        if run.task is not None and run.due <= found.at and (run.ended or 0) > found.at:
            why = explain_run(found, run)
            state = "running" if run.started is not None and run.started <= found.at else "waiting"
            prefix = f"The occurrence of {when(run.due)} was {state} at that time. "
            return found.answer(why.reason, prefix + why.text, *why.proof, task=run.task)
    for task in found.tasks:
        if task["state"] != "dead" and task["due"] <= found.at:
            return explain_task(found, task)
    return None


def _waiting(found: Situation) -> Why | None:
    """The occurrence of that moment waits for the job's parents."""
    if found.current is None or found.current["state"] != "waiting":
        return None
    waiting = found.source.when(found.id).get("waiting")
    if waiting is None or not found.at <= waiting["due"] < found.end:
        return None
    return explain_waiting(found, found.current)


def _paused(found: Situation) -> Why | None:
    if not (found.then and is_paused(found.then)):
        return None
    return explain_paused(found, found.then, "It was paused")


def explain_paused(found: Situation, job: Job, says: str) -> Why:
    """Answer that a job is paused. `says` begins the sentence: `It was paused`."""
    pause = found.pause
    return found.answer("paused", says + _pause_text(job, pause), *([change_fact(pause)] if pause else []))


def _pause_text(job: Job, pause: Change | None) -> str:
    """Say who has paused a job, since when, why, and until when."""
    first = job.get("paused-at")
    since = pause.time if pause else first
    name = who(pause) if pause else who(job)
    until = f", until {when(job['paused-until'])}" if job.get("paused-until") else ""
    text = f" by {name}" + (f" since {when(since)}" if since else "") + until + "."
    if first and pause and pause.time - first >= 1:
        text += f" This pause replaced an earlier one: the job has been paused since {when(first)}."
    return text


def _without_record(found: Situation) -> Why | None:
    """The job was due, but nothing is recorded of that occurrence."""
    job = found.then
    if job is None or (job.get("left") == 0 and not _ran_after(found)):
        return None
    due = occurrence_within(found.source, job, found.at, found.end)
    if due is None:
        return None
    gap = gap_over(found, due)
    if gap:
        text = f"It was due at {when(due)}, but {gap_text(gap)}. What became of it is not recorded."
        return found.answer("clock" if gap.what == "clock" else "idle", text, gap_fact(gap))
    return _beyond_history(found, due)


def _beyond_history(found: Situation, due: float) -> Why:
    oldest = min((run.due for run in found.runs), default=None)
    if oldest is None and _keeps_no_runs(found):
        reach = "runs of this job are not kept (see `history` and `jobs retention runs`)"
    elif oldest is None:
        reach = "no run of this job is recorded"
    elif due < oldest:
        reach = f"its recorded runs begin at {when(oldest)}"
    else:
        reach = "its recorded runs have no entry for it"
    text = f"It was due at {when(due)}. What became of that is no longer known: {reach}."
    why = found.answer("unknown", text, {"kind": "schedule", "due": due})
    return Why(why.job, why.at, why.reason, why.text, why.task, why.proof, is_complete=False)


def _keeps_no_runs(found: Situation) -> bool:
    own = (found.current or {}).get("history")
    return own == 0 if own is not None else not found.source.retention()["runs"]


def _ran_after(found: Situation) -> bool:
    return any(run.due >= found.at for run in found.runs)


def _clock_jump(found: Situation) -> Why | None:
    gap = gap_over(found, found.at, what="clock")
    if gap is None:
        return None
    return found.answer("clock", f"That time did not pass as usual: {gap_text(gap)}.", gap_fact(gap))


def _without_times(found: Situation) -> Why | None:
    """The job had no times of its own: it ran when it was pushed, or after other jobs."""
    job = found.then
    if job is None or has_times(job):
        return None
    last = _run_before(found)
    facts = [run_fact(last)] if last else []
    tail = f" Its run before was due at {when(last.due)} and ended {last.outcome}." if last else ""
    if "after" in job:
        text = f"It had no time of its own: it runs {schedule_text(job)}, and that did not hold then."
        return found.answer("waiting", text + tail, *facts)
    text = "It runs only when pushed, and nobody pushed it then."
    return found.answer("manual", text + tail, *facts)


def _ended(found: Situation) -> Why | None:
    job = found.then
    if job is None or job.get("left") != 0 or _ran_after(found):
        return None
    repeat = job.get("repeat")
    runs = "its only run was" if repeat == 1 else f"its {repeat} runs were" if repeat else "its runs were"
    text = f"It had ended: {runs} over."
    last = _run_before(found)
    return found.answer("ended", text, *([run_fact(last)] if last else []))


def _not_due(found: Situation) -> Why:
    job = found.then or {}
    before = occurrence_before(found.source, job, found.at)
    after = occurrence_after(found.source, job, found.end - 0.001)
    text = f"It was not due at {when(found.at)}: {neighbors(before, after)}."
    last = _run_before(found)
    if last and last.due == before and last.ended:
        text += f" That run was {last.outcome} after {took(last.started or last.due, last.ended)}."
    proof: list[Mapping[str, Any]] = [{"kind": "schedule", "before": before, "after": after}]
    change = _schedule_change(found)
    if change and change.after:
        text += (
            f" Its schedule was then {schedule_text(job)}; {who(change)} changed it at {when(change.time)}"
            f" to {schedule_text(change.after)}."
        )
        proof.append(change_fact(change))
        if any(_would_run(found, one) for one in (change.after, found.current)):
            return found.answer("changed", text, *proof)
    return found.answer("not-due", text, *proof)


def _schedule_change(found: Situation) -> Change | None:
    """Return the first change after the moment that gave the job another schedule."""
    for change in found.later:
        if defines(change) and change.before and change.after and _differs(change.before, change.after):
            return change
    return None


def _would_run(found: Situation, job: Job | None) -> bool:
    """Return whether a job would be due at the moment by another definition."""
    if job is None:
        return False
    return occurrence_within(found.source, {**job, "id": found.id}, found.at, found.end) is not None


def neighbors(before: float | None, after: float | None) -> str:
    """Name the occurrences around a moment."""
    parts = []
    if before is not None:
        parts.append(f"the occurrence before was {when(before)}")
    parts.append(f"the next {when(after)}" if after is not None else "none follows")
    return ", ".join(parts)


def _run_before(found: Situation) -> Run | None:
    return next((run for run in found.runs if run.due < found.at), None)


def _differs(job: Job, other: Job) -> bool:
    return any(job.get(name) != other.get(name) for name in _SCHEDULE)
