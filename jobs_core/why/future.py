"""Whether a job will run at a moment to come, and what stands in its way."""

from __future__ import annotations

from jobs_core.why.answer import Why
from jobs_core.why.limits import limit_fact, limit_text, limits_of_job
from jobs_core.why.past import explain_paused, neighbors
from jobs_core.why.schedule import has_times, occurrence_after, occurrence_before
from jobs_core.why.situation import Situation, is_paused
from jobs_core.why.source import Job
from jobs_core.why.words import names
from jobs_core.wording import after_text, schedule_text, when


def explain_future(found: Situation) -> Why:
    """Explain a moment to come, as things are now."""
    job = found.current
    if job is None:
        return found.answer("absent", f"There is no job {found.id} now.")
    if is_paused(job) and not (job.get("paused-until") and job["paused-until"] <= found.at):
        return explain_paused(found, job, "It will not run: it is paused")
    if not has_times(job):
        return _without_times(found, job)
    due = _next_run(found, job)
    if due is None:
        text = f"It will not run: {schedule_text(job)} has no run at that time or later."
        return found.answer("ended", text)
    if due >= found.end:
        before = occurrence_before(found.source, job, found.at)
        text = f"It will not be due at {when(found.at)}: {neighbors(before, due)}."
        return found.answer("not-due", text, {"kind": "schedule", "before": before, "after": due})
    return _due(found, job, due)


def _next_run(found: Situation, job: Job) -> float | None:
    """Return the first run from the moment on. While a job is paused, Redis has none for it."""
    if is_paused(job):
        return occurrence_after(found.source, job, found.at - 0.001)
    runs = found.source.next(found.id, count=1, from_=found.at - 0.001)
    return runs[0].timestamp() if runs else None


def _due(found: Situation, job: Job, due: float) -> Why:
    queue = str(job.get("queue", job["runner"]))
    workers = [one for one in found.source.workers() if one["state"] == "serving" and queue in one["queues"]]
    task = f"{found.id}@{round(due * 1000)}"
    fact = {"kind": "schedule", "due": due}
    if not workers:
        text = f"It will be due at {when(due)}, but no living worker serves the queue {queue} now."
        return found.answer("unserved", text, fact, task=task)
    text = f"It will run at {when(due)}: {names(str(one['worker']) for one in workers)} can take it."
    if "after" in job:
        text = f"It will be due at {when(due)}, and waits then until its condition holds: {after_text(job)}."
    if job.get("overlap", "allow") != "allow":
        text += f" If an earlier run is still active then, its overlap rule says {job['overlap']}."
    limits = limits_of_job(found, job)
    if limits:
        text += f" Note that {'; '.join(map(limit_text, limits))}."
    proof = (fact, *({"kind": "worker"} | one for one in workers), *map(limit_fact, limits))
    return found.answer("will-run", text, *proof, task=task)


def _without_times(found: Situation, job: Job) -> Why:
    if "after" in job:
        return found.answer(
            "waiting", f"It has no time of its own: it runs {schedule_text(job)}, whenever they end."
        )
    return found.answer("manual", "It runs only when pushed.")
