"""The page of a job: what it is, what it did, what it will do, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from jobs_core import Board, Change, NotFoundError, OptionError, Run, Summary, Why
from jobs_core.plugin_ui import JOB_OPTIONS, SCHEDULE_OPTIONS, WORK_OPTIONS
from jobs_web.job_texts import clock_of, next_runs, zone_of
from jobs_web.pages.open_tasks import find_tasks
from jobs_web.pages.printed import kept_output, logs_of_runs
from jobs_web.site import Page, View

RUNS = 20
"""Runs in the table, without `all` in the query."""

CHARTED = 100
"""Runs in the chart."""

LOGS = 5
"""Runs whose output is shown."""

NEXT = 5
"""Runs to come that are shown."""

CHANGES = 10
"""Changes that are shown."""

LOOKED_AT = 100
"""Changes to look at, of which many may only have run the job."""

RELATED = 12
"""Jobs before, and after, whose states are shown."""

SHOWN = [*SCHEDULE_OPTIONS, *WORK_OPTIONS, "lint-ignore"]
"""The options in the table. The others have a place of their own."""


def job(view: View) -> Page:
    """Show the job that the field `id` of the query names."""
    board, id = view.board, view.query.get("id", "")
    try:
        found = board.show(id)
    except NotFoundError as error:
        return Page("job_gone.html", {"sentence": str(error), "changes": _changes(board, id)}, 404)
    runs = list(board.runs(id))
    tasks, is_complete = find_tasks(board, job=id)
    shown = runs if view.query.get("all") else runs[:RUNS]
    data = {
        "job": found,
        "summary": board.summary(id).get(id) or Summary(id),
        "runs": shown,
        "more_runs": len(runs) - len(shown),
        "charted": runs[:CHARTED],
        "all_runs": runs,
        "zone": zone_of(found),
        "clock": clock_of(found),
        "next_runs": list(next_runs(board.next(id, count=NEXT), zone_of(found))),
        "options": [(JOB_OPTIONS[name], found[name]) for name in SHOWN if name in found],
        "is_complete": is_complete,
        "waiting_or_running": [task for task in tasks if task["state"] != "dead"],
        "dead": [task for task in tasks if task["state"] == "dead"],
        "under_way": [task for task in tasks if task["state"] in ("leased", "accepted")],
    }
    # These are read where they are shown, since a live page does not show them again.
    later: dict[str, Callable[..., Any]] = {
        "output_of": partial(kept_output, board),
        "logs": partial(logs_of_runs, board, runs, LOGS),
        "related": partial(related, board, found),
        "alerts": lambda: list(board.alert_list(job=id, payload=False)),
        "open_alerts": lambda: list(board.alert_open(job=id)),
        "why": partial(answer, board, id, view.query.get("at"), may_search=is_complete or "at" in view.query),
        "changes": partial(_changes, board, id),
    }
    return Page("job.html", data | later)


@dataclass(frozen=True, slots=True)
class Related:
    """A job before or after another one. Its state is None if there is no such job."""

    id: str
    state: str | None
    last: Run | None
    has_ended: bool = False
    """Whether it has ended since the last run of the job that waits for it."""


@dataclass(frozen=True, slots=True)
class Relations:
    """The jobs before and after a job, as many as are shown, and how many there are."""

    before: list[Related]
    after: list[Related]
    waiting: Mapping[str, Any] | None
    more_before: int = 0
    more_after: int = 0


def related(board: Board, found: Mapping[str, Any]) -> Relations:
    """Read which jobs a job runs after, which run after it, and where they stand."""
    when = board.when(found["id"])
    before, after = found.get("after", []), when.get("followed_by", [])
    shown = [*before[:RELATED], *after[:RELATED]]
    summaries, met = board.summary(*shown), when.get("met", [])

    def describe(id: str) -> Related:
        summary = summaries.get(id)
        return Related(id, _state(board, id), summary.last if summary else None, id in met)

    return Relations(
        [describe(id) for id in before[:RELATED]],
        [describe(id) for id in after[:RELATED]],
        when.get("waiting"),
        max(0, len(before) - RELATED),
        max(0, len(after) - RELATED),
    )


def _state(board: Board, id: str) -> str | None:
    try:
        return str(board.show(id)["state"])
    except NotFoundError:
        return None


def answer(board: Board, id: str, at: str | None, *, may_search: bool) -> Why | str:
    """Answer why, or say what is wrong with the moment.

    Args:
        board: The board.
        id: The id of a job or of a task.
        at: The moment, in words. None is now.
        may_search: Whether to look through all tasks of the board, which an answer takes.
    """
    if not may_search:
        return "Too many tasks wait on this board to look through them unasked."
    try:
        return board.why(id, at or None)
    except (OptionError, NotFoundError) as error:
        return str(error)


def _changes(board: Board, id: str) -> list[Change]:
    """Read the latest changes, without those that only ran the job."""
    recent = board.changes(id, limit=LOOKED_AT) if id else ()
    return list(islice((one for one in recent if one.what != "push"), CHANGES))
