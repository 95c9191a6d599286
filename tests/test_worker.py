"""The worker: outcomes, leases, timeouts, stops, and an unreachable Redis."""

from __future__ import annotations

import gc
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import ref

import pytest

from jobs_core import (
    Board,
    Context,
    Decision,
    OptionError,
    Outcome,
    Policy,
    Runner,
    Task,
    Worker,
    hookimpl,
)
from jobs_core.embedded import EmbeddedServer
from jobs_core.plugins.builtin.log_records import event_json
from jobs_core.plugins.builtin.loggers import event_line
from jobs_core.plugins.manager import Plugins
from jobs_core.worker.clock import Clock
from tests.helpers import PATIENCE, runner, wait_until, working


def done(task: Task, context: Context) -> Outcome:
    return Outcome.done("fine", code="0", answer=42)


class Gate:
    """A runner that signals its start, and waits until it may continue or is told to stop."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.open = threading.Event()
        self.stopped = threading.Event()

    def run(self, task: Task, context: Context) -> Outcome:
        self.started.release()
        while not self.open.wait(0.01):
            if context.cancelled.is_set():
                self.stopped.set()
                return Outcome.cancelled("told to stop")
        return Outcome.done()

    def wait(self) -> None:
        assert self.started.acquire(timeout=PATIENCE)


# Outcomes


def test_a_task_that_is_done_is_acknowledged(board: Board) -> None:
    board.push("test", "x")
    with working(board, runner(done)) as (_, log):
        (event,) = log.wait_for("task.finished")
    assert event.outcome == Outcome.done("fine", code="0", answer=42)
    assert board.stats()["done"] == 1
    (entry,) = [fields for _, fields in board.client.xrange(board.keys.history)]
    assert (entry["what"], entry["note"], json.loads(entry["data"])) == ("done", "fine", {"answer": 42})


def test_a_run_that_has_ended_is_freed_without_the_garbage_collector(board: Board) -> None:
    seen: list[ref[Context]] = []

    def remember(task: Task, context: Context) -> Outcome:
        context.line("x")
        seen.append(ref(context))
        return Outcome.done()

    for _ in range(3):
        board.push("test", "x")
    gc.disable()
    try:
        with working(board, runner(remember), concurrency=1) as (_, log):
            log.wait_for("task.finished", 3)
            wait_until(lambda: seen[0]() is None)
    finally:
        gc.enable()


def failing(task: Task, context: Context) -> Outcome:
    return Outcome.failed("no luck", code="7")


def raising(task: Task, context: Context) -> Outcome:
    raise RuntimeError(f"cannot stand {task.raw}")


def exiting(task: Task, context: Context) -> Outcome:
    raise SystemExit(3)


def interrupted(task: Task, context: Context) -> Outcome:
    raise KeyboardInterrupt


def telling_a_story(task: Task, context: Context) -> Outcome:
    return Outcome.failed("it began\n\tlong ago" + 2000 * ".")


def returning_nothing(task: Task, context: Context) -> Outcome:
    return None  # type: ignore[return-value]


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def unspeakable(task: Task, context: Context) -> Outcome:
    raise UnspeakableError


def half_a_pair(task: Task, context: Context) -> Outcome:
    context.line("\ud83d")
    return Outcome.failed("half \ud83d")


@pytest.mark.parametrize(
    ("function", "note"),
    [
        (failing, "no luck"),
        (raising, "RuntimeError: cannot stand <payload>"),
        (exiting, "SystemExit: 3"),
        (interrupted, "KeyboardInterrupt"),
        (unspeakable, "UnspeakableError"),
        (half_a_pair, "half ?"),
        (telling_a_story, "it began long ago" + 982 * "." + "…"),
        (returning_nothing, "the runner 'test' did not return an Outcome"),
    ],
)
def test_a_failed_task_becomes_a_dead_letter(
    board: Board, function: Callable[[Task, Context], Outcome], note: str
) -> None:
    board.push("test", "s3cret", keep=60)
    with working(board, runner(function)) as (_, log):
        (event,) = log.wait_for("task.finished")
    assert event.outcome is not None
    assert event.outcome.note == note
    assert (board.stats()["dead"], board.count()["dead"]) == (1, 1)


@pytest.mark.parametrize("data", [{(1, 2): 3}, [1], 5, {"a": (circle := {})}])
def test_data_that_is_not_json_is_dropped_from_the_report(board: Board, data: Any) -> None:
    circle["again"] = circle
    board.push("test", "x")
    with working(board, runner(lambda task, context: Outcome("done", "fine", "0", data))) as (_, log):
        (event,) = log.wait_for("task.finished")
        (trouble,) = log.wait_for("trouble")
    assert event.outcome == Outcome.done("fine", code="0")
    assert trouble.data["note"].startswith("its data is not valid JSON and was dropped")
    assert board.stats()["done"] == 1


def test_errors_around_the_runner_are_failures_too(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(token: str) -> None:
        raise SystemExit("out of turn")

    with working(board, runner(done)) as (worker, _):
        monkeypatch.setattr(worker._line[0].keeper, "end", end)
        board.push("test", "x", policy="ack", keep=60)
        wait_until(lambda: board.stats()["leased"] > 1)
    assert board.stats()["failed"] >= 1


def test_a_task_with_an_unknown_runner_is_left_to_another_worker(board: Board) -> None:
    task = board.push("elsewhere", "x", queue="test", attempts=1)
    with working(board, runner(done)) as (_, log):
        events = log.wait_for("task.released", 2)
        assert "released (this worker cannot start it now) in" in event_line(events[0])
        (trouble,) = log.of("trouble")
        assert "this worker has no runner 'elsewhere'" in trouble.data["note"]
        other = Runner("elsewhere", done)
        with working(board, other, queues=["test"]) as (_, other_log):
            (event,) = other_log.wait_for("task.finished")
    assert event.task is not None
    assert (event.task.id, event.task.attempt) == (task, 1)


def test_a_task_without_a_lease_whose_runner_is_unknown_fails(board: Board) -> None:
    board.push("elsewhere", "x", queue="test", policy="none")
    with working(board, runner(done)) as (_, log):
        (event,) = log.wait_for("task.finished")
    assert event.outcome is not None
    assert event.outcome.code == "no-runner"


def test_attempts_and_backoff_retry_a_failed_task(board: Board) -> None:
    attempts: list[int] = []

    def third_time_lucky(task: Task, context: Context) -> Outcome:
        attempts.append(task.attempt)
        return Outcome.done() if task.attempt == 3 else Outcome.failed(retry_after=0.0)

    board.push("test", "x", attempts=3)
    board.push("test", "y", attempts=2)
    with working(board, runner(third_time_lucky)) as (_, log):
        events = log.wait_for("task.finished", 5)
    assert sorted(attempts) == [1, 1, 2, 2, 3]
    assert sorted(event.decision.verb for event in events if event.decision) == [
        "dead",
        "done",
        "retry",
        "retry",
        "retry",
    ]
    stats = board.stats()
    assert (stats["done"], stats["dead"], stats["retried"]) == (1, 1, 3)


@pytest.mark.parametrize(("attempt", "delay"), [(1, 10), (2, 20), (3, 40), (20, 3600)])
def test_backoff_doubles_up_to_an_hour(attempt: int, delay: float) -> None:
    task = Task("a@1", "a", "r", "q", 1, attempt, "x", options={"attempts": 99})
    decision = Plugins().policy("retry").decide(task, Outcome.failed())
    assert (decision.verb, decision.delay) == ("retry", delay)


# Leases and timeouts


def test_a_lease_is_renewed_while_its_task_runs(board: Board) -> None:
    gate = Gate()
    board.push("test", "x", lease="1s")
    with working(board, runner(gate.run)) as (_, log):
        gate.wait()
        (token,) = board.client.zrange(board.keys.leased, 0, -1)
        first = board.client.zscore(board.keys.leased, token)
        assert first is not None
        renewed = threading.Event()
        while (board.client.zscore(board.keys.leased, token) or 0) < first + 900:
            assert not renewed.wait(0.02)
        gate.open.set()
        log.wait_for("task.finished")
    assert (board.stats()["lost"], board.stats()["done"]) == (0, 1)


def test_a_worker_that_lost_its_lease_is_told_to_stop_and_overwrites_nothing(board: Board) -> None:
    gate = Gate()
    board.push("test", "x", lease="0.3s")
    with working(board, runner(gate.run)) as (_, log):
        gate.wait()
        (token,) = board.client.zrange(board.keys.leased, 0, -1)
        board.ack(str(token), "dead")  # as if another attempt had ended
        log.wait_for("task.stale")
        assert gate.stopped.is_set()
    assert (board.stats()["stale"], board.stats()["dead"], board.stats()["done"]) == (1, 1, 0)


def test_a_timeout_tells_the_runner_to_stop_and_is_a_failure(board: Board) -> None:
    gate = Gate()
    board.push("test", "x", timeout="0.2s")
    with working(board, runner(gate.run)) as (_, log):
        (event,) = log.wait_for("task.finished")
    assert event.outcome is not None
    assert (event.outcome.status, event.outcome.code) == ("failed", "timeout")
    assert board.count()["dead"] == 1


def test_a_runner_that_cancels_itself_has_failed(board: Board) -> None:
    board.push("test", "x")
    with working(board, runner(lambda task, context: Outcome.cancelled("why not"))) as (_, log):
        log.wait_for("task.finished")
    assert board.count()["dead"] == 1


# Stopping


def test_stopping_waits_for_running_tasks_and_takes_no_more(board: Board) -> None:
    gate = Gate()
    board.push("test", "first")
    with working(board, runner(gate.run), concurrency=1) as (worker, log):
        gate.wait()
        board.push("test", "second")
        worker.stop()
        log.wait_for("worker.draining")
        gate.open.set()
        log.wait_for("worker.stopped")
    assert board.stats()["done"] == 1
    assert board.count()["queued"] == 1


def test_a_second_stop_returns_running_tasks(board: Board) -> None:
    gate = Gate()
    board.push("test", "x")
    with working(board, runner(gate.run)) as (worker, log):
        gate.wait()
        worker.stop()
        worker.stop()
        log.wait_for("task.released")
        log.wait_for("worker.stopped")
    (task,) = board.pop("test", lease=30)
    assert task.attempt == 1
    assert board.stats()["released"] == 1


def test_a_second_stop_keeps_the_lease_of_what_goes_on_outside_of_the_worker(board: Board) -> None:
    gate = Gate()

    def run_outside(task: Task, context: Context) -> Outcome:
        assert context.lease is not None
        with context.lease.on_renew(lambda lease: None):  # as a runner does whose command has a guardian
            gate.started.release()
            gate.open.wait(PATIENCE)
        return Outcome.done()

    board.push("test", "x")
    with working(board, runner(run_outside)) as (worker, log):
        gate.wait()
        worker.stop()
        worker.stop()
        log.wait_for("worker.stopped")
        gate.open.set()
    assert (board.count()["leased"], board.count()["queued"]) == (1, 0)


def test_tasks_that_outlast_the_drain_are_returned(board: Board) -> None:
    gate = Gate()
    board.push("test", "x")
    with working(board, runner(gate.run), drain=0.1) as (worker, log):
        gate.wait()
        worker.stop()
        (event,) = log.wait_for("task.released")
    assert board.count()["queued"] == 1
    assert "released (the worker is stopping) in" in event_line(event)
    assert "status" not in event_json(event)


# Waiting


def test_a_worker_is_woken_for_a_task_and_for_a_job_that_is_due_earlier(board: Board) -> None:
    board.put("far", "test", "x", at="+1h")
    with working(board, runner(done)) as (_, log):
        board.push("test", "x")
        log.wait_for("task.finished")
        board.put("near", "test", "x", at="+0.2")
        near = log.wait_for("task.finished", 2)[1]
    assert near.task is not None
    assert near.task.job == "near"
    assert near.time - near.task.due < 5


def test_a_worker_without_room_leaves_tasks_to_another(board: Board) -> None:
    gate = Gate()
    with (
        working(board, runner(gate.run), concurrency=1, name="busy") as (_, busy),
        working(board, runner(done), name="idle") as (_, idle),
    ):
        board.push("test", "x")
        board.push("test", "x")
        board.push("test", "x")
        # Whichever worker got the first task, no other task may be stuck behind the gate.
        finished = idle.wait_for("task.finished", 2)
        gate.open.set()
    assert len(finished) >= 2
    assert len(busy.of("task.started")) <= 1


def test_several_queues_are_served_fairly(board: Board) -> None:
    order: list[str] = []

    def note(task: Task, context: Context) -> Outcome:
        order.append(task.queue)
        return Outcome.done()

    for _ in range(20):
        board.push("test", "x", queue="busy")
    board.push("test", "x", queue="quiet")
    with working(board, runner(note), queues=["busy", "quiet"], concurrency=1) as (_, log):
        log.wait_for("task.finished", 21)
    assert order.index("quiet") < 10


# Events


def test_events_come_in_order_and_hold_no_payload(board: Board) -> None:
    def speak(task: Task, context: Context) -> Outcome:
        context.line("a line")
        return Outcome.done()

    board.push("test", "s3cret")
    with working(board, runner(speak)) as (_, log):
        log.wait_for("task.finished")
    kinds = [event.kind for event in log.events if event.task]
    assert kinds == ["task.started", "task.line", "task.finished"]
    assert "s3cret" not in json.dumps([event_json(event) for event in log.events])
    assert "s3cret" not in repr(log.events)


# Functions as runners


def test_respond_runs_a_function_until_a_signal(board: Board) -> None:
    seen: list[object] = []

    def one(payload: object) -> str:
        seen.append(payload)
        os.kill(os.getpid(), signal.SIGTERM)
        return "thanks"

    board.push("work", '{"n": 1}')
    board.respond("work", one)
    assert seen == [{"n": 1}]
    assert board.stats()["done"] == 1


def test_respond_gives_a_function_of_two_parameters_the_task(board: Board) -> None:
    seen: list[str] = []

    def two(task: Task, context: Context) -> None:
        seen.append(task.id)
        os.kill(os.getpid(), signal.SIGTERM)

    pushed = board.push("work", "x")
    board.respond("work", two)
    assert seen == [pushed]


# Redis is unreachable


def test_a_worker_survives_a_server_restart_and_loses_no_outcome(tmp_path: Path) -> None:
    gate = Gate()
    with EmbeddedServer(tmp_path) as server:
        server_board = Board("outlive", server.url, validate=False)
        server_board.client.config_set("appendfsync", "always")
        server_board.push("test", "x")
        with working(server_board, runner(gate.run)) as (_, log):
            gate.wait()
            os.kill(server.pid, signal.SIGKILL)
            gate.open.set()
            log.wait_for("trouble")
            while server.alive():
                pass
            server.restart()
            log.wait_for("task.finished")
            server_board.push("test", "y")
            log.wait_for("task.finished", 2)
            log.wait_for("recovered")
        stats = server_board.stats()
        assert (stats["done"], stats["lost"]) == (2, 0)
        assert [len(log.of(kind)) for kind in ("trouble", "recovered")] == [1, 1]
        server_board.client.close()


def test_a_rejected_report_is_sent_again_once_the_server_accepts_it(tmp_path: Path) -> None:
    gate = Gate()
    with EmbeddedServer(tmp_path) as server:
        server_board = Board("refuse", server.url, validate=False)
        server_board.push("test", "x", lease=600)
        with working(server_board, runner(gate.run)) as (_, log):
            gate.wait()
            server_board.client.replicaof("127.0.0.1", 1)  # read-only from now on
            gate.open.set()
            (trouble,) = log.wait_for("trouble")
            assert "read-only replica" in trouble.data["note"]
            server_board.client.replicaof("NO", "ONE")
            log.wait_for("task.finished")
            log.wait_for("recovered")
            assert len(log.of("trouble")) == 1
        assert (server_board.stats()["done"], server_board.stats()["lost"]) == (1, 0)
        server_board.client.close()


def test_a_worker_restores_lost_scripts(board: Board) -> None:
    with working(board, runner(done)) as (_, log):
        for number in range(3):
            board.client.script_flush()
            board.push("test", "x")
            log.wait_for("task.finished", number + 1)


class Undecided:
    """A plugin that returns invalid decisions."""

    def __init__(self, decision: object) -> None:
        self.decision = decision

    @hookimpl
    def jobs_policies(self) -> list[Policy]:
        return [Policy("undecided", lambda task, outcome: self.decision)]  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    "decision",
    ["retry", Decision("repeat"), Decision.retry(-1), Decision.retry(float("nan"))],  # type: ignore[arg-type]
)
def test_an_invalid_decision_makes_a_dead_letter(board: Board, decision: object) -> None:
    plugins = Plugins()
    plugins.add("undecided", Undecided(decision))
    deciding = Board(board.name, client=board.client, plugins=plugins, validate=False)
    deciding.push("test", "x", policy="undecided")
    with working(deciding, runner(failing)) as (_, log):
        (trouble,) = log.wait_for("trouble")
        log.wait_for("task.finished")
    assert trouble.data["note"].startswith("its policy failed: ValueError:")
    assert board.count()["dead"] == 1


def test_a_temporarily_rejected_report_is_repeated(board: Board) -> None:
    gate, layout = Gate(), f"{board.keys.tag}:layout"
    board.push("test", "x")
    with working(board, runner(gate.run)) as (_, log):
        gate.wait()
        version = board.client.getset(layout, "3")
        gate.open.set()
        log.wait_for("trouble")
        board.client.set(layout, version)
        log.wait_for("task.finished")
    assert (board.stats()["done"], board.stats()["lost"], board.stats()["doubled"]) == (1, 0, 0)


@pytest.mark.parametrize("name", ["lease", "drain"])
@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0, 1e12])
def test_invalid_durations_of_a_worker_are_rejected(board: Board, name: str, seconds: float) -> None:
    options: dict[str, Any] = {name: seconds}
    with pytest.raises(OptionError, match=rf"^{name}: expected .* seconds, got"):
        Worker(board, [runner(done)], **options)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a b", "expected a name without spaces, got 'a b'"),
        (" a", "expected a name without spaces, got ' a'"),
        ("a\x1bb", "expected a name without spaces, got "),
        ("a!b", "expected a name without !, got 'a!b'"),
        ("", "expected a name, got nothing"),
        ("\udcff", "expected UTF-8, got "),
        ("x" * 257, "expected at most 256 bytes, got 257"),
    ],
)
def test_a_queue_with_an_invalid_name_is_rejected(board: Board, name: str, says: str) -> None:
    with pytest.raises(OptionError) as raised:
        Worker(board, [runner(done)], queues=[name])
    assert str(raised.value).startswith(f"queue: {says}")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "expected a name, got nothing"),
        (" ", "expected a name, got nothing"),
        ("\udcff", "expected UTF-8, got "),
        ("é" * 129, "expected at most 256 bytes, got 258"),
    ],
)
def test_a_worker_with_an_invalid_name_is_rejected(board: Board, name: str, says: str) -> None:
    with pytest.raises(OptionError) as raised:
        Worker(board, [runner(done)], name=name)
    assert str(raised.value).startswith(f"name: {says}")


def test_a_concurrency_beyond_the_thread_limit_is_rejected(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Few(threading.Thread):
        def start(self) -> None:
            if self.name == "jobs-3":
                raise RuntimeError("can't start new thread")
            super().start()

    monkeypatch.setattr("jobs_core.worker.threads.threading.Thread", Few)
    with pytest.raises(OptionError, match=r"^concurrency 10: the system allows only 3 threads"):
        Worker(board, [runner(done)]).run()


def test_a_stopped_clock_ends_quietly_when_its_client_is_closed(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock([board.commands])

    def call_on_a_closed_client(*words: Any) -> None:
        clock.stop()
        raise TypeError("argument must be an int, or have a fileno() method.")

    monkeypatch.setattr(clock._commands, "connection", call_on_a_closed_client)
    clock.run()
