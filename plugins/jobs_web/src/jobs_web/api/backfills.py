"""Backfills: start, list, show, cancel."""

from __future__ import annotations

from typing import Any

from jobs_core import Backfill
from jobs_web.api import schemas as s
from jobs_web.api.model import Call, Route


def list_(call: Call) -> dict[str, Any]:
    """Answer with the backfills under way, and those that ended last."""
    return {"items": list(call.board.backfill_list()), "next": None}


def start(call: Call) -> Backfill:
    """Queue the occurrences of a job in the past that have not run."""
    options = {name.replace("-", "_"): value for name, value in call.body.items()}
    job, begin, end = options.pop("job"), options.pop("from"), options.pop("to")
    found: Backfill = call.board.backfill(job, begin, end, **options, **call.options("because"))
    return found


def show(call: Call) -> Backfill:
    """Answer with a backfill."""
    found: Backfill = call.board.backfill_show(call.path["id"])
    return found


def cancel(call: Call) -> Backfill:
    """Cancel a backfill."""
    found: Backfill = call.board.backfill_cancel(call.path["id"], **call.options("because"))
    return found


NEW = s.record(
    {
        "job": s.TEXT,
        "from": s.WHEN,
        "to": s.WHEN,
        "concurrency": {"type": "integer", "minimum": 1, "maximum": 1000},
        "latest-first": {"type": "boolean", "description": "begin with the latest occurrence"},
        "unknown": {
            "type": "boolean",
            "description": "include those that may have run",
        },
    },
    ("job", "from", "to"),
)
BACKFILL = s.shown({"id": s.TEXT, "job": s.TEXT, "state": s.TEXT, "total": s.COUNT, "done": s.COUNT})

ROUTES = (
    Route("GET", "/backfills", "viewer", "List backfills, the oldest first.", list_, s.page_of(BACKFILL)),
    Route("POST", "/backfills", "operator", "Run the occurrences of a job that were missed.", start, BACKFILL,
          (s.BECAUSE,), NEW, status=201),
    Route("GET", "/backfills/{id}", "viewer", "Show a backfill.", show, BACKFILL),
    Route("POST", "/backfills/{id}/cancel", "operator", "Cancel a backfill.", cancel, BACKFILL, (s.BECAUSE,)),
)  # fmt: skip
