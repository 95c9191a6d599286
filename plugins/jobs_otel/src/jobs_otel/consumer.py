"""Spans of attempts: of each run of a task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import Span, SpanKind, use_span

from jobs_core import Context, Outcome, Task
from jobs_otel.conventions import (
    Attributes,
    Operation,
    attributes_of,
    context_of,
    fail,
    links_to,
    name_of,
    trace_of,
)
from jobs_otel.provider import tracer
from jobs_otel.settlement import expect


class Attempt:
    """The span of an attempt."""

    def __init__(self, span: Span, context: Context) -> None:
        self._span = span
        self._context = context

    def note(self, outcome: Outcome) -> None:
        """Describe how the attempt ended. Notes quote no payload."""
        timed_out = outcome.status == "cancelled" and self._context.stop_reason == "timeout"
        self._span.set_attribute("messaging.jobs.outcome", "failed" if timed_out else outcome.status)
        if outcome.code:
            self._span.set_attribute("messaging.jobs.code", outcome.code)
        if timed_out:
            fail(self._span, "timeout", outcome.note)
        elif outcome.status == "failed" and not outcome.unstarted:
            fail(self._span, outcome.code or "failed", outcome.note)


@contextmanager
def processing(task: Task, context: Context) -> Iterator[Attempt]:
    """Make the span of an attempt, current while the runner works. What the task calls continues its trace.

    The span of the push is its parent, and linked. A run of the schedule begins a trace.
    """
    creator = context_of(context.trace)
    span = tracer().start_span(
        name_of("process", task.queue),
        context=creator,
        kind=SpanKind.CONSUMER,
        links=links_to(creator),
        attributes=_attributes("process", task, context),
    )
    with use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
        context.trace = trace_of(span) or context.trace
        try:
            yield Attempt(span, context)
        except BaseException as error:  # its text may quote the payload
            fail(span, type(error).__name__)
            raise
        finally:
            span.end()
            board = context.board.name if context.board is not None else ""
            expect(board, task, span, _attributes("settle", task, context))


def _attributes(operation: Operation, task: Task, context: Context) -> Attributes:
    board = context.board
    return attributes_of(
        operation,
        board.commands.server if board is not None else "",
        task.queue,
        board=board.name if board is not None else None,
        job=task.job,
        runner=task.runner,
        attempt=task.attempt,
        due=task.due,
    ) | {"messaging.message.id": task.id, "messaging.client.id": context.worker}
