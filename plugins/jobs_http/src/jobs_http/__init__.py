"""The HTTP runner: requests and webhooks as jobs."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from jobs_core import (
    Context,
    Decision,
    Job,
    Outcome,
    Payload,
    Policy,
    Runner,
    Setting,
    Task,
    UserError,
    hookimpl,
)
from jobs_http.payload import SCHEMA, check

PASSING = frozenset(("408", "425", "429"))
"""The codes of 4xx that say that the same request may do better later."""


def run(task: Task, context: Context) -> Outcome:
    """Make the request of a task.

    >>> run(task, context).note
    'HTTP 200 OK in 0.12 s'
    """
    from jobs_http.exchange import execute
    from jobs_http.guard import Guard
    from jobs_http.request import read

    try:
        guard = Guard.read(context.settings)
        request = read(task.payload, context.settings)
    except UserError as error:
        return Outcome.refused(error)
    return execute(request, task, context, guard)


def target(payload: Payload) -> str:
    """The host that a payload addresses, and its port.

    >>> target({"url": "https://user:secret@api.example.com:8443/v1"})
    'api.example.com:8443'
    """
    url = payload if isinstance(payload, str) else str(payload.get("url", ""))
    return urlsplit(url).netloc.rpartition("@")[2].lower()


@hookimpl
def jobs_runners() -> Iterator[Runner]:
    """The `http` runner."""
    yield Runner("http", run, "Make an HTTP request", short="url", schema=SCHEMA, target=target)


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """Where requests may go, and what of the environment they may use."""
    yield Setting("http_allow", [], "Hosts and networks that may be called though they are not public")
    yield Setting("http_deny", [], "Hosts and networks that are never called; * is all but http_allow")
    yield Setting("http_env", ["JOBS_SECRET_*"], "Environment variables that payloads may name")
    yield Setting(
        "http_secret", None, "What signs requests whose payload has no secret: whsec_…", secret=True
    )


@hookimpl
def jobs_validate(job: Job) -> None:
    """Refuse a payload of the http runner that could never run."""
    if job.runner == "http":
        check(job.payload)


@hookimpl
def jobs_decide(task: Task, outcome: Outcome, policy: Policy) -> Decision | None:
    """Give up what the target says is the request's own fault, unless `retry-on` says what to try again."""
    if task.runner != "http" or policy.name == "none" or "retry-on" in task.options:
        return None
    return Decision.dead() if outcome.status == "failed" and _is_final(outcome.code) else None


def _is_final(code: str) -> bool:
    return len(code) == 3 and code.isdigit() and code.startswith("4") and code not in PASSING
