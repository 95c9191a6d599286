"""What a draft would become: checked by the board, compared option by option, with its next runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from jobs_core import Board, ConflictError, ExistsError, NotFoundError, OptionError
from jobs_core.plugin_ui import SCHEDULE_OPTIONS, PutOptions
from jobs_web.editing.draft import NAMES, Draft
from jobs_web.job_texts import NextRun, next_runs, zone_of

OWNER = "preview"
"""The owner under which a draft is compared with the board. It never owns any job."""

NEXT = 5
"""Runs to come that are shown."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a draft would become.

    Args:
        names: The names of the options that would differ.
        before: The job as it is now; empty if it is new.
        after: The job as it would be.
        runs: The next runs as they would be.
    """

    names: list[str] = field(default_factory=list)
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    runs: list[NextRun] = field(default_factory=list)


def preview(board: Board, draft: Draft) -> Preview:
    """Check a draft, and return what it would become. Nothing is changed.

    Raises:
        ConflictError: The job has changed since the form was opened.
        NotFoundError: There is no such job any more.
        UserError: The board would reject it. `option` names the field.
    """
    job = None if draft.is_new else require_same(board, draft)
    if draft.is_new:
        require_new(board, draft.id)
    what = {name: draft.typed.get(name, "") for name in ("runner", "payload")}
    if job and draft.keeps_payload:
        what["payload"] = job["payload"]
    planned = {"id": draft.id, **what, **draft.options(job)}
    plan = board.plan([planned], OWNER, prune=False, adopt=True)
    for error in plan.refused.values():
        raise error
    runs = list(next_runs(_next(board, draft), zone_of(draft.typed)))
    if not plan.changes:
        return Preview(runs=runs)
    (change,) = plan.changes
    names = [name for name in NAMES if name in change.names]
    return Preview(names, change.before or {}, change.after or {}, runs)


def require_same(board: Board, draft: Draft) -> dict[str, Any]:
    """Return the job that the form was opened with. Raises ConflictError if it is another version now."""
    job = board.show(draft.id)
    if job["etag"] != draft.etag:
        raise ConflictError(f"the job {draft.id!r} has changed since you opened it")
    return job


def require_new(board: Board, id: str) -> None:
    """Check the id of a new job.

    Raises:
        OptionError: It is empty.
        ExistsError: There is such a job.
    """
    if not id:
        raise OptionError("id: expected the id of the new job, got nothing", option="id")
    try:
        board.show(id)
    except NotFoundError:
        return
    raise ExistsError(f"a job {id!r} already exists: edit it, or choose another id", option="id")


def _next(board: Board, draft: Draft) -> Any:
    """Return the next runs as they would be."""
    changed = [name for name in draft.changed if name in SCHEDULE_OPTIONS]
    if not draft.is_new and not changed:
        return board.next(draft.id, count=NEXT)
    schedule = {name: draft.typed[name] for name in SCHEDULE_OPTIONS if name in draft.typed}
    if not schedule.keys() & {"every", "cron", "at"}:
        return []
    return board.next(draft.id, count=NEXT, **cast(PutOptions, schedule))
