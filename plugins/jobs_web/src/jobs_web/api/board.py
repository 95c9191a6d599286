"""The board as a whole: numbers, workers, labels, the graph, lint, forecast."""

from __future__ import annotations

import threading
from typing import Any

from jobs_web.api import schemas as s
from jobs_web.api.model import BULK, Call, Parameter, Problem, Route

MANY = 50_000
"""Jobs of a board at most, for answers that look at all of them at once."""

_forecasting = threading.Lock()
"""One forecast at a time: each starts a server of its own."""


def index(call: Call) -> dict[str, Any]:
    """Answer with the name of the board, of all boards of this server, and of the OpenAPI document."""
    document = f"{call.view.root}/openapi.json"
    return {"board": call.board.name, "boards": call.view.site.names, "openapi": document}


def count(call: Call) -> Any:
    """Answer with what is on the board now."""
    return call.board.count()


def top(call: Call) -> Any:
    """Answer with the board as it is now."""
    return call.board.top(**call.options("rows"))


def stats(call: Call) -> Any:
    """Answer with the ledger."""
    return call.board.stats()


def hours(call: Call) -> dict[str, Any]:
    """Answer with what happened by the hour."""
    return {"items": call.board.hours(call.query.get("from")), "next": None}


def gaps(call: Call) -> dict[str, Any]:
    """Answer with when nobody ticked."""
    return {"items": call.board.gaps(call.query.get("from"), call.query.get("to")), "next": None}


def workers(call: Call) -> dict[str, Any]:
    """Answer with the workers."""
    return {"items": list(call.board.workers()), "next": None}


def labels(call: Call) -> Any:
    """Answer with how many jobs have each label."""
    return call.board.labels()


def graph(call: Call) -> dict[str, Any]:
    """Answer with which jobs run after which."""
    _check_size(call)
    found = call.board.graph()
    if "job" in call.query:
        found = found.neighborhood(call.query["job"])
    ids = set(found.ids)
    nodes = {id: node for id, node in found.nodes.items() if id in ids}
    return {"edges": found.edges, "missing": sorted(found.missing & ids), "nodes": nodes}


def lint(call: Call) -> dict[str, Any]:
    """Answer with jobs that probably do not do what was meant."""
    _check_size(call)
    return {"items": call.board.lint(ignore=call.query.get("ignore", ())), "next": None}


def lint_jobs(call: Call) -> dict[str, Any]:
    """Answer with what is odd about jobs that are not put yet."""
    found = call.board.lint(call.body["jobs"], ignore=call.query.get("ignore", ()))
    return {"items": found, "next": None}


def forecast(call: Call) -> Any:
    """Answer with what the board will run."""
    _check_size(call)
    if not _forecasting.acquire(blocking=False):
        raise Problem(503, "Another forecast is being made: try again soon.", headers={"Retry-After": "5"})
    try:
        from_ = {"from_": call.query["from"]} if "from" in call.query else {}
        return call.board.forecast(**call.options("days", "duration"), **from_).as_dict()
    finally:
        _forecasting.release()


def _check_size(call: Call) -> None:
    if call.board.count()["jobs"] > MANY:
        raise Problem(422, f"This looks at all jobs at once, of which there may be {MANY}. There are more.")


ROWS = Parameter("rows", "how many rows of each list", {"type": "integer", "minimum": 1, "maximum": 100})
IGNORE = Parameter("ignore", "a rule that is not checked; may be repeated", s.LABELS)
JOBS = s.record({"jobs": {"type": "array", "items": s.NEW_JOB, "maxItems": 10000}}, ("jobs",))
FOUND = s.page_of(s.shown({"rule": s.TEXT, "job": {"type": ["string", "null"]}, "sentence": s.TEXT}))
DAYS = Parameter("days", "how many days to look ahead", {"type": "number", "minimum": 0.01, "maximum": 92})
DURATION = Parameter("duration", "seconds that an unknown run takes", {"type": "number", "minimum": 0})
GRAPH = s.shown(
    {"edges": {"type": "array", "items": s.ANY_OBJECT}, "missing": s.LABELS, "nodes": s.ANY_OBJECT}
)

ROUTES = (
    Route("GET", "/", "viewer", "Name the board, and where this document is.", index,
          s.shown({"board": s.TEXT, "boards": s.LABELS, "openapi": s.TEXT})),
    Route("GET", "/count", "viewer", "Count what is on the board now.", count, s.COUNTS),
    Route("GET", "/top", "viewer", "Show the board as it is now: what runs, what waits, who works.", top,
          s.shown({"time": s.TIME, "jobs": s.COUNT, "ledger": s.COUNTS}), (ROWS,)),
    Route("GET", "/stats", "viewer", "Show the ledger of the board.", stats, s.COUNTS),
    Route("GET", "/hours", "viewer", "Count what happened by the hour, for 8 days.", hours,
          s.page_of(s.shown({"begin": s.TIME, "counts": s.COUNTS})), (s.FROM,)),
    Route("GET", "/gaps", "viewer", "List when nobody ticked while something was due.", gaps,
          s.page_of(s.shown({"what": s.TEXT, "begin": s.TIME, "end": s.TIME})), (s.FROM, s.TO)),
    Route("GET", "/workers", "viewer", "List the workers that were seen lately.", workers,
          s.page_of(s.shown({"worker": s.TEXT, "state": s.TEXT}))),
    Route("GET", "/labels", "viewer", "Count the jobs that have each label.", labels, s.COUNTS),
    Route("GET", "/graph", "viewer", "Show which jobs run after which, and where each stands.", graph, GRAPH,
          (Parameter("job", "only the ancestors and descendants of this job"),)),
    Route("GET", "/lint", "viewer", "Find jobs that probably do not do what was meant.", lint, FOUND,
          (IGNORE,)),
    Route("POST", "/lint", "viewer", "Find what is odd about jobs that are not put yet.", lint_jobs, FOUND,
          (IGNORE,), JOBS, limit=BULK),
    Route("GET", "/forecast", "viewer", "Forecast what the board will run, on a private server.", forecast,
          s.shown({"begin": s.TIME, "end": s.TIME, "runs": s.COUNT}), (DAYS, s.FROM, DURATION)),
)  # fmt: skip
