"""A logger that does not return holds up no task, no lease, no other logger and no stop."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from jobs_core import Board, Context, Event, Logger, Outcome, Plugins, Task, hookimpl
from jobs_core.worker import log_queue
from jobs_core.worker.log_queue import LogQueue
from tests.helpers import Recorder, jobs_process, runner, working


def line(text: str) -> Event:
    return Event("task.line", 0, "host-1", data={"line": text})


def left_out(count: int) -> Event:
    return Event("trouble", 0, "host-1", data={"note": count})


class Gate:
    """A logger that writes nothing until it is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.begun = threading.Event()
        self.events: list[Event] = []

    def write(self, event: Event) -> None:
        self.begun.set()
        assert self.open.wait(60)
        self.events.append(event)


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_a_stuck_logger_holds_up_neither_tasks_nor_other_loggers_nor_the_stop(
    board: Board, gate: Gate, capfd: pytest.CaptureFixture[str]
) -> None:
    def talk(task: Task, context: Context) -> Outcome:
        for number in range(12_000):
            context.line(str(number))
        return Outcome.done("fine")

    board.push("test", "x")
    with working(board, runner(talk), loggers=[Logger("stuck", gate.write)]) as (_, log):
        (event,) = log.wait_for("task.finished")
    assert event.outcome is not None and event.outcome.note == "fine"
    assert len(log.of("task.line")) == 12_000
    assert log.of("worker.stopped")
    assert board.stats()["done"] == 1
    says = "the logger 'stuck' did not finish before the worker ended: its last events may be missing\n"
    assert says in capfd.readouterr().err
    gate.open.set()


def test_a_stuck_observer_holds_up_nothing(
    board: Board, url: str, gate: Gate, capfd: pytest.CaptureFixture[str]
) -> None:
    class Stuck:
        @hookimpl
        def jobs_event(self, event: Event) -> None:
            gate.write(event)

    plugins = Plugins()
    plugins.add("stuck", Stuck())
    with Board(board.name, url, plugins=plugins) as other:
        board.push("test", "x")
        with working(other, runner(lambda task, context: Outcome.done())) as (_, log):
            log.wait_for("task.finished")
    assert "a plugin (Following events) did not finish before the worker ended" in capfd.readouterr().err
    gate.open.set()


def test_what_is_left_out_is_counted_in_its_place(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_queue, "MANY", 10)
    monkeypatch.setattr(log_queue, "RESERVED", 4)
    queue = LogQueue("gate", gate.write, lambda: None, left_out)
    queue.start()
    queue.put(line("first"))
    assert gate.begun.wait(10)
    for number in range(9):
        queue.put(line(str(number)))
    for _ in range(5):  # what is not a line of output has room of its own
        queue.put(Event("task.finished", 0, "host-1"))
    gate.open.set()
    queue.end()
    assert queue.join(10) == 0
    said = [event.data.get("line") or event.data.get("note") or event.kind for event in gate.events]
    assert said == [
        "first",
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        3,
        "task.finished",
        "task.finished",
        "task.finished",
        2,
    ]


def test_large_lines_are_bounded_in_size(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_queue, "LARGE", 100)
    queue = LogQueue("gate", gate.write, lambda: None, left_out)
    queue.start()
    queue.put(line("first"))
    assert gate.begun.wait(10)
    for _ in range(4):
        queue.put(line("x" * 60))
    gate.open.set()
    queue.end()
    assert queue.join(10) == 0
    assert [event.data.get("note") for event in gate.events] == [None, None, None, 2]


def test_a_task_waits_for_a_logger_that_is_slower_and_nothing_is_left_out(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_queue, "MANY", 20)
    monkeypatch.setattr(log_queue, "RESERVED", 10)
    monkeypatch.setattr(log_queue, "PATIENCE", 30.0)
    gate.open.set()
    queue = LogQueue("gate", gate.write, lambda: None, left_out)
    queue.start()
    for number in range(500):
        queue.put(line(str(number)), may_wait=True)
    queue.end()
    assert queue.join(10) == 0
    assert [event.data["line"] for event in gate.events] == [str(number) for number in range(500)]


def test_a_worker_whose_console_nobody_reads_still_stops(board: Board, url: str, tmp_path: Path) -> None:
    """The pipe is full after the first lines; then SIGTERM comes."""
    board.push("console", "x" * 60_000)
    board.push("console", "y" * 60_000)
    board.push("console", "z" * 60_000)
    worker = jobs_process(
        "run", "--runner", "console", path=tmp_path, JOBS_REDIS_URL=url, JOBS_BOARD=board.name
    )
    waiting = threading.Event()
    for _ in range(1000):
        if board.stats()["done"] == 3:
            break
        waiting.wait(0.02)
    worker.terminate()
    assert worker.wait(20) == 0
    assert board.stats()["done"] == 3
    assert worker.stdout is not None and worker.stderr is not None
    os.read(worker.stdout.fileno(), 10)
    assert "the logger 'console' did not finish before the worker ended" in worker.stderr.read()
    worker.stdout.close()
    worker.stderr.close()


def test_a_logger_that_fails_is_told_to_the_others(board: Board) -> None:
    def fail(event: Event) -> None:
        raise OSError("no space")

    other = Recorder()
    with working(
        board, runner(lambda task, context: Outcome.done()), loggers=[Logger("full", fail), other.logger]
    ):
        (event,) = other.wait_for("trouble")
    assert event.data["note"] == "the logger 'full' failed: OSError: no space"
