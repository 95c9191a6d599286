"""Invoke a function, and say how it went."""

from __future__ import annotations

import time
from functools import partial

from jobs_core import Context, Outcome
from jobs_lambda.answer import Answer, outcome
from jobs_lambda.call import Call
from jobs_lambda.clients import shared
from jobs_lambda.errors import Stopped, Trouble
from jobs_lambda.request import Request
from jobs_lambda.trouble import as_trouble


def execute(request: Request, context: Context) -> Outcome:
    """Invoke a function; its outcome is done if the function, or AWS in its stead, said so.

    >>> execute(request, context).code
    '200'
    """
    started = time.monotonic()
    try:
        answer = Call(partial(_invoke, request)).result(context)
    except Stopped as stopped:
        return _stopped(str(stopped), time.monotonic() - started)
    except Trouble as trouble:
        if trouble.code == "credentials":
            shared.forget(request.place)
        return _failed(trouble, time.monotonic() - started)
    for line in answer.log:
        context.line(line, "log")
    return outcome(answer, request, time.monotonic() - started)


def _invoke(request: Request) -> Answer:
    """Raises Trouble, whatever goes wrong."""
    try:
        return Answer.read(shared.get(request.place).invoke(**request.arguments))
    except Exception as error:
        raise as_trouble(error) from None


def _stopped(reason: str, seconds: float) -> Outcome:
    if reason == "cancelled":
        return Outcome.cancelled(f"cancelled after {seconds:.2f} s", seconds=round(seconds, 3))
    return Outcome.failed(f"timed out after {seconds:.2f} s", code="timeout", seconds=round(seconds, 3))


def _failed(trouble: Trouble, seconds: float) -> Outcome:
    named = {"error": trouble.error} if trouble.error else {}
    return Outcome.failed(
        f"{trouble} after {seconds:.2f} s",
        code=trouble.code,
        retry_after=trouble.retry_after,
        seconds=round(seconds, 3),
        **named,
    )
