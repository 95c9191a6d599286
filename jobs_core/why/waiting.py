"""What a job waits for, and how its last run ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs_core.runs import Run
from jobs_core.why.answer import Why
from jobs_core.why.ended import explain_run
from jobs_core.why.parents import parents_text
from jobs_core.why.situation import Situation
from jobs_core.why.source import Job
from jobs_core.why.words import run_fact, took
from jobs_core.wording import schedule_text, waiting_text, when


def explain_waiting(found: Situation, job: Job) -> Why:
    """Explain a job, or an occurrence of it, that waits for other jobs."""
    dependencies = found.source.when(found.id)
    met, missing = dependencies.get("met", []), dependencies.get("missing", [])
    left = [parent for parent in dependencies.get("after", []) if parent not in met]
    waiting = dependencies.get("waiting")
    if waiting:
        text = f"Its occurrence waits for {', '.join(left)} {waiting_text(waiting)}."
    else:
        text = f"It runs {schedule_text(job)}, and waits for {', '.join(left) or 'them'}."
    if met:
        text += f" {', '.join(met)} {'have' if len(met) > 1 else 'has'} ended already."
    if missing:
        text += f" There is no job {', '.join(missing)}."
    known = [parent for parent in left if parent not in missing]
    parents, endings = parents_text(found, known)
    if endings:
        text += f"{parents} `on {dependencies.get('on', 'done')}` decides which endings count."
    tail, facts = last_run(found)
    return found.answer("waiting", text + tail, {"kind": "job"} | dict(dependencies), *endings, *facts)


def last_run(found: Situation) -> tuple[str, list[Mapping[str, Any]]]:
    """Say how the last run of a job ended."""
    if found.runs and found.runs[0].outcome == "skipped":
        skipped = explain_run(found, found.runs[0])
        return f" {skipped.text}", list(skipped.proof)
    run = next((one for one in found.runs if one.ended is not None), None)
    return ("", []) if run is None else (f" {_last_text(run)}", [run_fact(run)])


def _last_text(run: Run) -> str:
    if run.outcome == "dead":
        how = f": {run.note or run.code}" if run.note or run.code else ""
        return f"Its last run failed at {when(run.ended)}{how}."
    duration = took(run.started or run.due, run.ended)
    return f"Its last run was {run.outcome} at {when(run.ended)} after {duration}."
