"""The AWS Lambda runner: invoke functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

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
    WorkerInfo,
    hookimpl,
)
from jobs_lambda.clients import shared
from jobs_lambda.payload import SCHEMA, check
from jobs_lambda.place import HOSTS, refusal

RETRYABLE = frozenset(("402", "408", "409", "410", "429"))
"""The 4xx codes after which the same request may succeed later, e.g. while a function is updated."""


def run(task: Task, context: Context) -> Outcome:
    """Invoke the function of a task.

    >>> run(task, context).note
    'the function returned after 0.12 s'
    """
    from jobs_lambda.invoke import execute
    from jobs_lambda.request import read

    try:
        request = read(task.payload, context.settings, task, context.trace)
    except UserError as error:
        return Outcome.refused(error)
    return execute(request, context)


def target(payload: Payload) -> str:
    """Return the function of a payload.

    >>> target({"function": "make-thumbnails", "event": {}})
    'make-thumbnails'
    """
    return payload if isinstance(payload, str) else str(payload.get("function", ""))


@hookimpl
def jobs_runners() -> Iterator[Runner]:
    """Provide the `lambda` runner."""
    summary = "Invoke an AWS Lambda function"
    yield Runner("lambda", run, summary, short="function", schema=SCHEMA, target=target)


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """Declare the defaults for payloads, and the endpoint hosts that payloads may use."""
    yield Setting("lambda_region", None, "AWS region, such as eu-west-1")
    yield Setting("lambda_profile", None, "Profile in the AWS configuration")
    yield Setting("lambda_endpoint", None, "URL of another Lambda service, such as LocalStack")
    yield Setting("lambda_role", None, "ARN of a role to assume")
    yield Setting("lambda_hosts", list(HOSTS), "Hosts that payloads may use as endpoint")


@hookimpl
def jobs_validate(job: Job) -> None:
    """Reject an invalid payload of the lambda runner."""
    if job.runner == "lambda":
        check(job.payload, job.id)


@hookimpl
def jobs_warnings(job: Job, settings: Mapping[str, Any]) -> Iterator[str]:
    """Warn about an endpoint that these settings refuse."""
    if job.runner == "lambda" and isinstance(job.payload, dict):
        yield from filter(None, [refusal(job.payload, settings)])


@hookimpl
def jobs_startup(context: WorkerInfo) -> None:
    """Keep as many connections open as the worker runs tasks at once."""
    shared.connections = max(shared.connections, context.concurrency)


@hookimpl
def jobs_decide(task: Task, outcome: Outcome, policy: Policy) -> Decision | None:
    """Give up after a 4xx status that a retry cannot fix, unless the task has `retry-on`."""
    if task.runner != "lambda" or policy.name == "none" or "retry-on" in task.options:
        return None
    return Decision.dead() if outcome.status == "failed" and _is_final(outcome.code) else None


def _is_final(code: str) -> bool:
    return len(code) == 3 and code.isdigit() and code.startswith("4") and code not in RETRYABLE
