"""What jobs have run: runs, summaries, counters, logs, occurrences, changes."""

from __future__ import annotations

from itertools import islice
from typing import Any

from jobs_core import Run
from jobs_core.plugin_ui import as_plain
from jobs_web.api import schemas as s
from jobs_web.api.cursors import read_due
from jobs_web.api.model import Call, Parameter, Route

OCCURRENCES = 500
"""Occurrences of a page at most."""


def runs(call: Call) -> dict[str, Any]:
    """Answer with the latest runs of a job."""
    found: list[Run] = list(call.board.runs(call.path["id"], **call.options("limit", "task")))
    return {"items": found, "next": None}


def summary(call: Call) -> Any:
    """Answer with a summary of the runs of a job."""
    id = call.path["id"]
    found = call.board.summary(id).get(id)
    if found is None:
        call.board.show(id)  # says so if there is no such job
        return {"id": id, "runs": 0, "failures": 0}
    return found


def stats(call: Call) -> dict[str, int]:
    """Answer with the ledger of a job."""
    found: dict[str, int] = call.board.stats(call.path["id"])
    return found


def logs(call: Call) -> dict[str, Any]:
    """Answer with the end of what the runs of a job, or a task, printed."""
    return {"items": list(call.board.logs(call.path["id"], **call.options("limit"))), "next": None}


def occurrences(call: Call) -> dict[str, Any]:
    """Answer with the occurrences of a job in the past."""
    limit = call.query.get("limit", OCCURRENCES)
    start = read_due(call.query["cursor"]) if "cursor" in call.query else call.query["from"]
    found = list(islice(call.board.occurrences(call.path["id"], start, call.query["to"]), limit + 1))
    return {"items": found[:limit], "next": f"{found[limit].due:.3f}" if len(found) > limit else None}


def changes(call: Call) -> dict[str, Any]:
    """Answer with a page of changes, of a job or of all."""
    job = call.path.get("id", call.query.get("job"))
    options = call.options("limit", "cursor", "to", "payload")
    page = call.board.change_page(job=job, from_=call.query.get("from"), **options)
    return {"items": [as_plain(change) for change in page.items], "next": page.next}


def history(call: Call) -> dict[str, Any]:
    """Answer with a page of the history."""
    page = call.board.history_page(**call.options("limit", "cursor", "task", "job"))
    return {"items": page.items, "next": page.next}


SPAN = (s.FROM, s.TO)
LATEST = Parameter("limit", "how many runs", {"type": "integer", "minimum": 1, "maximum": 1000})
LOGGED = Parameter("limit", "how many runs of a job", {"type": "integer", "minimum": 1, "maximum": 100})
CHANGES = (*s.PAGING, *SPAN, s.PAYLOADS)
NEEDED_SPAN = tuple(Parameter(one.name, one.summary, one.schema, required=True) for one in SPAN)
ENTRIES = (*s.PAGING, Parameter("task", "only entries of this task"), Parameter("job", "only of this job"))

ROUTES = (
    Route(
        "GET", "/jobs/{id}/runs", "viewer", "List the latest runs of a job, newest first.", runs,
        s.page_of(s.RUN), (LATEST, Parameter("task", "only runs of this task")),
    ),
    Route(
        "GET", "/jobs/{id}/summary", "viewer", "Summarize the runs of a job.", summary,
        s.shown({"id": s.TEXT, "runs": s.COUNT, "failures": s.COUNT}),
    ),
    Route("GET", "/jobs/{id}/stats", "viewer", "Show the ledger of a job.", stats, s.COUNTS),
    Route(
        "GET", "/jobs/{id}/logs", "viewer", "Show the end of what the latest runs of a job printed.", logs,
        s.page_of(s.LINE), (LOGGED,),
    ),
    Route(
        "GET", "/jobs/{id}/occurrences", "viewer", "List the past occurrences of a job: which ran?",
        occurrences, s.page_of(s.shown({"due": s.TIME, "state": s.TEXT})), (*s.PAGING, *NEEDED_SPAN),
    ),
    Route(
        "GET", "/jobs/{id}/changes", "viewer", "List who changed a job, newest first.", changes,
        s.page_of(s.CHANGE), CHANGES,
    ),
    Route(
        "GET", "/changes", "viewer", "List who changed what, newest first.", changes, s.page_of(s.CHANGE),
        (*CHANGES, Parameter("job", "only changes of this job")),
    ),
    Route(
        "GET", "/history", "viewer", "List what happened to tasks, newest first.", history,
        s.page_of(s.ENTRY), ENTRIES,
    ),
)  # fmt: skip
