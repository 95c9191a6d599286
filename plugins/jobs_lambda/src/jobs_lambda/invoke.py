"""Invoke a function and return the outcome."""

from __future__ import annotations

import time

from jobs_core import Context, Outcome, SocketInterrupter, StoppedError
from jobs_lambda.answer import Answer, outcome
from jobs_lambda.clients import shared
from jobs_lambda.errors import InvokeFailed
from jobs_lambda.line import current_call
from jobs_lambda.request import Request
from jobs_lambda.trouble import as_trouble


def execute(request: Request, context: Context) -> Outcome:
    """Invoke a function and return its outcome: done if it returned, or if AWS accepted the request.

    >>> execute(request, context).code
    '200'
    """
    started = time.monotonic()
    line = SocketInterrupter()
    try:
        answer = context.call(lambda: _invoke(request, line))
    except StoppedError:
        line.interrupt()
        seconds = time.monotonic() - started
        return context.stop_outcome(f"after {seconds:.2f} s", seconds=round(seconds, 3))
    except InvokeFailed as trouble:
        if trouble.code == "credentials":
            shared.forget(request.place)
        return _failed(trouble, time.monotonic() - started)
    for text in answer.log:
        context.line(text, "log")
    return outcome(answer, request, time.monotonic() - started)


def _invoke(request: Request, line: SocketInterrupter) -> Answer:
    """Invoke the function, on a separate thread. Raises InvokeFailed for every error."""
    current_call.line = line
    try:
        with line:
            return Answer.read(shared.get(request.place).invoke(**request.arguments))
    except Exception as error:
        raise as_trouble(error) from None


def _failed(trouble: InvokeFailed, seconds: float) -> Outcome:
    named = {"error": trouble.error} if trouble.error else {}
    return Outcome.failed(
        f"{trouble} after {seconds:.2f} s",
        code=trouble.code,
        retry_after=trouble.retry_after,
        seconds=round(seconds, 3),
        **named,
    )
