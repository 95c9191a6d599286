"""Spans in memory, a receiver of OTLP, and a fresh board for each test."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from jobs_core.testing import PATIENCE
from tests.conftest import board as board
from tests.conftest import url as url


class Memory:
    """The spans that have ended, in an in-memory exporter."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._ended = threading.Condition()
        self.processor = _Notifying(SimpleSpanProcessor(self._exporter), self._ended)

    def named(self, name: str) -> list[ReadableSpan]:
        """Return the spans with a name, in the order in which they ended."""
        return [span for span in self.all() if span.name == name]

    def all(self) -> list[ReadableSpan]:
        """Return all spans."""
        return list(self._exporter.get_finished_spans())

    def wait_for(self, name: str, count: int = 1) -> list[ReadableSpan]:
        """Wait for spans with a name, and return them."""
        with self._ended:
            assert self._ended.wait_for(lambda: len(self.named(name)) >= count, PATIENCE), self.all()
        return self.named(name)


class _Notifying(SpanProcessor):
    """Passes spans on, and tells who waits for them."""

    def __init__(self, processor: SpanProcessor, ended: threading.Condition) -> None:
        self._processor = processor
        self._ended = ended

    def on_end(self, span: ReadableSpan) -> None:
        with self._ended:
            self._processor.on_end(span)
            self._ended.notify_all()


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """The spans that end during a test, of a program that has set OpenTelemetry up.

    A program sets its provider once. Tests of other plugins in this process have none, so it is patched.
    """
    memory = Memory()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(memory.processor)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    assert trace.get_tracer_provider() is provider
    return memory


@dataclass(frozen=True)
class Received:
    """A span as a receiver of OTLP sees it. Ids are in hexadecimal digits."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    kind: int
    links: tuple[str, ...]
    attributes: dict[str, Any]
    failed: bool


class Receiver(ThreadingHTTPServer):
    """A small receiver of OTLP over HTTP, as a collector has it."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Received] = []
        self.came = threading.Condition()
        self.status = 200
        self.over = threading.Event()
        self.hangs = False
        self._thread = threading.Thread(target=self.serve_forever, args=[0.02])
        self._thread.start()

    @property
    def url(self) -> str:
        """The endpoint, for OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_port}"

    def wait_until(self, condition: Callable[[list[Received]], bool]) -> list[Received]:
        """Wait until the received spans fulfill a condition, and return them."""
        with self.came:
            assert self.came.wait_for(lambda: condition(self.spans), PATIENCE), self.spans
            return list(self.spans)

    def take(self, request: ExportTraceServiceRequest) -> None:
        """Keep the spans of a request."""
        with self.came:
            for part in request.resource_spans:
                service = str(_values(part.resource.attributes).get("service.name"))
                for scope in part.scope_spans:
                    self.spans += [_received(service, span) for span in scope.spans]
            self.came.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a worker that did not wait for its answer."""

    def stop(self) -> None:
        """Stop, and let go of what hangs."""
        self.over.set()
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.server.hangs:
            self.server.over.wait(PATIENCE)
        elif self.server.status == 200 and self.path == "/v1/traces":
            self.server.take(ExportTraceServiceRequest.FromString(body))
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(self.server.status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: Any) -> None:
        pass


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def _received(service: str, span: Any) -> Received:
    return Received(
        service=service,
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        kind=span.kind,
        links=tuple(link.span_id.hex() for link in span.links),
        attributes=_values(span.attributes),
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
    )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of OTLP."""
    found = Receiver()
    yield found
    found.stop()
