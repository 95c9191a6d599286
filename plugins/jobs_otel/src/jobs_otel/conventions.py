"""Names and attributes of spans, by the semantic conventions for messaging.

https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from opentelemetry.context import Context as SpanContext
from opentelemetry.trace import Link, Span, Status, StatusCode, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Operation = Literal["create", "send", "process", "settle"]
Attributes = dict[str, str | int | float]

_propagator = TraceContextTextMapPropagator()


def name_of(operation: Operation, queue: str) -> str:
    """Return the name of a span: its operation and its destination, if that is known."""
    return f"{operation} {queue}".rstrip()


def attributes_of(operation: Operation, server: str, queue: str, **own: str | float | None) -> Attributes:
    """Return the attributes of a span. `own` are those of Jobs, of which empty ones are left out.

    >>> attributes_of("send", "127.0.0.1:6379", "shell", runner="shell")["messaging.jobs.runner"]
    'shell'
    """
    found: Attributes = {
        "messaging.system": "jobs",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
    }
    if queue:
        found["messaging.destination.name"] = queue
    found |= {f"messaging.jobs.{name}": value for name, value in own.items() if value not in (None, "")}
    return found | _server(server)


def _server(server: str) -> Attributes:
    """Return the address and the port of a server, or the path of its socket."""
    host, _, port = server.rpartition(":")
    if host and port.isdigit():
        return {"server.address": host, "server.port": int(port)}
    return {"server.address": server} if server else {}


def context_of(trace: Mapping[str, str]) -> SpanContext:
    """Return the context of a trace that came from elsewhere; an empty one if there is none."""
    return _propagator.extract(trace, context=SpanContext())


def links_to(context: SpanContext) -> list[Link]:
    """Return a link to the span of a context, if it has one."""
    span = get_current_span(context).get_span_context()
    return [Link(span)] if span.is_valid else []


def trace_of(span: Span) -> dict[str, str]:
    """Return the trace of a span for others to continue; an empty one if nothing is traced."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, context=set_span_in_context(span, SpanContext()))
    return carrier


def fail(span: Span, kind: str, description: str | None = None) -> None:
    """Mark a span as failed. The description must not quote a payload."""
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, description))
