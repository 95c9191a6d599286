"""Spans of pushes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import Span, SpanKind, get_current_span, use_span

from jobs_core import JobsError, Push
from jobs_otel.conventions import Operation, attributes_of, context_of, fail, links_to, name_of, trace_of
from jobs_otel.provider import tracer


@contextmanager
def sending(push: Push) -> Iterator[None]:
    """Make the span of a push. Its task carries the context of the span.

    If the caller has named a trace, the task carries that one, and the span is linked to it. In bulk, each
    task has a span `create`, because it is sent later, with others.
    """
    if push.trace and push.is_bulk:
        yield
        return
    given = context_of(push.trace)
    operation: Operation = "create" if push.is_bulk else "send"
    span = tracer().start_span(
        name_of(operation, push.queue),
        context=None if get_current_span().get_span_context().is_valid else given,
        kind=SpanKind.CLIENT if push.trace else SpanKind.PRODUCER,
        links=links_to(given),
        attributes=attributes_of(
            operation, push.server, push.queue, board=push.board, runner=push.runner, job=push.job
        ),
    )
    with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        if not push.trace:
            push.trace = trace_of(span)
        with _failures_noted(span):
            yield
        if push.task:
            span.set_attribute("messaging.message.id", push.task)


@contextmanager
def _failures_noted(span: Span) -> Iterator[None]:
    try:
        yield
    except JobsError as error:
        fail(span, type(error).__name__, str(error))
        raise
    except BaseException as error:
        fail(span, type(error).__name__)
        raise
