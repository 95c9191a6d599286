"""Many jobs at once: dump, load, plan, apply."""

from __future__ import annotations

from typing import Any

from jobs_core import Board, JobsError
from jobs_web.api import schemas as s
from jobs_web.api.model import BULK, Answer, Call, Route
from jobs_web.api.problems import brief


def dump(call: Call) -> dict[str, Any]:
    """Answer with a page of jobs in the form that load takes."""
    page = call.board.job_page(**call.options("limit", "cursor"))
    items = [Board.dumped({name: job[name] for name in job if name != "etag"}) for job in page.jobs]
    return {"items": items, "next": page.next}


def load(call: Call) -> dict[str, Any]:
    """Put many jobs."""
    jobs = call.body["jobs"]
    replies = call.board.put_many(jobs, create=call.body.get("create", False), **call.options("because"))
    items = [
        {"id": job["id"], **(brief(reply) if isinstance(reply, JobsError) else {"next": reply})}
        for job, reply in zip(jobs, replies, strict=True)
    ]
    return {"items": items, "next": None}


def plan(call: Call) -> dict[str, Any]:
    """Answer with what an apply would change."""
    return _planned(call, call.board.plan(**_declared(call)))


def apply(call: Call) -> Answer:
    """Replace the jobs of an owner, all or none."""
    found = call.board.apply(**_declared(call), **call.options("because"))
    return Answer(_planned(call, found), 422 if found.refused else 200)


def _declared(call: Call) -> dict[str, Any]:
    return dict(call.body)


def _planned(call: Call, found: Any) -> dict[str, Any]:
    jobs = call.body["jobs"]
    changes = [
        {"id": change.id, "change": change.kind, "options": sorted({*change.names} - {"id"})}
        for change in sorted(found.changes, key=lambda change: str(change.id))
    ]
    refused = [{"id": jobs[place]["id"], **brief(error)} for place, error in sorted(found.refused.items())]
    return {"changes": changes, "unchanged": found.same, "refused": refused}


JOBS = {"type": "array", "items": s.NEW_JOB, "maxItems": 50000}
LOAD = s.record(
    {"jobs": JOBS, "create": {"type": "boolean", "description": "reject jobs that exist"}}, ("jobs",)
)
DECLARED = s.record(
    {
        "owner": {"type": "string", "minLength": 1, "description": "whose jobs these are"},
        "jobs": JOBS,
        "prune": {"type": "boolean", "description": "remove the owner's other jobs (default: true)"},
        "adopt": {"type": "boolean", "description": "take over jobs of other owners"},
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
RESULT = s.shown({"id": s.TEXT}, {"next": s.MAYBE_TIME, "error": s.ANY_OBJECT})

ROUTES = (
    Route("GET", "/dump", "viewer", "List all jobs with their payloads and state, as load takes them.", dump,
          s.page_of(s.ANY_OBJECT), s.PAGING),
    Route("POST", "/load", "editor", "Put many jobs. Each is answered for by itself.", load,
          s.page_of(RESULT), (s.BECAUSE,), LOAD, limit=BULK),
    Route("POST", "/plan", "editor", "Show what an apply would change, and change nothing.", plan, PLANNED,
          (), DECLARED, limit=BULK),
    Route("POST", "/apply", "editor", "Replace the jobs of an owner: all of them, or none.", apply, PLANNED,
          (s.BECAUSE,), DECLARED, limit=BULK, answers={422: "Jobs were refused, and nothing has changed."}),
)  # fmt: skip
