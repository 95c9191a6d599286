"""Processes that export by OTLP, as the environment says: to a receiver, a collector, and to nobody."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jobs_core import Board
from jobs_core.testing import PATIENCE
from tests.helpers import jobs_process, wait_until

from .conftest import Received, Receiver

PROGRAM = """
import sys
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind
from jobs_core import Board

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
with trace.get_tracer("web").start_as_current_span("POST /orders", kind=SpanKind.SERVER):
    board = Board(sys.argv[1], sys.argv[2])
    print(board.push("shell", f"{sys.executable} {sys.argv[3]}", attempts=3, backoff="10ms"))
"""

CHILD = """
import os
import sys
os.environ["OTEL_SERVICE_NAME"] = "child"
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
parent = extract({"traceparent": os.environ["TRACEPARENT"]})
provider.get_tracer("child").start_span("step", context=parent).end()
provider.shutdown()
sys.exit(int(os.environ["JOBS_ATTEMPT"] == "1"))
"""


def exporting(endpoint: str, service: str) -> dict[str, str]:
    """The environment of a process that exports its spans."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_SERVICE_NAME": service}


@contextmanager
def worker(board: Board, url: str, path: Path, *words: str, **environment: str) -> Iterator[list[str]]:
    """Run `jobs run`, and stop it. Yields a list that has its standard error once it has stopped."""
    said: list[str] = []
    process = jobs_process("run", *words, path=path, JOBS_REDIS_URL=url, JOBS_BOARD=board.name, **environment)
    try:
        yield said
        process.send_signal(signal.SIGTERM)
        said += process.communicate(timeout=PATIENCE)[1].splitlines()
        assert process.returncode == 0
    finally:
        process.kill()


