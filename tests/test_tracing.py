"""The trace of a push: through each client to the task, its context and events; and what plugins add."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import pytest

from jobs_core import AsyncBoard, Board, Context, Event, NotFoundError, Outcome, Plugins, Push, Task, hookimpl
from jobs_core.tracing import trace_ids, trace_of
from tests.helpers import Jobs, runner, working

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
TRACE = {"traceparent": PARENT, "tracestate": "v=1,w=2"}


def traces(board: Board, queue: str = "echo") -> list[dict[str, str]]:
    """Take all tasks of a queue. Returns their traces."""
    return [trace_of(task.options) for task in board.pop(queue, count=100)]


# Clients


def test_board_pushes_tasks_and_jobs_with_a_trace(board: Board) -> None:
    board.put("a", "echo", "x")
    board.push("echo", "x", **TRACE)
    board.push("a", traceparent=PARENT)
    many: list[Any] = [{"runner": "echo", "payload": "x"} | TRACE, {"id": "a", "traceparent": OTHER}]
    assert len(list(board.push_many(many))) == 2
    only = {"traceparent": PARENT}
    assert traces(board) == [TRACE, only, TRACE, {"traceparent": OTHER}]


def test_async_board_pushes_with_a_trace(board: Board, url: str) -> None:
    async def body() -> None:
        async with AsyncBoard(board.name, url, validate=False) as found:
            await found.push("echo", "x", **TRACE)
            await found.push_many([{"runner": "echo", "payload": "x"} | TRACE])

    asyncio.run(body())
    assert traces(board) == [TRACE, TRACE]


def test_the_command_line_takes_a_trace_from_its_options_or_its_environment(
    jobs: Jobs, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs("push", "console", "x")
    jobs("push", "console", "x", "--traceparent", PARENT, "--tracestate", "v=1,w=2")
    monkeypatch.setenv("TRACEPARENT", OTHER)
    jobs("push", "console", "x")
    jobs("push", "console", "x", "--traceparent", PARENT)
    line = json.dumps({"runner": "console", "payload": "x"})
    jobs("push", "-S", input=f"{line}\n")
    monkeypatch.setenv("TRACEPARENT", "a mistake of somebody else")
    assert jobs("push", "console", "x").exit_code == 0
    found, other = {"traceparent": PARENT}, {"traceparent": OTHER}
    assert traces(board, "console") == [{}, TRACE, other, found, other, {}]


def test_the_command_line_rejects_a_trace_that_it_is_given(jobs: Jobs) -> None:
    result = jobs("push", "console", "x", "--traceparent", "x")
    assert result.exit_code == 2
    assert f"traceparent: expected 55 characters such as {PARENT}" in result.stderr


def test_a_listed_task_shows_its_trace(jobs: Jobs) -> None:
    jobs("push", "console", "x", "--traceparent", PARENT)
    assert json.loads(jobs("tasks", "--json").stdout)["options"] == {"traceparent": PARENT}


# The context and the events of a task


def test_a_task_and_its_events_have_the_trace_of_the_push(board: Board) -> None:
    seen = []

    def run(task: Task, context: Context) -> Outcome:
        seen.append(dict(context.trace))
        context.line("hello")
        return Outcome.done()

    board.push("test", "x", **TRACE)
    board.push("test", "y")
    with working(board, runner(run), concurrency=1) as (_, log):
        log.wait_for("task.finished", 2)
    assert seen == [TRACE, {}]
    for kind in ("task.started", "task.line", "task.finished"):
        assert [event.trace for event in log.of(kind)] == [TRACE, {}]


def test_a_plugin_that_wraps_a_run_replaces_its_trace(url: str, board: Board) -> None:
    class Tracer:
        @hookimpl(wrapper=True)
        def jobs_execute(self, task: Task, context: Context) -> Iterator[None]:
            context.trace = {"traceparent": OTHER}
            return (yield)

    def run(task: Task, context: Context) -> Outcome:
        context.line(context.trace["traceparent"])
        return Outcome.done()

    plugins = Plugins()
    plugins.add("tracer", Tracer())
    with Board(board.name, url, plugins=plugins, validate=False) as traced:
        traced.push("test", "x", traceparent=PARENT)
        with working(traced, runner(run)) as (_, log):
            (finished,) = log.wait_for("task.finished")
    (line,) = log.of("task.line")
    assert (line.data["line"], line.trace, finished.trace) == (OTHER, *[{"traceparent": OTHER}] * 2)
    assert log.of("task.started")[0].trace == {"traceparent": PARENT}


def test_a_call_on_another_thread_has_the_context_variables_of_its_caller() -> None:
    variable = ContextVar("variable", default="")
    variable.set("mine")
    assert Context("host-1").call(variable.get) == "mine"


def test_a_trace_has_parts() -> None:
    assert trace_ids(TRACE) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "01")
    assert trace_ids({}) is None


def test_a_tracestate_that_is_too_large_loses_its_last_members() -> None:
    state = ",".join(f"vendor-{n}={'x' * 50}" for n in range(20))
    kept = trace_of({"traceparent": PARENT, "tracestate": state})["tracestate"]
    assert state.startswith(kept) and 450 < len(kept) <= 512


# The hook


Accompany = Callable[..., Any]


@pytest.fixture
def accompanied(url: str, board: Board) -> Iterator[Callable[[Accompany], Board]]:
    """Open the board with a plugin that has the hook."""
    opened: list[Board] = []

    def open_with(function: Accompany) -> Board:
        plugins = Plugins()
        assert plugins.add("test", SimpleNamespace(jobs_push=hookimpl(function))).state == "ok"
        opened.append(Board(board.name, url, plugins=plugins, validate=False))
        return opened[-1]

    yield open_with
    for one in opened:
        one.close()


def test_a_plugin_sees_every_push_and_sets_its_trace(accompanied: Any, board: Board, url: str) -> None:
    seen: list[Push] = []

    @contextmanager
    def accompany(push: Push) -> Iterator[None]:
        seen.append(push)
        push.trace = {"traceparent": OTHER}
        yield

    traced = accompanied(accompany)
    traced.put("a", "echo", "x")
    first = traced.push("echo", "x", **TRACE)
    second = traced.push("a")
    list(traced.push_many([{"runner": "echo", "payload": "x", "queue": "slow"}, {"id": "a"}]))

    async def body() -> str:
        async with AsyncBoard(board.name, url, plugins=traced.plugins, validate=False) as found:
            return await found.push("echo", "y")

    third = asyncio.run(body())
    assert [(push.runner, push.job, push.queue, push.is_bulk, push.task) for push in seen] == [
        ("echo", "", "echo", False, first),
        ("", "a", "", False, second),
        ("echo", "", "slow", True, ""),
        ("", "a", "", True, ""),
        ("echo", "", "echo", False, third),
    ]
    assert all(push.board == board.name and push.server in url for push in seen)
    assert traces(board) + traces(board, "slow") == [{"traceparent": OTHER}] * 5


def test_a_plugin_sees_that_a_push_fails(accompanied: Any) -> None:
    seen: list[BaseException] = []

    @contextmanager
    def accompany(push: Push) -> Iterator[None]:
        try:
            yield
        except NotFoundError as error:
            seen.append(error)
            raise

    with pytest.raises(NotFoundError) as caught:
        accompanied(accompany).push("nobody")
    assert seen == [caught.value]


@contextmanager
def raises_at_once(push: Push) -> Iterator[None]:
    raise ValueError("broken")
    yield


@contextmanager
def raises_at_the_end(push: Push) -> Iterator[None]:
    yield
    raise ValueError("broken")


def raises_instead(push: Push) -> None:
    raise ValueError("broken")


@pytest.mark.parametrize("broken", [raises_at_once, raises_at_the_end, raises_instead])
def test_a_plugin_that_raises_stops_no_push(
    accompanied: Any, board: Board, capsys: pytest.CaptureFixture[str], broken: Accompany
) -> None:
    pushing = accompanied(broken)
    assert pushing.push("echo", "x", **TRACE)
    assert pushing.push("echo", "y")
    assert traces(board) == [TRACE, {}]
    said = capsys.readouterr().err
    assert said == "Warning: the plugin 'test' raised in jobs_push: ValueError: broken\n"


@pytest.mark.parametrize("wrong", [{"traceparent": "x"}, {"tracestate": "v=1"}, {"other": "x"}])
def test_a_trace_that_is_invalid_stops_no_push(accompanied: Any, board: Board, wrong: Any) -> None:
    def accompany(push: Push) -> None:
        push.trace = wrong

    accompanied(accompany).push("echo", "x", **TRACE)
    assert traces(board) == [{}]


def test_a_plugin_may_leave_a_push_alone(accompanied: Any, board: Board) -> None:
    accompanied(lambda push: None).push("echo", "x", **TRACE)
    assert traces(board) == [TRACE]


def test_an_event_has_a_trace_of_its_own() -> None:
    assert Event("trouble", 0.0, "host-1").trace == {}
