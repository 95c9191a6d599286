"""Jobs: list, show, put, edit, remove, pause, resume, run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs_core import ExistsError, NotFoundError, trace_of
from jobs_web.api import schemas as s
from jobs_web.api.etags import etag, expected, expected_existing, must_be_new, shown
from jobs_web.api.model import Answer, Call, Parameter, Problem, Route


def list_(call: Call) -> dict[str, Any]:
    """Answer with a page of jobs."""
    options = call.options("limit", "cursor", "summary", *s.names(s.JOB_FILTERS))
    page = call.board.job_page(**options)
    with_payload = call.query.get("payload")
    jobs = page.jobs if with_payload else map(s.without_payload, page.jobs)
    return {"items": list(jobs), "next": page.next}


def show(call: Call) -> Answer:
    """Answer with a job."""
    return shown(call, call.board.show(call.path["id"]))


def put(call: Call) -> Answer:
    """Put a job, or create it."""
    id, body = call.path["id"], dict(call.body)
    runner, payload = body.pop("runner"), body.pop("payload")
    is_new, matching = must_be_new(call), _existing(call, id)
    if not matching:
        try:
            call.board.create(id, runner, payload, **call.options("because"), **body)
            return _changed(call, 201)
        except ExistsError as error:
            if is_new:
                raise Problem(412, str(error)) from None
    call.board.put(id, runner, payload, **call.options("because"), **matching, **body)
    return _changed(call)


def edit(call: Call) -> Answer:
    """Change some options of a job."""
    id = call.path["id"]
    unset = [name for name, value in call.body.items() if value is None]
    options = {name: value for name, value in call.body.items() if value is not None}
    call.board.edit(id, unset=unset, **call.options("because"), **expected(call, id), **options)
    return _changed(call)


def remove(call: Call) -> None:
    """Remove a job."""
    id = call.path["id"]
    if not call.board.remove(id, **call.options("because"), **_existing(call, id)):
        call.board.show(id)  # says that there is none
        raise NotFoundError(f"The job {id!r} has just been put again.")


def pause(call: Call) -> Answer:
    """Pause a job."""
    id = call.path["id"]
    until = {"until": call.body.get("until"), "for_": call.body.get("for")}
    call.board.pause(id, **until, **call.options("because"), **expected(call, id))
    return _changed(call)


def resume(call: Call) -> Answer:
    """Resume a job."""
    id = call.path["id"]
    call.board.resume(id, **call.options("because"), **expected(call, id))
    return _changed(call)


def push(call: Call) -> dict[str, str]:
    """Run a job now."""
    return {"task": call.board.push(call.path["id"], **push_options(call, call.body))}


def push_options(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a push: those in the body, and those that headers stand for.

    A trace in the body has precedence over the one of the request.
    """
    trace = {} if body.get("traceparent") else trace_of(call.headers)
    return {**body, **trace, **idempotency(call)}


def idempotency(call: Call) -> dict[str, str]:
    """Return the option of a push that the header Idempotency-Key stands for."""
    keys = call.headers.getlist("idempotency-key")
    if len(keys) > 1:
        raise Problem(400, f"Idempotency-Key: expected one key, got {len(keys)}", "Idempotency-Key")
    return {"idempotency-key": keys[0]} if keys else {}


def _existing(call: Call, id: str) -> dict[str, str]:
    """Return `if_match`. A job that must have an ETag, and does not exist, does not have it."""
    return expected_existing(call, lambda: str(call.board.show(id)["etag"]))


def _changed(call: Call, status: int = 200) -> Answer:
    """Answer with a job after a change."""
    job = call.board.show(call.path["id"])
    return Answer(s.without_payload(job), status, {"ETag": etag(job)})


SUMMARY = Parameter("summary", "add how runs have ended: last, failures, last_done", s.SWITCH)
PAUSE = s.record({"until": s.WHEN, "for": s.SPAN})
CHANGING = (s.BECAUSE, s.IF_MATCH)
CREATE = Parameter("If-None-Match", "* creates the job, and fails if it exists", place="header")
RUN_BODY = s.record({name: s.PUSH_FIELDS[name] for name in ("at", "in", "unique-for", *s.TRACE)})

ROUTES = (
    Route(
        "GET", "/jobs", "viewer", "List jobs.", list_, s.page_of(s.JOB),
        (*s.PAGING, *s.JOB_FILTERS, SUMMARY, s.PAYLOADS),
    ),
    Route(
        "GET", "/jobs/{id}", "viewer", "Show a job, with its payload.", show, s.JOB, (s.IF_NONE_MATCH,),
        answers={304: "The job has not changed."},
    ),
    Route(
        "PUT", "/jobs/{id}", "editor", "Create a job, or replace it with all its options.", put, s.JOB,
        (*CHANGING, CREATE), s.JOB_BODY, answers={201: "The job was created."},
    ),
    Route(
        "PATCH", "/jobs/{id}", "editor", "Change some options of a job. null removes one.", edit, s.JOB,
        CHANGING, s.EDIT_BODY, media=("application/merge-patch+json",),
    ),
    Route(
        "DELETE", "/jobs/{id}", "editor", "Remove a job. Its queued tasks still run.", remove, None,
        CHANGING, status=204,
    ),
    Route(
        "POST", "/jobs/{id}/pause", "operator", "Pause a job, until it is resumed or until a time.", pause,
        s.JOB, CHANGING, PAUSE,
    ),
    Route("POST", "/jobs/{id}/resume", "operator", "Resume a job.", resume, s.JOB, CHANGING),
    Route(
        "POST", "/jobs/{id}/push", "operator", "Run a job now, beside its schedule.", push, s.QUEUED,
        s.PUSH_HEADERS, RUN_BODY, status=201,
    ),
)  # fmt: skip
