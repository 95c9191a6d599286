"""How the jobs that a job runs after have last ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jobs_core.errors import NotFoundError
from jobs_core.runs import Run
from jobs_core.why.situation import Situation
from jobs_core.why.words import run_fact
from jobs_core.wording import when

_MOST = 3
"""Parents that a sentence is about at most."""


def parents_text(
    found: Situation, parents: Iterable[str], by: float | None = None
) -> tuple[str, list[dict[str, Any]]]:
    """Say how each parent last ended, up to a time (epoch seconds) if given."""
    text, facts = "", []
    for parent in list(parents)[:_MOST]:
        run = _last_ended(found, parent, found.now if by is None else by)
        if run is None:
            text += f" No ended run of {parent} is recorded from before."
            continue
        note = f" ({run.note or run.code})" if run.note or run.code else ""
        text += f" {parent} last ended {run.outcome} at {when(run.ended)}{note}."
        facts.append(run_fact(run))
    return text, facts


def _last_ended(found: Situation, job: str, by: float) -> Run | None:
    try:
        runs = found.source.runs(job)
        return next((run for run in runs if run.task and run.ended is not None and run.ended <= by), None)
    except NotFoundError:
        return None
