"""Why a job does or does not run now."""

from __future__ import annotations

from jobs_core.options import span
from jobs_core.why.answer import Why
from jobs_core.why.ended import LATE
from jobs_core.why.past import explain_paused
from jobs_core.why.situation import Situation, is_paused
from jobs_core.why.source import Job
from jobs_core.why.unfinished import explain_task
from jobs_core.why.waiting import explain_waiting, last_run
from jobs_core.why.words import change_fact, who
from jobs_core.wording import when

_ORDER = ("leased", "accepted", "held", "queued", "delayed")


def explain_present(found: Situation) -> Why:
    """Explain what a job does now."""
    job = found.current
    if job is None:
        return _removed(found)
    waiting = [task for task in found.tasks if task["state"] in _ORDER]
    if waiting:
        return explain_task(found, min(waiting, key=lambda task: _ORDER.index(task["state"])))
    if is_paused(job):
        return _paused(found, job)
    if job["state"] == "waiting":
        return explain_waiting(found, job)
    if job.get("next") is not None:
        return _scheduled(found, job)
    tail, facts = last_run(found)
    if job["state"] == "manual":
        return found.answer("manual", "It runs only when pushed." + tail, *facts)
    return found.answer("ended", "It has ended: no run follows." + tail, *facts)


def _removed(found: Situation) -> Why:
    removed = next((change for change in found.earlier if change.what == "remove"), None)
    text = f"There is no job {found.id} any more" + (
        f": {who(removed)} removed it at {when(removed.time)}." if removed else "."
    )
    return found.answer("absent", text, *([change_fact(removed)] if removed else []))


def _paused(found: Situation, job: Job) -> Why:
    why = explain_paused(found, job, "It is paused")
    tail, facts = last_run(found)
    return found.answer("paused", why.text + tail, *why.proof, *facts)


def _scheduled(found: Situation, job: Job) -> Why:
    due = float(job["next"])
    if found.now - due > LATE:
        text = (
            f"It has been due since {when(due)}, but nobody ticks: start a worker with `jobs run`, "
            "or a clock with `jobs tick`."
        )
        return found.answer("idle", text, {"kind": "schedule", "due": due})
    tail, facts = last_run(found)
    text = f"It is not due: it runs next at {when(due)}, in {span(round(max(0.0, due - found.now)))}."
    return found.answer("not-due", text + tail, {"kind": "schedule", "after": due}, *facts)
