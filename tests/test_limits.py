"""Limits across all workers: concurrency and rates are never exceeded, and no task is held forever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from jobs_core import AsyncBoard, Board, Context, OptionError, Outcome, Task
from tests.helpers import Jobs, lines, refused, runner, wait_until, working


class Meter:
    """A runner that counts its concurrent tasks, and lets them end one by one."""

    def __init__(self) -> None:
        self.most = 0
        self.order: list[str] = []
        self._now = 0
        self._lock = threading.Lock()

    def run(self, task: Task, context: Context) -> Outcome:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.order.append(task.raw)
        context.cancelled.wait(0.01)
        with self._lock:
            self._now -= 1
        return Outcome.done()


@contextmanager
def three_workers(board: Board, meter: Meter) -> Iterator[None]:
    with ExitStack() as stack:
        for n in range(3):
            stack.enter_context(working(board, runner(meter.run), name=f"w{n}", queues=["slow"]))
        yield


def all_done(board: Board, count: int) -> None:
    wait_until(lambda: board.stats()["done"] == count)
    assert board.stats()["in_flight"] == 0


def test_a_job_respects_its_concurrency(board: Board) -> None:
    meter = Meter()
    board.put("a", "test", "x", concurrency=2)
    for _ in range(40):
        board.push("a")
    with three_workers(board, meter):
        all_done(board, 40)
    assert meter.most == 2


@pytest.mark.parametrize(("kind", "name"), [("runner", "test"), ("queue", "test")])
def test_runners_and_queues_respect_their_concurrency_across_workers(
    board: Board, jobs: Jobs, kind: str, name: str
) -> None:
    meter = Meter()
    assert jobs("limit", kind, name, "--concurrency", "3").exit_code == 0
    list(board.push_many({"runner": "test", "payload": "x"} for _ in range(60)))
    with three_workers(board, meter):
        all_done(board, 60)
    assert meter.most == 3


def test_a_limited_job_does_not_block_others(board: Board) -> None:
    board.put("busy", "test", "busy", concurrency=1)
    for _ in range(5):
        board.push("busy")
    other = board.push("test", "other")
    taken = board.pop("test", count=10, lease=30)
    assert [task.raw for task in taken] == ["busy", "other"]
    assert taken[1].id == other
    counts = board.count()
    assert (counts["held"], counts["leased"], counts["queued"]) == (4, 2, 0)
    board.ack(taken[0].token)
    assert [task.raw for task in board.pop("test", count=10, lease=30)] == ["busy"]


def test_a_rate_limits_starts_per_period(board: Board) -> None:
    board.put("a", "test", "x", rate="3/10s")
    for _ in range(7):
        board.push("a")
    now = 1_700_000_000.0

    def started() -> int:
        board.tick(now=now)
        return len(board.pop("test", count=10, lease=30, now=now))

    assert started() == 3
    now += 9.9
    assert started() == 0
    now += 0.2
    assert started() == 3
    now += 10
    assert started() == 1


def test_removing_a_limit_admits_everything(board: Board, jobs: Jobs) -> None:
    board.limit("runner", "test", rate="1/1d")
    list(board.push_many({"runner": "test", "payload": "x"} for _ in range(20)))
    meter = Meter()
    with three_workers(board, meter):
        wait_until(lambda: board.stats()["done"] == 1)
        assert jobs("limit", "runner", "test", "--none").exit_code == 0
        all_done(board, 20)


def test_priorities_leave_their_queue_first(board: Board, jobs: Jobs) -> None:
    for priority in ("0", "-3", "9", "2"):
        assert jobs("push", "console", f"p{priority}", "--priority", priority).exit_code == 0
    board.put("job", "console", "p5", priority=5, every=60)
    board.tick()
    assert [task.raw for task in board.pop("console", count=9)] == ["p9", "p5", "p2", "p0", "p-3"]


def test_a_push_that_is_sent_twice_adds_one_task(board: Board, jobs: Jobs, url: str) -> None:
    first = jobs("push", "console", "x", "--idempotency-key", "order-17").stdout
    assert jobs("push", "console", "x", "--idempotency-key", "order-17").stdout == first
    assert board.push("console", "x", idempotency_key="order-17") == first.strip()

    async def push() -> str:
        async with AsyncBoard(board.name, url, validate=False) as found:
            return await found.push("console", "x", idempotency_key="order-17")

    assert asyncio.run(push()) == first.strip()
    assert board.count()["queued"] == 1
    result = jobs("push", "console", "y", "--idempotency-key", "order-17")
    refused(result, "idempotency-key: used for another push")
    assert "order-17" not in result.output
    refused(jobs("push", "-S", "--idempotency-key", "order-17", input=""), "--idempotency-key is of one push")


def test_unique_for_deduplicates_pushes(board: Board, jobs: Jobs) -> None:
    first = jobs("push", "console", "x", "--unique-for", "1h").stdout
    assert jobs("push", "console", "x", "--unique-for", "1h").stdout == first
    assert jobs("push", "console", "y", "--unique-for", "1h").stdout != first
    assert jobs("push", "console", "x").stdout != first
    assert (board.stats()["queued"], board.count()["queued"]) == (3, 3)


def test_limits_are_listed(board: Board, jobs: Jobs) -> None:
    board.limit("runner", "http", concurrency=20, rate="100/1m")
    board.limit("queue", "slow", concurrency=1)
    assert lines(jobs("limit", "--json")) == [
        {"kind": "queue", "name": "slow", "concurrency": 1, "rate": None, "max_length": None},
        {"kind": "runner", "name": "http", "concurrency": 20, "rate": "100/60", "max_length": None},
    ]
    assert "http" in jobs("limit").stdout


def test_mistakes(board: Board, jobs: Jobs) -> None:
    refused(jobs("limit", "runner"), "limit needs")
    refused(
        jobs("limit", "runner", "http", "--rate", "fast"),
        "rate: expected a rate such as 100/1m or 5/s, got 'fast'",
    )
    refused(
        jobs("limit", "runner", "http", "--concurrency", "0"),
        "concurrency: expected a whole number of at least 1, got '0'",
    )
    refused(jobs("put", "a", "console", "x", "--priority", "10"), "priority: expected -9 to 9, got '10'")
    refused(
        jobs("put", "a", "console", "x", "--policy", "none", "--concurrency", "1"),
        "concurrency: cannot be combined with policy none",
    )
    refused(
        jobs("push", "console", "x", "--backoff", "sometimes 3s"),
        "backoff: expected 10s, 1s,10s,1m or [fixed|linear|exponential] 2s [max 10m] [jitter], "
        "got 'sometimes 3s'",
    )
    with pytest.raises(OptionError, match="queue: expected a name without !, got"):
        board.push("test", "x", queue="a!1")
