"""The HTTP runner: send requests and webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from jobs_core import (
    Context,
    Decision,
    Job,
    Logger,
    Outcome,
    Payload,
    Policy,
    Runner,
    Setting,
    Task,
    UserError,
    WorkerInfo,
    hookimpl,
)
from jobs_http.payload import SCHEMA, check
from jobs_http.pings import OPTION, check_ping
from jobs_http.quoting import quote

RETRYABLE = frozenset(("408", "425", "429"))
"""The 4xx codes after which the same request may succeed later."""


def run(task: Task, context: Context) -> Outcome:
    """Send the request of a task.

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
    """Return the host and port of a payload.

    >>> target({"url": "https://user:secret@api.example.com:8443/v1"})
    'api.example.com:8443'
    """
    url = payload if isinstance(payload, str) else str(payload.get("url", ""))
    return urlsplit(url).netloc.rpartition("@")[2].lower()


@hookimpl
def jobs_runners() -> Iterator[Runner]:
    """Provide the `http` runner."""
    yield Runner("http", run, "Send an HTTP request", short="url", schema=SCHEMA, target=target, quote=quote)


@hookimpl
def jobs_observers(worker: WorkerInfo) -> Iterator[Logger]:
    """Ping monitors: of jobs with the option `ping`, and of the board if the setting says so."""
    from jobs_http.heartbeats import board_logger, run_logger

    yield run_logger(worker)
    if url := worker.settings.get("ping"):
        yield board_logger(worker, url)


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """Declare which addresses and environment variables requests may use, and what monitors the board."""
    yield Setting("http_allow", [], "Non-public hosts and networks to allow")
    yield Setting("http_deny", [], "Hosts and networks to deny; * means all but http_allow")
    yield Setting("http_env", ["JOBS_SECRET_*"], "Environment variables that payloads may use")
    yield Setting(
        "http_secret", None, "Secret that signs requests whose payload has none: whsec_…", secret=True
    )
    yield Setting("ping", "", "URL to ping while the worker ticks, for a monitor of the board", secret=True)
    yield Setting("ping_every", 60.0, "Seconds between these pings")


@hookimpl
def jobs_validate(job: Job) -> None:
    """Reject an invalid payload of the http runner, and a URL that cannot be pinged."""
    if job.runner == "http":
        check(job.payload)
    if (url := job.options.get(OPTION)) is not None:
        check_ping(url)


@hookimpl
def jobs_warnings(job: Job, settings: Mapping[str, Any]) -> Iterator[str]:
    """Warn about addresses and variables that these settings refuse."""
    if job.runner == "http" or job.options.get(OPTION):
        from jobs_http.foresight import refusals

        if job.runner == "http":
            yield from refusals(job.payload, settings)
        if job.options.get(OPTION):
            found = refusals({"url": job.options[OPTION]}, settings)
            yield from (f"{OPTION}: {refusal}" for refusal in found)


@hookimpl
def jobs_decide(task: Task, outcome: Outcome, policy: Policy) -> Decision | None:
    """Give up after a 4xx status that a retry cannot fix, unless the task has `retry-on`."""
    if task.runner != "http" or policy.name == "none" or "retry-on" in task.options:
        return None
    return Decision.dead() if outcome.status == "failed" and _is_final(outcome.code) else None


def _is_final(code: str) -> bool:
    return len(code) == 3 and code.isdigit() and code.startswith("4") and code not in RETRYABLE
