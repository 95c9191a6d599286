"""Dead letters: list, retry, purge."""

from __future__ import annotations

from typing import Any

from jobs_web.api import schemas as s
from jobs_web.api.model import Call, Problem, Route


def list_(call: Call) -> dict[str, Any]:
    """Answer with a page of dead letters."""
    options = call.options("limit", "cursor", "payload", *s.names(s.TASK_FILTERS))
    page = call.board.task_page(state="dead", **options)
    return {"items": page.items, "next": page.next}


def retry(call: Call) -> dict[str, int]:
    """Queue dead letters again."""
    return {"count": call.board.dead_retry(**_selected(call), **call.options("because"))}


def purge(call: Call) -> dict[str, int]:
    """Delete dead letters."""
    return {"count": call.board.dead_purge(**_selected(call), **call.options("because"))}


def _selected(call: Call) -> dict[str, Any]:
    """Return which dead letters the body is about. Nothing is about all of them by accident."""
    if not call.body.get("all") and call.body.keys() <= {"all"}:
        raise Problem(400, 'all: without a filter, this is about all dead letters: send {"all": true}', "all")
    return dict(call.body)


SELECTED = s.record(
    {
        "all": {"type": "boolean", "description": "all of them, if there is no filter"},
        **{one.name: s.SPAN if one.name == "older-than" else one.schema for one in s.TASK_FILTERS},
    }
)
CHANGED = s.shown({"count": s.COUNT})

ROUTES = (
    Route(
        "GET", "/dead", "viewer", "List dead letters. A page ends soon after it has `limit` of them.", list_,
        s.page_of(s.TASK), (*s.PAGING, *s.TASK_FILTERS, s.PAYLOADS),
    ),
    Route("POST", "/dead/retry", "operator", "Queue dead letters again, as first attempts.", retry, CHANGED,
          (s.BECAUSE,), SELECTED),
    Route("POST", "/dead/purge", "editor", "Delete dead letters.", purge, CHANGED, (s.BECAUSE,), SELECTED),
)  # fmt: skip
