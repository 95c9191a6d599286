"""Limits of a board of several partitions, as clients and workers see them."""

from __future__ import annotations

import threading

import pytest

from jobs_core import Board, Context, OptionError, Outcome, Task
from tests.helpers import runner, wait_until, working


def test_as_many_run_at_once_as_the_limit_allows(spread_board: Board) -> None:
    lock, gate = threading.Lock(), threading.Event()
    running, seen = 0, []

    def run(task: Task, context: Context) -> Outcome:
        nonlocal running
        with lock:
            running += 1
            seen.append(running)
            if len(seen) == 3:
                gate.set()
        gate.wait(10)
        with lock:
            running -= 1
        return Outcome.done()

    spread_board.limit("runner", "test", concurrency=3)
    for _ in range(20):
        spread_board.push("test", "x")
    with working(spread_board, runner(run)):
        wait_until(lambda: spread_board.stats()["done"] == 20)
    assert max(seen) == 3


def test_a_limit_is_the_same_in_all_partitions_at_once(spread_board: Board) -> None:
    spread_board.limit("queue", "mail", concurrency=3, max_length=9)
    for part in spread_board.partitions:
        assert [limit["max_length"] for limit in part.limits()] == [9]
    assert len(list(spread_board.changes())) == 1


def test_a_push_finds_a_place_in_any_partition(spread_board: Board) -> None:
    spread_board.limit("queue", "test", max_length=9)
    for number in range(9):
        spread_board.push("test", str(number), idempotency_key="a" if number == 0 else f"b{number}")
    with pytest.raises(OptionError, match="the queue 'test' is full: it takes at most 9 tasks"):
        spread_board.push("test", "x")
    assert spread_board.count()["queued"] == 9


def test_why_knows_tasks_of_other_partitions_that_fill_a_limit(spread_board: Board) -> None:
    spread_board.limit("runner", "test", concurrency=1)
    for _ in range(8):
        spread_board.push("test", "x")
    (running,) = spread_board.pop("test", count=8, lease=30, worker="host-1")
    assert sum(part.count()["held"] > 0 for part in spread_board.partitions) > 1
    for task in spread_board.tasks("held"):
        assert f"which {running.id} fills" in spread_board.why(task["id"]).text
