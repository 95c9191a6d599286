"""Ask why, about a job at a moment or about a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs_core.errors import NotFoundError
from jobs_core.why.answer import Why
from jobs_core.why.ended import explain_run
from jobs_core.why.future import explain_future
from jobs_core.why.past import explain_past
from jobs_core.why.present import explain_present
from jobs_core.why.situation import Situation, read_situation
from jobs_core.why.source import Source
from jobs_core.why.unfinished import explain_task
from jobs_core.why.words import history_fact
from jobs_core.wording import when


def is_job(source: Source, id: str) -> bool:
    """Return whether there is such a job now. Its id may look like that of a task."""
    try:
        source.show(id)
    except NotFoundError:
        return False
    return True


def why_job(source: Source, id: str, now: float, at: float | None = None) -> Why:
    """Answer why a job did, does or will do what it does at a moment. The default is now.

    Args:
        source: The board.
        id: The job's id.
        now: The time of Redis's clock, in epoch seconds.
        at: The moment, in epoch seconds.

    Raises:
        NotFoundError: There is no such job, nor a record of one.
    """
    found = read_situation(source, id, now if at is None else at, now)
    if at is None:
        return explain_present(found)
    return explain_past(found) if found.end <= now or at <= now else explain_future(found)


def why_task(source: Source, id: str, now: float) -> Why:
    """Answer why a task is where it is, or ended as it did.

    Args:
        source: The board.
        id: The task's id.
        now: The time of Redis's clock, in epoch seconds.

    Raises:
        NotFoundError: There is no such task, and none is recorded.
    """
    job, _, moment = id.rpartition("@")
    due = _due(moment, now)
    try:
        found = read_situation(source, job, due, now)
    except NotFoundError:
        found = _one_off(source, job, due, now)
    for task in found.tasks:
        if task["id"] == id:
            return explain_task(found, task)
    for run in found.runs:
        if run.task == id:
            return explain_run(found, run)
    return _by_history(found, id)


def _due(moment: str, now: float) -> float:
    digits = moment.partition("-")[0]
    return int(digits) / 1000 if digits.isdigit() else now


def _one_off(source: Source, job: str, due: float, now: float) -> Situation:
    """Return the situation of a task that belongs to no job."""
    tasks = (*source.tasks(job=job), *source.tasks("dead", job=job))
    return Situation(
        source=source,
        id=job,
        at=due,
        now=now,
        current=None,
        then=None,
        later=(),
        earlier=(),
        reaches=True,
        runs=(),
        tasks=tasks,
        gaps=(),
    )


def _by_history(found: Situation, id: str) -> Why:
    """Answer from the board's history, which keeps the latest events of all tasks."""
    entries = list(found.source.history(task=id))
    if not entries:
        raise NotFoundError(
            f"no task {id!r} is open on the board {found.source.name!r}, and none is recorded"
        )
    facts = [history_fact(entry) for entry in entries]
    last: Mapping[str, Any] = entries[0]
    how = str(last.get("note") or last.get("code") or "")
    tail = f": {how}" if how else ""
    if last["what"] == "done":
        return found.answer("ran", f"It was done at {when(last['time'])}{tail}.", *facts, task=id)
    if last["what"] in ("dead", "purged"):
        return found.answer("dead", f"It was given up at {when(last['time'])}{tail}.", *facts, task=id)
    if last["what"] == "cancelled":
        return found.answer("cancelled", f"It was cancelled at {when(last['time'])}{tail}.", *facts, task=id)
    text = f"The last that is recorded of it is {last['what']}, at {when(last['time'])}{tail}."
    return found.answer("unknown", text, *facts, task=id)
