"""A worker that is short of files, processes or memory gives tasks back, and takes fewer."""

from __future__ import annotations

import errno
import resource
import threading

import pytest

from jobs_core import Board, Context, Event, Outcome, Plugins, Runner, Task, hookimpl, is_shortage
from jobs_core.worker.shortage import RECOVERY, Shortage, raise_file_limit
from tests.helpers import runner, wait_until, working


def test_a_task_that_could_not_start_goes_back_and_counts_no_attempt(board: Board) -> None:
    attempts: list[int] = []

    def run(task: Task, context: Context) -> Outcome:
        attempts.append(task.attempt)
        short = len(attempts) < 3
        return Outcome.not_started("cannot start: Too many open files") if short else Outcome.done("fine")

    board.push("test", "x", attempts=1)
    with working(board, runner(run)) as (_, log):
        (event,) = log.wait_for("task.finished")
        assert event.outcome is not None and event.outcome.note == "fine"
        assert len(log.of("task.released")) == 2
        (trouble,) = log.of("trouble")
    assert attempts == [1, 1, 1]
    assert "returned to its queue: cannot start: Too many open files" in trouble.data["note"]
    stats = board.stats()
    assert (stats["released"], stats["dead"], stats["done"]) == (2, 0, 1)


def test_a_short_worker_holds_only_as_many_as_could_start(board: Board) -> None:
    """Two fit. The others wait in the queue, rather than being taken and returned all the time."""
    slots, lock, ended = 2, threading.Lock(), threading.Event()
    running: set[str] = set()
    refused: list[str] = []

    def run(task: Task, context: Context) -> Outcome:
        with lock:
            if len(running) >= slots:
                refused.append(task.id)
                return Outcome.not_started("no room")
            running.add(task.id)
        ended.wait(30)
        with lock:
            running.discard(task.id)
        return Outcome.done()

    for _ in range(12):
        board.push("test", "x")
    with working(board, runner(run), concurrency=12) as (worker, log):
        wait_until(lambda: len(log.of("task.released")) == 10)
        assert worker._shortage.capacity() == 2
        ended.set()
        log.wait_for("task.finished", 12)
        assert len(log.of("trouble")) == 1
    assert board.stats()["dead"] == 0


def test_without_a_lease_it_has_failed(board: Board) -> None:
    board.push("test", "x", policy="none")
    with working(board, runner(lambda task, context: Outcome.not_started("no room"))) as (_, log):
        (event,) = log.wait_for("task.finished")
    assert event.outcome is not None and (event.outcome.status, event.outcome.code) == ("failed", "start")


@pytest.mark.parametrize(
    "error",
    [OSError(errno.EMFILE, "x"), OSError(errno.ENFILE, "x"), OSError(errno.EAGAIN, "x"), MemoryError()],
)
def test_a_shortage_before_the_run_gives_back_but_not_one_within_it(
    board: Board, url: str, error: Exception
) -> None:
    calls: list[str] = []

    class Before:
        @hookimpl(tryfirst=True)
        def jobs_execute(self, task: Task, runner: Runner, context: Context) -> None:
            calls.append("before")
            if len(calls) == 1:
                raise error

    def run(task: Task, context: Context) -> Outcome:
        raise error

    plugins = Plugins()
    plugins.add("before", Before())
    other = Board(board.name, url, plugins=plugins)
    with other:
        board.push("test", "x")
        with working(other, runner(run)) as (_, log):
            (event,) = log.wait_for("task.finished")
        assert len(log.of("task.released")) == 1
    assert event.outcome is not None and event.outcome.code == type(error).__name__


def test_what_a_shortage_is() -> None:
    assert is_shortage(OSError(errno.ENOMEM, "x"))
    assert is_shortage(RuntimeError("can't start new thread"))
    assert not is_shortage(OSError(errno.E2BIG, "x"))
    assert not is_shortage(RuntimeError("no luck"))


def test_after_a_shortage_a_worker_takes_gradually_more_and_says_so_once() -> None:
    said: list[str] = []
    shortage = Shortage(100, said.append)
    assert shortage.capacity(0) == 100
    shortage.begin("no files", 40, now=0)
    shortage.begin("no files", 41, now=0)
    assert shortage.capacity(RECOVERY - 1) == 40
    assert shortage.capacity(RECOVERY) == 51
    shortage.begin("no files", 45, now=RECOVERY + 1)
    assert shortage.capacity(RECOVERY + 2) == 45
    assert len(said) == 1
    seen = [shortage.capacity(RECOVERY * n) for n in range(2, 20)]
    assert seen == sorted(seen) and seen[-1] == 100
    shortage.begin("no files", 0, now=RECOVERY * 30)
    assert shortage.capacity(RECOVERY * 30) == 1
    assert len(said) == 2


def test_the_limit_on_open_files_is_raised_and_a_low_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"is": (1024, 4096)}
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits["is"])
    monkeypatch.setattr(resource, "setrlimit", lambda which, both: limits.update({"is": both}))
    assert raise_file_limit(100) == ""
    assert limits["is"] == (4096, 4096)
    assert raise_file_limit(1000).startswith("a concurrency of 1000 may need 8100 open files, but")

    def refuse(which: int, both: tuple[int, int]) -> None:
        raise ValueError

    limits["is"] = (256, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert "this process may open 256" in raise_file_limit(100)


def test_a_worker_says_at_its_start_that_the_limit_is_low(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs_core.worker.worker.raise_file_limit", lambda concurrency: "the limit is low")
    with working(board, runner(lambda task, context: Outcome.done())) as (_, log):
        events: list[Event] = log.wait_for("trouble")
    assert [event.data["note"] for event in events] == ["the limit is low"]
