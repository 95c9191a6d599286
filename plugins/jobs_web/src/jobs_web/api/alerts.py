"""Alerts: list, show, put, remove, test; what they tell of now; and the digest."""

from __future__ import annotations

from typing import Any

from jobs_core import ExistsError, NotFoundError
from jobs_core.plugin_ui import ALERT_OPTIONS, alert_json, digest_json, incident_json, option_schema
from jobs_web.api import schemas as s
from jobs_web.api.etags import etag, expected_existing, must_be_new, shown
from jobs_web.api.model import Answer, Call, Parameter, Problem, Route


def list_(call: Call) -> dict[str, Any]:
    """Answer with the alerts, or with those for a job. There are at most 200."""
    with_payload = bool(call.query.get("payload"))
    found = map(alert_json, call.board.alert_list(**call.options("job"), payload=with_payload))
    return {"items": list(found if with_payload else map(s.without_payload, found)), "next": None}


def show(call: Call) -> Answer:
    """Answer with an alert."""
    return shown(call, alert_json(call.board.alert_show(call.path["name"])))


def put(call: Call) -> Answer:
    """Put an alert, or create it."""
    name, body = call.path["name"], dict(call.body)
    runner, payload = body.pop("runner"), body.pop("payload")
    is_new, matching = must_be_new(call), _existing(call)

    def put_if(matching: dict[str, str]) -> None:
        call.board.alert_put(name, runner, payload, **call.options("because"), **matching, **body)

    if not matching:
        try:
            put_if({"if_match": "none"})
            return _changed(call, 201)
        except ExistsError as error:
            if is_new:
                raise Problem(412, str(error)) from None
    put_if(matching)
    return _changed(call)


def remove(call: Call) -> None:
    """Remove an alert."""
    name = call.path["name"]
    matching = _existing(call)
    if not call.board.alert_remove(name, **call.options("because"), **matching):
        call.board.alert_show(name)  # says that there is none
        raise NotFoundError(f"The alert {name!r} has just been put again.")


def test(call: Call) -> dict[str, str]:
    """Queue a task of an alert, to see whether it reaches somebody."""
    return {"task": call.board.alert_test(call.path["name"])}


def incidents(call: Call) -> dict[str, Any]:
    """Answer with what alerts tell of now."""
    found = call.board.alert_open(call.query.get("alert"), **call.options("job"))
    return {"items": sorted(map(incident_json, found), key=lambda one: one["since"]), "next": None}


def digest(call: Call) -> dict[str, Any]:
    """Answer with what has happened in some days."""
    found = call.board.alert_digest(**call.options("days"))
    return {**digest_json(found), "subject": found.subject}


def _existing(call: Call) -> dict[str, str]:
    """Return `if_match`. An alert that must have an ETag, and does not exist, does not have it."""
    return expected_existing(call, lambda: str(call.board.alert_show(call.path["name"]).etag))


def _changed(call: Call, status: int = 200) -> Answer:
    """Answer with an alert after a change."""
    alert = alert_json(call.board.alert_show(call.path["name"]))
    return Answer(s.without_payload(alert), status, {"ETag": etag(alert)})


_FIELDS = {
    "runner": {"type": "string", "description": "the plugin that tells somebody"},
    "payload": s.PAYLOAD | {"description": "its input, in which {job}, {reason}, {text} … are replaced"},
    **{name: option_schema(option) for name, option in ALERT_OPTIONS.items()},
}
BODY = s.record(_FIELDS, ("runner", "payload", "when"))
NEW_ALERT = s.record(
    {
        "alert": s.TEXT | {"description": "its name"},
        "owner": s.TEXT | {"description": "whose it is, as the dump has it"},
        **_FIELDS,
    },
    ("alert", "runner", "payload", "when"),
)
"""An alert of many to put."""
ALERT = s.shown(
    {"name": s.TEXT, "when": s.TEXT, "for": s.LABELS, "runner": s.TEXT, "burst": s.COUNT, "open": s.COUNT},
    {"payload": s.TEXT, "told": s.TIME, "etag": s.TEXT, "recovery": s.SWITCH, "every": s.NUMBER},
)
INCIDENT = s.shown(
    {
        "alert": s.TEXT,
        "kind": s.TEXT,
        "since": s.TIME,
        "told": s.TIME | {"description": "when it was told last, in epoch seconds"},
        "times": s.COUNT | {"description": "how often it was told"},
        "more": s.COUNT | {"description": "how often it was seen since it was told"},
    },
    {"job": s.TEXT, "queue": s.TEXT, "task": s.TEXT},
)
DIGEST = s.shown(
    {
        "board": s.TEXT,
        "since": s.TIME,
        "until": s.TIME,
        "counts": s.COUNTS,
        "jobs": s.COUNT,
        "subject": s.TEXT,
    }
)

JOB = Parameter("job", "only what is for this job, or for its queue")
ONE = Parameter("alert", "only what this alert tells of")
DAYS = Parameter(
    "days", "how many days to tell of (default: 7)", {"type": "number", "minimum": 0.01, "maximum": 366}
)
IF_MATCH = Parameter("If-Match", "only if the alert has this ETag", place="header")
IF_NONE_MATCH = Parameter("If-None-Match", "only if the alert has changed since this ETag", place="header")
CREATE = Parameter("If-None-Match", "* creates the alert, and fails if it exists", place="header")

ROUTES = (
    Route("GET", "/alerts", "viewer", "List alerts, by name.", list_, s.page_of(ALERT), (JOB, s.PAYLOADS)),
    Route("GET", "/alerts/{name}", "viewer", "Show an alert, with its payload.", show, ALERT,
          (IF_NONE_MATCH,), answers={304: "The alert has not changed, nor what it tells of."}),
    Route("PUT", "/alerts/{name}", "editor", "Create an alert, or replace it with all its options.", put,
          ALERT, (s.BECAUSE, IF_MATCH, CREATE), BODY, answers={201: "The alert was created."}),
    Route("DELETE", "/alerts/{name}", "editor", "Remove an alert. Tasks that it has queued still run.",
          remove, None, (s.BECAUSE, IF_MATCH), status=204),
    Route("POST", "/alerts/{name}/test", "operator", "Queue a task of an alert, to see whom it reaches.",
          test, s.QUEUED, status=201),
    Route("GET", "/incidents", "viewer", "List what alerts tell of now, the oldest first.", incidents,
          s.page_of(INCIDENT), (ONE, JOB)),
    Route("GET", "/digest", "viewer", "Tell what has happened: counts, and jobs that failed or were slow.",
          digest, DIGEST, (DAYS,)),
)  # fmt: skip
