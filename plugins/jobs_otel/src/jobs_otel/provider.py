"""The tracer provider: the program's, or in processes of Jobs one that the environment configures."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points, version
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from jobs_core import OptionError
from jobs_otel.quiet import QuietHandler
from jobs_otel.switch import exporters

GROUP = "opentelemetry_traces_exporter"
"""The entry points of exporters, by which OpenTelemetry finds those of other packages, too."""

PROTOCOLS = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
"""The exporters of OTLP, by OTEL_EXPORTER_OTLP_PROTOCOL."""

_lock = threading.Lock()


def tracer() -> trace.Tracer:
    """Return the tracer of Jobs, from the provider of this process."""
    return trace.get_tracer("jobs_otel", _version())


@cache
def _version() -> str:
    return version("jobs-otel")


def set_up(patience: float) -> None:
    """Set a provider up as the environment says, unless this process has one.

    Args:
        patience: Seconds for which the end of the process waits for exports, in all.

    Raises:
        OptionError: There is no such exporter, or it rejects its settings.
    """
    with _lock:
        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            _own.append(_Own([_exporter(name) for name in exporters()], patience))
            trace.set_tracer_provider(_own[-1].provider)


def flush() -> None:
    """Export what has ended, if the provider is the plugin's own. Waits for a bounded time."""
    for own in _own:
        own.flush()


class _Own:
    """A provider of this plugin. Its process does not wait long for a collector that is away."""

    def __init__(self, found: list[SpanExporter], patience: float) -> None:
        logging.getLogger("opentelemetry").addHandler(QuietHandler())
        attributes = {SERVICE_NAME: "jobs"} | dict(OTELResourceDetector().detect().attributes)
        self.provider = TracerProvider(resource=Resource.create(attributes), shutdown_on_exit=False)
        for exporter in found:
            self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self._patience = patience
        self._is_over = threading.Event()
        # While the interpreter exits, no thread can be started.
        self._closer = _start(self._close)
        atexit.register(self._exit)

    def flush(self) -> None:
        self._wait_for(_start(self.provider.force_flush))

    def _exit(self) -> None:
        self._is_over.set()
        self._wait_for(self._closer)

    def _close(self) -> None:
        self._is_over.wait()
        self.provider.shutdown()

    def _wait_for(self, thread: threading.Thread) -> None:
        """Wait for a thread with what is left of the patience."""
        began = time.monotonic()
        thread.join(self._patience)
        self._patience = max(0.0, self._patience - (time.monotonic() - began))


_own: list[_Own] = []


def _start(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work, name="jobs-otel", daemon=True)
    thread.start()
    return thread


def _exporter(name: str) -> SpanExporter:
    """Make an exporter. Raises OptionError."""
    if name == "otlp":
        name = _otlp()
    found = next(iter(entry_points(group=GROUP, name=name)), None)
    if found is None:
        package = name.replace("_", "-")
        raise OptionError(
            f"OTEL_TRACES_EXPORTER: there is no exporter {name!r}: install opentelemetry-exporter-{package}"
        )
    try:
        made: SpanExporter = found.load()()
    except Exception as error:
        # The text of the error may quote a header or an endpoint with a password.
        raise OptionError(
            f"OTEL_TRACES_EXPORTER: the exporter {name!r} rejects its settings: {type(error).__name__}"
        ) from None
    return made


def _otlp() -> str:
    """Return the exporter of OTLP for the protocol. Raises OptionError for an unknown one."""
    names = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    name, protocol = next(
        ((name, os.environ[name].strip()) for name in names if os.environ.get(name)), ("", "http/protobuf")
    )
    if protocol not in PROTOCOLS:
        raise OptionError(f"{name}: expected {' or '.join(PROTOCOLS)}, got {protocol!r}")
    return PROTOCOLS[protocol]
