"""When jobs run: next runs, previews, patterns, and what a job waits for."""

from __future__ import annotations

from typing import Any

from jobs_core.plugin_ui import SCHEDULE_OPTIONS, explained
from jobs_web.api import schemas as s
from jobs_web.api.model import Call, Parameter, Route


def next_runs(call: Call) -> dict[str, Any]:
    """Answer with the next runs of a job."""
    return _times(call.board.next(call.path["id"], **_span(call)))


def preview(call: Call) -> dict[str, Any]:
    """Answer with the runs of a schedule."""
    options = call.options(*SCHEDULE_OPTIONS)
    return _times(call.board.next(call.query.get("id"), **_span(call), **options))


def explain(call: Call) -> dict[str, Any]:
    """Explain a pattern."""
    return explained(**call.query)


def when(call: Call) -> dict[str, Any]:
    """Answer with what a job waits for."""
    found: dict[str, Any] = call.board.when(call.path["id"])
    return found


def why(call: Call) -> dict[str, Any]:
    """Answer why a job or a task does what it does."""
    found: dict[str, Any] = call.board.why(call.path["id"], call.query.get("at")).as_dict()
    return found


def _span(call: Call) -> dict[str, Any]:
    given = call.options("count")
    return given | ({"from_": call.query["from"]} if "from" in call.query else {})


def _times(found: Any) -> dict[str, Any]:
    return {"items": [one.timestamp() for one in found], "next": None}


COUNT = Parameter("count", "how many runs", {"type": "integer", "minimum": 1, "maximum": 1000})
AFTER = Parameter("from", "only runs after this time")
HASH = Parameter("id", "the id that chooses the values for H in a pattern")
SCHEDULE = tuple(
    Parameter(name, option.summary, {"enum": list(option.choices)} if option.choices else s.TEXT)
    for name, option in SCHEDULE_OPTIONS.items()
)
AT = Parameter("at", "the moment: epoch seconds, ISO 8601, or words such as tue 03:00")

ROUTES = (
    Route(
        "GET", "/jobs/{id}/next", "viewer", "List the next runs of a job.", next_runs, s.page_of(s.TIME),
        (COUNT, AFTER),
    ),
    Route(
        "GET", "/preview", "viewer", "List the runs of a schedule that no job has.", preview,
        s.page_of(s.TIME), (COUNT, AFTER, HASH, *SCHEDULE),
    ),
    Route(
        "GET", "/explain", "viewer", "Describe a cron pattern in English.", explain,
        s.shown({"pattern": s.TEXT, "explanation": s.TEXT}, {"warnings": s.LABELS}),
        (
            Parameter("pattern", "the pattern", required=True),
            Parameter("zone", "its time zone"),
            Parameter("dst", "the rule for its day fields", {"enum": ["vixie", "ocps"]}),
        ),
    ),
    Route(
        "GET", "/jobs/{id}/when", "viewer", "Show what a job waits for, and which jobs wait for it.", when,
        s.ANY_OBJECT,
    ),
    Route(
        "GET", "/jobs/{id}/why", "viewer", "Say why a job ran, did not run, or will run at a moment.", why,
        s.WHY, (AT,),
    ),
)  # fmt: skip