@contextmanager
def collector(receiver: Receiver, folder: Path) -> Iterator[str]:
    """Run a real collector, which passes spans on, and writes them to a file. Yields its URL."""
    found = importlib.util.find_spec("rotel")
    if found is None or found.origin is None:
        pytest.skip("rotel is not installed")
    with socket.socket() as free, socket.socket() as other:
        free.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        address, unused = (f"127.0.0.1:{one.getsockname()[1]}" for one in (free, other))
    options = {
        "otlp-http-endpoint": address,
        "otlp-grpc-endpoint": unused,
        "exporter": "otlp",
        "otlp-exporter-protocol": "http",
        "otlp-exporter-endpoint": receiver.url,
        "batch-timeout": "50ms",
        "debug-log": "traces",
        "debug-log-verbosity": "detailed",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    with (folder / "collected").open("w") as file:
        agent = Path(found.origin).with_name("rotel-agent")
        process = subprocess.Popen([agent, "start", *words], stdout=file, stderr=file, cwd=folder)
        try:
            wait_until(lambda: _is_open(address))
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _is_open(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def is_whole(spans: list[Received]) -> bool:
    """Whether the spans of both attempts have come."""
    return len(spans) == 8


def check_tree(spans: list[Received], task: str) -> None:
    """Check a trace from a request through a push and two attempts to the children."""
    named: dict[str, list[Received]] = {}
    for span in spans:
        named.setdefault(span.name, []).append(span)
    (request,), (send,) = named["POST /orders"], named["send shell"]
    assert len({span.trace for span in spans}) == 1
    assert (send.service, send.parent, send.kind) == ("web", request.id, 4)
    attempts = sorted(named["process shell"], key=lambda span: int(span.attributes["messaging.jobs.attempt"]))
    for attempt in attempts:
        assert (attempt.service, attempt.parent, attempt.kind) == ("worker", send.id, 5)
        assert attempt.links == (send.id,)
        assert attempt.attributes["messaging.message.id"] == task
    assert [attempt.failed for attempt in attempts] == [True, False]
    ids = {attempt.id for attempt in attempts}
    assert {(span.service, span.parent) for span in named["step"]} == {("child", id) for id in ids}
    decided = {span.parent: span.attributes["messaging.jobs.decision"] for span in named["settle shell"]}
    assert [decided[attempt.id] for attempt in attempts] == ["retry", "done"]


@pytest.mark.parametrize("way", ["direct", "collector"])
def test_a_trace_goes_from_a_request_through_a_push_and_two_attempts_to_shell_children(
    way: str, board: Board, url: str, receiver: Receiver, tmp_path: Path
) -> None:
    (tmp_path / "child.py").write_text(CHILD)
    if way == "direct":
        task, spans = traced(board, url, receiver, receiver.url, tmp_path)
        check_tree(spans, task)
        return
    with collector(receiver, tmp_path) as endpoint:
        task, spans = traced(board, url, receiver, endpoint, tmp_path)
    check_tree(spans, task)
    collected = (tmp_path / "collected").read_text()
    assert collected.count(f"Trace ID       : {spans[0].trace}") == 8
    assert collected.count("Name           : process shell") == 2


def traced(
    board: Board, url: str, receiver: Receiver, endpoint: str, folder: Path
) -> tuple[str, list[Received]]:
    """Run the program and a worker. Returns the id of the task, and all spans."""
    words = [sys.executable, "-c", PROGRAM, board.name, url, str(folder / "child.py")]
    environment = os.environ | exporting(endpoint, "web")
    task = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    with worker(board, url, folder, "--runner", "shell", **exporting(endpoint, "worker")):
        assert board.wait(task, PATIENCE)["what"] == "done"
    return task, receiver.wait_until(is_whole)


def test_the_command_line_exports_its_push(
    board: Board, url: str, receiver: Receiver, tmp_path: Path
) -> None:
    process = jobs_process(
        *("push", "console", "x"),
        path=tmp_path,
        JOBS_REDIS_URL=url,
        JOBS_BOARD=board.name,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{receiver.url}/v1/traces",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
    )
    task = process.communicate(timeout=PATIENCE)[0].strip()
    (span,) = receiver.wait_until(lambda spans: len(spans) == 1)
    assert (span.service, span.name, span.attributes["messaging.message.id"]) == (
        "jobs",
        "send console",
        task,
    )
    options = board.pop("console")[0].options
    assert options["traceparent"].startswith(f"00-{span.trace}-{span.id}-")


@pytest.mark.parametrize(
    "off",
    [{"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_SAMPLER": "always_off"}],
)
def test_the_environment_turns_it_off(
    board: Board, url: str, receiver: Receiver, tmp_path: Path, off: dict[str, str]
) -> None:
    environment = exporting(receiver.url, "web") | off
    process = jobs_process(
        *("push", "console", "x"), path=tmp_path, JOBS_REDIS_URL=url, JOBS_BOARD=board.name, **environment
    )
    assert process.communicate(timeout=PATIENCE)[1] == ""
    assert receiver.spans == []


# A collector that is away, and settings that are wrong


@pytest.mark.parametrize("trouble", ["refused", "hanging", "rejecting"])
def test_a_collector_that_is_away_stops_no_task_and_no_worker(
    board: Board, url: str, receiver: Receiver, tmp_path: Path, trouble: str
) -> None:
    receiver.hangs = trouble == "hanging"
    receiver.status = 403 if trouble == "rejecting" else 200
    endpoint = "http://127.0.0.1:1" if trouble == "refused" else receiver.url
    environment = exporting(endpoint, "worker") | {"OTEL_BSP_SCHEDULE_DELAY": "50"}
    with worker(board, url, tmp_path, "--runner", "console", **environment) as said:
        list(board.push_many({"runner": "console", "payload": "x"} for _ in range(3000)))
        wait_until(lambda: board.stats()["done"] == 3000)
    assert len(said) <= 1
    assert all(line.startswith("Warning: jobs-otel: ") and len(line) < 350 for line in said)
    assert said or trouble == "hanging"


WRONG: dict[str, Any] = {
    "no such exporter": (
        {"OTEL_TRACES_EXPORTER": "zipkin_x"},
        "OTEL_TRACES_EXPORTER: there is no exporter 'zipkin_x': install opentelemetry-exporter-zipkin-x",
    ),
    "no such protocol": (
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "carrier-pigeon"},
        "OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf or grpc, got 'carrier-pigeon'",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_settings_are_said_once_and_tasks_run(
    board: Board, url: str, tmp_path: Path, name: str
) -> None:
    environment, sentence = WRONG[name]
    board.push("console", "x")
    board.push("console", "y")
    log = tmp_path / "jobs.log"
    environment = environment | {"JOBS_LOG_FILE": str(log)}
    with worker(board, url, tmp_path, "--runner", "console", "--log", "file", **environment):
        wait_until(lambda: board.stats()["done"] == 2)
    assert log.read_text().count(sentence) == 1


BARE = """
import sys
from opentelemetry import trace
from opentelemetry.propagate import extract
from jobs_core import Board

headers = {"traceparent": sys.argv[3]}
with trace.use_span(trace.get_current_span(extract(headers))):
    Board(sys.argv[1], sys.argv[2]).push("console", "x")
"""


def test_a_program_that_makes_no_spans_passes_the_current_one_on(board: Board, url: str) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    subprocess.run([sys.executable, "-c", BARE, board.name, url, parent], check=True)
    assert board.pop("console")[0].options["traceparent"] == parent
