"""Limits of queues and runners, long queues, and how much a board keeps."""

from __future__ import annotations

from typing import Any

from jobs_core.plugin_ui import RETENTION
from jobs_web.api import schemas as s
from jobs_web.api.model import Call, Problem, Route


def list_(call: Call) -> dict[str, Any]:
    """Answer with the limits."""
    return {"items": [_shown(limit) for limit in call.board.limits()], "next": None}


def put(call: Call) -> dict[str, Any]:
    """Limit a queue or a runner."""
    kind, name = _subject(call)
    options = {word.replace("-", "_"): value for word, value in call.body.items()}
    if not any(value is not None for value in options.values()):
        raise Problem(400, "The body: expected concurrency, rate or max-length. DELETE removes a limit.")
    call.board.limit(kind, name, **options, **call.options("because"))
    found = (limit for limit in call.board.limits() if (limit["kind"], limit["name"]) == (kind, name))
    return _shown(next(found, {"kind": kind, "name": name}))


def remove(call: Call) -> None:
    """Remove the limit of a queue or a runner."""
    kind, name = _subject(call)
    if not any((limit["kind"], limit["name"]) == (kind, name) for limit in call.board.limits()):
        raise Problem(404, f"The {kind} {name!r} has no limit.")
    call.board.limit(kind, name, **call.options("because"))


def trim(call: Call) -> dict[str, int]:
    """Drop the oldest tasks of a queue."""
    return {"count": call.board.trim(call.path["name"], call.body["keep"], **call.options("because"))}


def retention(call: Call) -> dict[str, Any]:
    """Answer with how much the board keeps."""
    found: dict[str, Any] = call.board.retention()
    return found


def retain(call: Call) -> dict[str, Any]:
    """Set how much the board keeps."""
    found: dict[str, Any] = call.board.retain(**call.body)
    return found


def _subject(call: Call) -> tuple[str, str]:
    kind = call.path["kind"]
    if kind not in ("queue", "runner"):
        raise Problem(404, "There are limits of a queue and of a runner: /limits/queue/NAME.")
    return kind, call.path["name"]


def _shown(limit: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in limit.items()}


COUNT = {"type": ["integer", "null"], "minimum": 1}
LIMIT = s.record(
    {
        "concurrency": COUNT | {"description": "how many tasks may run at once"},
        "rate": {"type": ["string", "null"], "description": "how many may start in a period: 100/1m"},
        "max-length": COUNT | {"description": "how many tasks may wait in a queue"},
    }
)
LIMITED = s.shown({"kind": s.TEXT, "name": s.TEXT}, LIMIT["properties"])
KEEP = s.record({"keep": {"type": "integer", "minimum": 0}}, ("keep",))
BOUNDS = s.record(
    {
        name: {"type": ["string", "integer", "number"], "description": f"{bound.summary}; off or default"}
        for name, bound in RETENTION.items()
    }
)
KEPT = s.shown({name: {"type": ["number", "null"]} for name in RETENTION})

ROUTES = (
    Route("GET", "/limits", "viewer", "List the limits of queues and runners.", list_, s.page_of(LIMITED)),
    Route("PUT", "/limits/{kind}/{name}", "editor", "Limit a queue or a runner, across all workers.", put,
          LIMITED, (s.BECAUSE,), LIMIT),
    Route("DELETE", "/limits/{kind}/{name}", "editor", "Remove the limit of a queue or a runner.", remove,
          None, (s.BECAUSE,), status=204),
    Route("POST", "/queues/{name}/trim", "editor", "Drop the oldest tasks of a queue.", trim,
          s.shown({"count": s.COUNT}), (s.BECAUSE,), KEEP),
    Route("GET", "/retention", "viewer", "Show how much the board keeps. Durations are seconds.", retention,
          KEPT),
    Route("PATCH", "/retention", "editor", "Set how much the board keeps.", retain, KEPT, (), BOUNDS),
)  # fmt: skip
