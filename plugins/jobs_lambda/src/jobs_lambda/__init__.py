"""The AWS Lambda runner: functions as jobs."""

from __future__ import annotations

from collections.abc import Iterator

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
from jobs_lambda.place import HOSTS

PASSING = frozenset(("402", "408", "409", "410", "429"))
"""The codes of 4xx that say that the same request may do better later: a function is being updated, …"""


def run(task: Task, context: Context) -> Outcome:
    """Invoke the function of a task.

    >>> run(task, context).note
    'the function returned after 0.12 s'
    """
    from jobs_lambda.invoke import execute
    from jobs_lambda.request import read

    try:
        request = read(task.payload, context.settings, task)
    except UserError as error:
        return Outcome.refused(error)
    return execute(request, context)


def target(payload: Payload) -> str:
    """The function that a payload names.

    >>> target({"function": "make-thumbnails", "event": {}})
    'make-thumbnails'
    """
    return payload if isinstance(payload, str) else str(payload.get("function", ""))


@hookimpl
def jobs_runners() -> Iterator[Runner]:
    """The `lambda` runner."""
    summary = "Invoke an AWS Lambda function"
    yield Runner("lambda", run, summary, short="function", schema=SCHEMA, target=target)


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """Where functions are, unless payloads say so, and where payloads may say they are."""
    yield Setting("lambda_region", None, "The AWS region, such as eu-west-1")
    yield Setting("lambda_profile", None, "The profile in the AWS configuration that is used")
    yield Setting("lambda_endpoint", None, "The URL of a Lambda that is not AWS's own")
    yield Setting("lambda_role", None, "The ARN of a role to assume")
    yield Setting("lambda_hosts", list(HOSTS), "Hosts that the endpoints of payloads may name")


@hookimpl
def jobs_validate(job: Job) -> None:
    """Refuse a payload of the lambda runner that could never run."""
    if job.runner == "lambda":
        check(job.payload, job.id)


@hookimpl
def jobs_startup(context: WorkerInfo) -> None:
    """Keep a connection open for each task that the worker runs at once."""
    shared.connections = max(shared.connections, context.concurrency)


@hookimpl
def jobs_decide(task: Task, outcome: Outcome, policy: Policy) -> Decision | None:
    """Give up what AWS says is the request's own fault, unless `retry-on` says what to try again."""
    if task.runner != "lambda" or policy.name == "none" or "retry-on" in task.options:
        return None
    return Decision.dead() if outcome.status == "failed" and _is_final(outcome.code) else None


def _is_final(code: str) -> bool:
    return len(code) == 3 and code.isdigit() and code.startswith("4") and code not in PASSING
