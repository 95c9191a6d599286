"""Inline runners: the worker's own loop calls them; otherwise they behave like those on threads."""

from __future__ import annotations

import threading
import time

import pytest

from jobs_core import Board, Context, Outcome, Runner, Task
from tests.helpers import wait_until, working


def test_inline_runs_share_one_thread_and_each_is_reported(board: Board) -> None:
    threads: set[int] = set()

    def run(task: Task, context: Context) -> Outcome:
        threads.add(threading.get_ident())
        return Outcome.done()

    for number in range(500):
        board.push("test", str(number))
    with working(board, Runner("test", run, inline=True)):
        wait_until(lambda: board.stats()["done"] == 500)
    assert len(threads) == 1
    assert board.stats()["doubled"] == board.stats()["in_flight"] == 0


@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(3), KeyboardInterrupt()])
def test_an_exception_in_an_inline_runner_does_not_affect_other_tasks(
    board: Board, error: BaseException
) -> None:
    def run(task: Task, context: Context) -> Outcome:
        if task.raw == "bad":
            raise error
        return Outcome.done()

    for payload in ("good", "bad", "good"):
        board.push("test", payload)
    with working(board, Runner("test", run, inline=True)):
        wait_until(lambda: board.stats()["done"] == 2 and board.stats()["dead"] == 1)


def test_inline_and_other_runners_share_a_worker(board: Board) -> None:
    on_thread: set[int] = set()

    def slow(task: Task, context: Context) -> Outcome:
        on_thread.add(threading.get_ident())
        context.cancelled.wait(0.05)
        return Outcome.done()

    def quick(task: Task, context: Context) -> Outcome:
        assert threading.get_ident() not in on_thread
        return Outcome.done()

    for _ in range(10):
        board.push("slow", "x")
        board.push("quick", "x")
    with working(board, Runner("slow", slow), Runner("quick", quick, inline=True)):
        wait_until(lambda: board.stats()["done"] == 20)


def test_an_inline_runner_that_is_not_quick_is_named_once(board: Board) -> None:
    def run(task: Task, context: Context) -> Outcome:
        time.sleep(0.15)
        return Outcome.done()

    for _ in range(3):
        board.push("test", "x")
    with working(board, Runner("test", run, inline=True)) as (_, log):
        wait_until(lambda: board.stats()["done"] == 3)
        (event,) = log.wait_for("trouble")
    assert event.data["note"] == "the inline runner 'test' is slow and blocks the worker's other tasks"


def test_stopping_reports_inline_runs_and_returns_the_rest(board: Board) -> None:
    for _ in range(2000):
        board.push("test", "x")
    with working(board, Runner("test", lambda task, context: Outcome.done(), inline=True)) as (worker, _):
        wait_until(lambda: board.stats()["done"] > 0)
        worker.stop()
    stats = board.stats()
    assert stats["done"] + stats["in_flight"] == 2000
    assert board.count()["leased"] == 0
