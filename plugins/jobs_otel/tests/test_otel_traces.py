"""The spans of a program that uses OpenTelemetry, in memory: what they say, and how they belong together."""

from __future__ import annotations

import asyncio
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jobs_http
import jobs_shell
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span, SpanContext, SpanKind, StatusCode

from jobs_core import AsyncBoard, Board, Context, NotFoundError, Outcome, Runner, Task
from jobs_core.testing import working

from .conftest import Memory

(SHELL,) = jobs_shell.jobs_runners()
(HTTP,) = jobs_http.jobs_runners()

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SECRET = "s3cret payload"


def span(name: str, **options: Any) -> AbstractContextManager[Span]:
    """Make a span of the program, current in a `with` block."""
    return trace.get_tracer("program").start_as_current_span(name, **options)


def context_of(span: ReadableSpan) -> SpanContext:
    found = span.get_span_context()
    assert found is not None
    return found


def id_of(span: ReadableSpan) -> int:
    return context_of(span).span_id


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def traceparent_of(span: ReadableSpan) -> str:
    found = context_of(span)
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"


def linked_from(span: ReadableSpan) -> list[int]:
    return [link.context.span_id for link in span.links]


def done(task: Task, context: Context) -> Outcome:
    return Outcome.done("fine", code="0")


@contextmanager
def serving(handle: Any) -> Iterator[str]:
    """Serve a handler of HTTP requests. Yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            handle(self)
            self.send_response(202)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_trace_from_a_request_through_a_push_and_two_attempts_to_a_shell_child(
    board: Board, memory: Memory
) -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        with span("POST /orders", kind=SpanKind.SERVER):
            board.push("shell", 'echo "$TRACEPARENT"; test $JOBS_ATTEMPT = 2', attempts=3, backoff="10ms")

    with working(board, SHELL) as (_, log):
        with serving(handle) as url:
            urllib.request.urlopen(url, b"").close()
        finished = log.wait_for("task.finished", 2)
        settled = memory.wait_for("settle shell", 2)
    (request,), (send,) = memory.named("POST /orders"), memory.named("send shell")
    attempts = memory.named("process shell")
    assert len(memory.all()) == 6
    assert {context_of(span).trace_id for span in memory.all()} == {context_of(request).trace_id}

    assert (parent_of(send), send.kind, send.links) == (id_of(request), SpanKind.PRODUCER, ())
    for attempt in attempts:
        assert (parent_of(attempt), attempt.kind) == (id_of(send), SpanKind.CONSUMER)
        assert linked_from(attempt) == [id_of(send)]
    assert [parent_of(span) for span in settled] == [id_of(span) for span in attempts]
    assert [span.status.status_code for span in attempts] == [StatusCode.ERROR, StatusCode.UNSET]

    said = [event.data["line"] for event in log.of("task.line")]
    assert said == [traceparent_of(span) for span in attempts]
    assert [event.trace["traceparent"] for event in finished] == said


def test_spans_have_the_attributes_of_the_conventions(board: Board, memory: Memory) -> None:
    id = board.push("test", SECRET, queue="slow")
    with working(board, Runner("test", done), queues=["slow"], name="w1"):
        (settle,) = memory.wait_for("settle slow")
    (send,), (process,) = memory.named("send slow"), memory.named("process slow")
    pool = board.client.connection_pool.connection_kwargs
    server = (
        {"server.address": pool["path"]}
        if "path" in pool
        else {"server.address": pool["host"], "server.port": pool["port"]}
    )
    common: dict[str, Any] = {
        "messaging.system": "jobs",
        "messaging.destination.name": "slow",
        "messaging.message.id": id,
        "messaging.jobs.board": board.name,
        "messaging.jobs.runner": "test",
        **server,
    }
    run = {
        "messaging.client.id": "w1",
        "messaging.jobs.job": "push:1",
        "messaging.jobs.attempt": 1,
        "messaging.jobs.due": int(id.partition("@")[2]) / 1000,
    }
    ended = {"messaging.jobs.outcome": "done", "messaging.jobs.code": "0"}
    assert dict(send.attributes or {}) == common | operation("send")
    assert dict(process.attributes or {}) == common | operation("process") | run | ended
    assert dict(settle.attributes or {}) == common | operation("settle") | run | {
        "messaging.jobs.decision": "done"
    }
    assert settle.kind == SpanKind.CLIENT
    assert process.end_time is not None and settle.start_time is not None
    assert process.end_time <= settle.start_time


def operation(name: str) -> dict[str, str]:
    return {"messaging.operation.name": name, "messaging.operation.type": name}


# Pushes


def test_an_asyncio_push_has_a_span(board: Board, memory: Memory, url: str) -> None:
    async def body() -> str:
        async with AsyncBoard(board.name, url, validate=False) as found:
            with span("handler"):
                return await found.push("test", "x")

    id = asyncio.run(body())
    (handler,), (send,) = memory.named("handler"), memory.named("send test")
    assert parent_of(send) == id_of(handler)
    assert (send.attributes or {})["messaging.message.id"] == id
    assert board.pop("test")[0].options["traceparent"] == traceparent_of(send)


def test_a_pushed_job_has_a_span_that_does_not_guess_its_queue(board: Board, memory: Memory) -> None:
    board.put("a", "console", "x", queue="slow")
    board.push("a")
    (send,) = memory.named("send")
    assert (send.attributes or {})["messaging.jobs.job"] == "a"
    assert board.pop("slow")[0].options["traceparent"] == traceparent_of(send)


def test_each_task_of_a_bulk_push_has_a_span(board: Board, memory: Memory) -> None:
    board.put("a", "console", "x")
    with span("import"):
        assert len(list(board.push_many([{"runner": "console", "payload": "x"}, {"id": "a"}]))) == 2
    created = [*memory.named("create console"), *memory.named("create")]
    assert {parent_of(span) for span in created} == {id_of(memory.named("import")[0])}
    traces = [task.options["traceparent"] for task in board.pop("console", count=9)]
    assert traces == [traceparent_of(span) for span in created]


def test_a_trace_that_the_caller_names_is_kept(board: Board, memory: Memory) -> None:
    board.push("console", "x", traceparent=PARENT, tracestate="v=1")
    list(board.push_many([{"runner": "console", "payload": "x", "traceparent": PARENT}]))
    (send,) = memory.all()
    assert (send.kind, linked_from(send)) == (SpanKind.CLIENT, [0x00F067AA0BA902B7])
    assert (parent_of(send), context_of(send).trace_id) == (0x00F067AA0BA902B7, int(PARENT[3:35], 16))
    traces = [task.options for task in board.pop("console", count=9)]
    assert traces == [{"traceparent": PARENT, "tracestate": "v=1"}, {"traceparent": PARENT}]


def test_a_push_that_fails_has_a_failed_span(board: Board, memory: Memory) -> None:
    with pytest.raises(NotFoundError):
        board.push("nobody")
    (send,) = memory.named("send")
    assert (send.status.status_code, send.status.description) == (
        StatusCode.ERROR,
        f"there is no job 'nobody' on the board {board.name!r}",
    )
    assert (send.attributes or {})["error.type"] == "NotFoundError"


# Runs


def test_a_run_of_the_schedule_begins_a_trace_even_inside_a_span(board: Board, memory: Memory) -> None:
    board.put("a", "test", "x", at="+0")
    board.put("b", "test", "x", at="+0")
    with span("program"):
        worked = Runner("test", done, inline=True)
        with working(board, worked):
            memory.wait_for("process test", 2)
    attempts = memory.named("process test")
    assert [(span.parent, span.links) for span in attempts] == [(None, ())] * 2
    assert len({context_of(span).trace_id for span in attempts}) == 2


def test_runs_with_one_token_on_two_boards_have_a_report_each(board: Board, memory: Memory) -> None:
    other = Board(f"{board.name}-2", client=board.client, validate=False)
    both, at = threading.Barrier(2), time.time() - 5

    def run(task: Task, context: Context) -> Outcome:
        both.wait(10)
        return Outcome.done()

    for one in (board, other):
        one.put("same", "test", "x", at=at)
    with working([board, other], Runner("test", run)):
        settled = memory.wait_for("settle test", 2)
    boards = [(span.attributes or {})["messaging.jobs.board"] for span in settled]
    assert sorted(map(str, boards)) == sorted((board.name, other.name))
    assert len({parent_of(span) for span in settled}) == 2


def test_what_a_function_does_belongs_to_its_run(board: Board, memory: Memory) -> None:
    seen: list[Any] = []

    def work() -> None:
        with span("work"):
            pass

    @board.job("direct", every="1h")
    def direct(context: Context) -> None:
        work()
        seen.append(context.trace)
        context.call(work)
        assert context.board is not None
        context.board.push("console", "x")

    @board.job("awaited", every="1h")
    async def awaited() -> None:
        work()

    runners = board.functions.runners()
    for one in board.functions.declared:
        board.put(one.id, one.id, "", at="+0")
    with working(board, *runners):
        memory.wait_for("process direct")
        memory.wait_for("process awaited")
    board.functions.declared.clear()
    (first,), (second,) = memory.named("process direct"), memory.named("process awaited")
    assert [parent_of(span) for span in memory.named("work")].count(id_of(first)) == 2
    assert [parent_of(span) for span in memory.named("work")].count(id_of(second)) == 1
    assert parent_of(memory.named("send console")[0]) == id_of(first)
    assert seen == [{"traceparent": traceparent_of(first)}]


def test_a_python_payload_runs_in_its_span(
    board: Board, memory: Memory, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    jobs_python = pytest.importorskip("jobs_python")
    (tmp_path / "traced_steps.py").write_text(
        "from opentelemetry import trace\n"
        "def step():\n"
        "    trace.get_tracer('steps').start_span('step').end()\n"
    )
    monkeypatch.setenv("JOBS_PYTHON_PATH", str(tmp_path))
    monkeypatch.setenv("JOBS_PYTHON_ALLOW", "traced_steps:*")
    board.push("python", "traced_steps:step")
    with working(board, *jobs_python.jobs_runners()):
        (process,) = memory.wait_for("process python")
    assert [parent_of(span) for span in memory.named("step")] == [id_of(process)]


def test_a_request_carries_the_trace_of_its_run(
    board: Board, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBS_HTTP_ALLOW", "loopback")
    seen: list[str] = []
    with serving(lambda request: seen.append(request.headers["traceparent"])) as url:
        board.push("http", {"url": url, "method": "POST", "callback": False})
        with working(board, HTTP):
            (process,) = memory.wait_for("process http")
    assert seen == [traceparent_of(process)]


# How runs end


def test_a_failure_is_an_error_without_the_payload(board: Board, memory: Memory) -> None:
    def broken(task: Task, context: Context) -> Outcome:
        raise ValueError(f"cannot read {task.raw}")

    board.push("test", SECRET, policy="ack")
    with working(board, Runner("test", broken)):
        (settle,) = memory.wait_for("settle test")
    (process,) = memory.named("process test")
    assert process.status.status_code == StatusCode.ERROR
    assert (process.attributes or {})["error.type"] == "ValueError"
    assert (settle.attributes or {})["messaging.jobs.decision"] == "dead"
    assert settle.status.status_code == StatusCode.UNSET
    assert SECRET not in "".join(span.to_json() for span in memory.all())


def test_a_retry_says_when(board: Board, memory: Memory) -> None:
    def failing(task: Task, context: Context) -> Outcome:
        return Outcome.failed("HTTP 503", code="503")

    board.push("test", "x", attempts=2, backoff="1h")
    with working(board, Runner("test", failing)):
        (settle,) = memory.wait_for("settle test")
    (process,) = memory.named("process test")
    assert (process.status.description, (process.attributes or {})["error.type"]) == ("HTTP 503", "503")
    attributes = settle.attributes or {}
    assert (attributes["messaging.jobs.decision"], attributes["messaging.jobs.delay"]) == ("retry", 3600)


def test_a_timeout_is_an_error_and_a_cancel_is_none(board: Board, memory: Memory) -> None:
    def slow(task: Task, context: Context) -> Outcome:
        context.cancelled.wait()
        return context.stop_outcome()

    id = board.push("test", "x")
    with working(board, Runner("test", slow)) as (_, log):
        log.wait_for("task.started")
        board.cancel(id)
        (cancelled,) = memory.wait_for("settle test")
        board.push("test", "x", timeout=0.2, policy="ack")
        memory.wait_for("settle test", 2)
    first, second = (span.attributes or {} for span in memory.named("process test"))
    assert (first["messaging.jobs.outcome"], first.get("error.type")) == ("cancelled", None)
    assert (second["messaging.jobs.outcome"], second["error.type"]) == ("failed", "timeout")
    assert (cancelled.attributes or {})["messaging.jobs.decision"] == "cancelled"


def test_a_task_that_goes_on_elsewhere_is_accepted(board: Board, memory: Memory) -> None:
    board.push("test", "x")
    with working(board, Runner("test", lambda task, context: Outcome.accepted("handed over"))):
        (settle,) = memory.wait_for("settle test")
    assert (settle.attributes or {})["messaging.jobs.decision"] == "accepted"


def test_a_task_without_a_lease_has_no_report(board: Board, memory: Memory) -> None:
    board.push("test", "x", policy="none")
    board.push("other", "x")
    with working(board, Runner("test", done), Runner("other", done)) as (_, log):
        log.wait_for("task.finished", 2)
        memory.wait_for("settle other")
    assert memory.named("process test") and not memory.named("settle test")


def test_a_lease_that_is_lost_fails_the_report(board: Board, memory: Memory) -> None:
    def steal(task: Task, context: Context) -> Outcome:
        board.ack(task.token, "done")
        return Outcome.done()

    board.push("test", "x")
    with working(board, Runner("test", steal)):
        (settle,) = memory.wait_for("settle test")
    assert settle.status.status_code == StatusCode.ERROR
    assert (settle.attributes or {})["error.type"] == "stale"


def test_what_is_not_sampled_is_passed_on_and_not_recorded(board: Board, memory: Memory) -> None:
    unsampled = f"{PARENT[:-2]}00"
    seen: list[Any] = []

    def run(task: Task, context: Context) -> Outcome:
        seen.append(context.trace["traceparent"])
        return Outcome.done()

    board.push("test", "x", traceparent=unsampled)
    with working(board, Runner("test", run)) as (_, log):
        log.wait_for("task.finished")
    assert memory.all() == []
    trace_id, span_id, flags = seen[0].split("-")[1:]
    assert (trace_id, int(flags, 16) & 1) == (unsampled.split("-")[1], 0)
    assert span_id != unsampled.split("-")[2]
