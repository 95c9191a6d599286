"""Many jobs and alerts at once: dump, load, plan, apply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jobs_core import Board, JobsError
from jobs_web.api import alerts
from jobs_web.api import schemas as s
from jobs_web.api.model import BULK, Answer, Call, Route
from jobs_web.api.problems import brief


def dump(call: Call) -> dict[str, Any]:
    """Answer with a page of jobs in the form that load takes. The last one has the alerts, too."""
    page = call.board.job_page(**call.options("limit", "cursor"))
    items = [Board.dumped({name: job[name] for name in job if name != "etag"}) for job in page.jobs]
    if page.next is None:
        items += call.board.dumped_alerts()
    return {"items": items, "next": page.next}


def load(call: Call) -> dict[str, Any]:
    """Put many jobs, and then many alerts."""
    jobs, told = call.body["jobs"], call.body.get("alerts", [])
    replies = call.board.put_many(jobs, create=call.body.get("create", False), **call.options("because"))
    items = [*_results("id", jobs, replies), *_results("alert", told, call.board.load(told))]
    return {"items": items, "next": None}


def _results(name: str, things: list[Any], replies: Any) -> Iterator[dict[str, Any]]:
    for thing, reply in zip(things, replies, strict=True):
        yield {name: thing[name], **(brief(reply) if isinstance(reply, JobsError) else {"next": reply})}


def plan(call: Call) -> dict[str, Any]:
    """Answer with what an apply would change."""
    return _planned(call, call.board.plan(**_declared(call)))


def apply(call: Call) -> Answer:
    """Replace the jobs and alerts of an owner, all or none."""
    found = call.board.apply(**_declared(call), **call.options("because"))
    return Answer(_planned(call, found), 422 if found.refused else 200)


def _declared(call: Call) -> dict[str, Any]:
    return dict(call.body)


def _planned(call: Call, found: Any) -> dict[str, Any]:
    ids = [*(job["id"] for job in call.body["jobs"]), *(one["alert"] for one in call.body.get("alerts", []))]
    changes = [
        {"id": change.id, "change": change.kind, "options": sorted({*change.names} - {"id"})}
        for change in sorted(found.changes, key=lambda change: str(change.id))
    ]
    refused = [{"id": ids[place], **brief(error)} for place, error in sorted(found.refused.items())]
    return {"changes": changes, "unchanged": found.same, "refused": refused}


JOBS = {"type": "array", "items": s.NEW_JOB, "maxItems": 50000}
ALERTS = {"type": "array", "items": alerts.NEW_ALERT, "maxItems": 200}
LOAD = s.record(
    {
        "jobs": JOBS,
        "alerts": ALERTS,
        "create": {"type": "boolean", "description": "reject jobs that exist"},
    },
    ("jobs",),
)
DECLARED = s.record(
    {
        "owner": {"type": "string", "minLength": 1, "description": "whose jobs these are"},
        "jobs": JOBS,
        "alerts": ALERTS | {"description": "the owner's alerts; without it, they stay as they are"},
        "prune": {"type": "boolean", "description": "remove what else the owner has (default: true)"},
        "adopt": {"type": "boolean", "description": "take over what belongs to other owners"},
    },
    ("owner", "jobs"),
)
PLANNED = s.shown(
    {
        "changes": {"type": "array", "items": s.shown({"id": s.TEXT, "change": s.TEXT})},
        "unchanged": s.COUNT,
        "refused": {"type": "array", "items": s.ANY_OBJECT},
    }
)
RESULT = s.shown({}, {"id": s.TEXT, "alert": s.TEXT, "next": s.MAYBE_TIME, "error": s.ANY_OBJECT})

ROUTES = (
    Route("GET", "/dump", "viewer", "List all jobs, with payloads and state, and all alerts, to load.", dump,
          s.page_of(s.ANY_OBJECT), s.PAGING),
    Route("POST", "/load", "editor", "Put many jobs and alerts. Each is answered for by itself.", load,
          s.page_of(RESULT), (s.BECAUSE,), LOAD, limit=BULK),
    Route("POST", "/plan", "editor", "Show what an apply would change, and change nothing.", plan, PLANNED,
          (), DECLARED, limit=BULK),
    Route("POST", "/apply", "editor", "Replace the jobs and alerts of an owner: all, or none.", apply,
          PLANNED, (s.BECAUSE,), DECLARED, limit=BULK,
          answers={422: "Some were refused, and nothing has changed."}),
)  # fmt: skip
