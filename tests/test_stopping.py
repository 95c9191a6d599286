"""Stopping runners: what they can register, wait on and return, directly and in a worker."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from jobs_core import Board, Context, Outcome, Runner, SocketInterrupter, StoppedError, Task
from jobs_core.testing import make_task, run_task
from tests.helpers import PATIENCE, runner, working

TOLD = threading.Event


def test_a_callback_runs_once_on_the_thread_that_stops_the_task() -> None:
    context, threads = Context("w"), list[threading.Thread]()
    with context.on_stop(lambda: threads.append(threading.current_thread())):
        assert threads == []
        stopper = threading.Thread(target=lambda: (context.stop(), context.stop()))
        stopper.start()
        stopper.join(PATIENCE)
    assert threads == [stopper]
    assert context.cancelled.is_set()


def test_a_callback_runs_at_once_if_the_task_was_already_stopped() -> None:
    for stop in (Context.stop, lambda context: context.cancelled.set()):
        context, called = Context("w"), TOLD()
        stop(context)
        with context.on_stop(called.set):
            assert called.is_set()
    late = TOLD()
    with Context("w", timeout=0).on_stop(late.set):
        assert late.is_set()


def test_no_callback_runs_after_its_block() -> None:
    context, called = Context("w"), TOLD()
    with context.on_stop(called.set):
        pass
    context.stop()
    assert not called.is_set()


def test_a_block_does_not_end_while_its_callback_runs() -> None:
    context, order = Context("w"), list[str]()
    began, may_end = TOLD(), TOLD()

    def callback() -> None:
        began.set()
        may_end.wait(PATIENCE)
        order.append("callback")

    def body() -> None:
        with context.on_stop(callback):
            began.wait(PATIENCE)
        order.append("after the block")

    threads = [threading.Thread(target=target) for target in (body, context.stop)]
    threads[0].start()
    while not context._stop_callbacks:
        began.wait(0.001)
    threads[1].start()
    assert began.wait(PATIENCE)
    threads[0].join(0.05)
    assert order == []
    may_end.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert order == ["callback", "after the block"]


def test_a_race_of_stopping_and_leaving_calls_back_at_most_once() -> None:
    for _ in range(300):
        context, calls, begin = Context("w"), list[bool](), threading.Barrier(2)
        inside = True

        def stop(context: Context = context, begin: threading.Barrier = begin) -> None:
            begin.wait(PATIENCE)
            context.stop()

        thread = threading.Thread(target=stop)
        thread.start()
        with context.on_stop(lambda: calls.append(inside)):  # noqa: B023
            begin.wait(PATIENCE)
        inside = False
        thread.join(PATIENCE)
        assert calls in ([], [True])


def test_an_exception_in_a_callback_is_reported_and_others_run() -> None:
    notes, called = list[str](), TOLD()
    context = Context("w", trouble=notes.append)
    with context.on_stop(lambda: 1 / 0), context.on_stop(called.set):
        context.stop()
    assert called.is_set()
    assert notes == ["an on_stop callback failed: ZeroDivisionError: division by zero"]
    with pytest.raises(ZeroDivisionError):  # without a handler for trouble, as in a test
        Context("w", timeout=0).on_stop(lambda: 1 / 0).__enter__()


def test_the_stop_reason_is_set_once() -> None:
    assert Context("w").stop_reason == ""
    context = Context("w", timeout=3600)
    context.stop()
    assert context.stop_reason == "cancelled"
    late = Context("w", timeout=0)
    assert late.stop_reason == "timeout"
    late.stop()
    assert late.stop_reason == "timeout"
    assert context.stop_outcome("after 2 s", seconds=2) == Outcome.cancelled("cancelled after 2 s", seconds=2)
    assert late.stop_outcome() == Outcome.failed("timed out", code="timeout")


def test_a_context_creates_its_event_lazily() -> None:
    context = Context("w", timeout=60)
    with context.on_stop(TOLD().set):
        assert context.stop_reason == ""
    assert "cancelled" not in vars(context)


# Calls


def test_a_call_returns_and_raises_what_its_work_does() -> None:
    context = Context("w")
    assert context.call(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        context.call(lambda: 1 / 0)


@pytest.mark.parametrize("timeout", [None, 3600])
def test_a_call_is_abandoned_when_the_task_is_stopped(timeout: float | None) -> None:
    context, began, over = Context("w"), TOLD(), TOLD()

    def work() -> None:
        began.set()
        over.wait(PATIENCE)

    threading.Thread(target=lambda: began.wait(PATIENCE) and context.stop()).start()
    with pytest.raises(StoppedError):
        context.call(work, timeout)
    over.set()


def test_a_call_times_out() -> None:
    over = TOLD()
    with pytest.raises(TimeoutError):
        Context("w").call(lambda: over.wait(PATIENCE), 0.02)
    with pytest.raises(StoppedError):
        Context("w", timeout=0.02).call(lambda: over.wait(PATIENCE), 3600)
    over.set()


def test_nothing_is_called_if_the_task_was_already_stopped() -> None:
    context, called = Context("w"), TOLD()
    context.stop()
    with pytest.raises(StoppedError):
        context.call(called.set)
    assert not called.is_set()


def test_a_stop_shuts_the_socket_down() -> None:
    context, (ours, theirs) = Context("w"), socket.socketpair()
    received = list[bytes]()

    def wait() -> None:
        with SocketInterrupter() as interrupter, context.on_stop(interrupter.interrupt):
            interrupter.hold(ours)
            received.append(ours.recv(1))

    with ours, theirs:
        thread = threading.Thread(target=wait)
        thread.start()
        context.stop()
        thread.join(PATIENCE)
        assert received == [b""]
        assert theirs.recv(1) == b""


# In a worker


def held(began: threading.Event) -> Runner:
    """A runner that only waits for its callback, and reports it."""

    def run(task: Task, context: Context) -> Outcome:
        told = TOLD()
        with context.on_stop(told.set):
            began.set()
            assert told.wait(PATIENCE), "nobody called back"
        return context.stop_outcome()

    return runner(run)


def cancel(board: Board, id: str, worker: Any) -> None:
    board.cancel(id)


def stop(board: Board, id: str, worker: Any) -> None:
    worker.stop()


@pytest.mark.parametrize(
    ("end", "event"), [(cancel, "task.cancelled"), (stop, "task.released")], ids=["cancel", "stop"]
)
def test_a_cancel_runs_callbacks(board: Board, end: Callable[..., None], event: str) -> None:
    began = TOLD()
    id = board.push("test", "x")
    with working(board, held(began), drain=0) as (worker, log):
        assert began.wait(PATIENCE)
        end(board, id, worker)
        log.wait_for(event)


def test_a_timeout_runs_callbacks(board: Board) -> None:
    board.push("test", "x", timeout=0.2)
    with working(board, held(TOLD())) as (_, log):
        (event,) = log.wait_for("task.finished")
    assert event.outcome is not None
    assert (event.outcome.code, event.outcome.note) == ("timeout", "timed out")


def test_a_lost_lease_runs_callbacks(board: Board) -> None:
    began = TOLD()
    board.push("test", "x", lease=0.6)
    with working(board, held(began)) as (_, log):
        (event,) = log.wait_for("task.started")
        assert began.wait(PATIENCE) and event.task is not None
        board.ack(event.task.token)  # its worker notices this report with the next beat
        log.wait_for("task.stale")


def test_a_failing_callback_is_reported_and_the_worker_continues(board: Board) -> None:
    began = TOLD()

    def run(task: Task, context: Context) -> Outcome:
        if task.payload == "good":
            return Outcome.done()
        with context.on_stop(lambda: [][0]):
            began.set()
            context.cancelled.wait(PATIENCE)
        return Outcome.cancelled()

    id = board.push("test", "bad")
    with working(board, runner(run)) as (_, log):
        assert began.wait(PATIENCE)
        board.cancel(id)
        log.wait_for("task.cancelled")
        board.push("test", "good")
        log.wait_for("task.finished")
    (trouble,) = log.of("trouble")
    assert trouble.task is not None and trouble.task.id == id
    assert trouble.data["note"] == "an on_stop callback failed: IndexError: list index out of range"


def test_a_stopped_error_may_leave_the_runner(board: Board) -> None:
    def run(task: Task, context: Context) -> Outcome:
        raise StoppedError

    context = Context("w")
    context.stop()
    outcome = run_task(runner(run), make_task(runner(run), "x"), context)
    assert outcome == Outcome.cancelled("cancelled")


def test_an_unchecked_payload_is_rejected_before_it_runs(board: Board) -> None:
    ran = TOLD()

    def run(task: Task, context: Context) -> Outcome:
        ran.set()
        return Outcome.done()

    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "env": {"type": "object"}}}
    board.push("test", {"n": "s3cret"})  # from a board without checks
    with working(board, Runner("test", run, schema=schema)) as (_, log):
        (event,) = log.wait_for("task.finished")
    assert event.outcome == Outcome.failed(
        "invalid payload for the test runner: n: expected type integer", code="payload"
    )
    assert not ran.is_set()
