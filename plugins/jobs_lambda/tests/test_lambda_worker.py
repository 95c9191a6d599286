"""The runner in a real worker, on a real server."""

from __future__ import annotations

import threading
from typing import Any

import jobs_lambda
import pytest

from jobs_core import Board, PayloadError, Plugins, Runner
from tests.helpers import wait_until, working

from .conftest import tail


def runner() -> Runner:
    return next(iter(jobs_lambda.jobs_runners()))


@pytest.fixture(autouse=True)
def there(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_LAMBDA_ENDPOINT", cloud.url)


def test_tasks_are_invocations(board: Board, cloud: Any) -> None:
    for number in range(20):
        board.push("lambda", {"function": "f", "event": {"n": number}})
    with working(board, runner(), concurrency=4) as (_, log):
        events = log.wait_for("task.finished", 20)
    assert {event.outcome.code for event in events if event.outcome} == {"200"}
    assert {event.task.id for event in events if event.task} == {
        seen.context["custom"]["jobs"]["task"] for seen in cloud.seen
    }
    assert cloud.connections <= 4
    assert board.stats()["done"] == 20


def test_a_worker_with_many_tasks_keeps_its_connections(board: Board, cloud: Any) -> None:
    """Run all tasks at once, twice. With fewer connections than tasks, some would be opened again."""
    count = 14
    for _ in range(2):
        barrier = threading.Barrier(count)

        def together(handler: Any, barrier: threading.Barrier = barrier) -> None:
            barrier.wait(30)
            handler.reply(200, b"1")

        cloud.routes["f"] = together
        for _ in range(count):
            board.push("lambda", "f")
        with working(board, runner(), concurrency=count) as (_, log):
            log.wait_for("task.finished", count)
    assert cloud.connections == count


def test_the_log_is_seen_by_loggers(board: Board, cloud: Any) -> None:
    cloud.route("f", 200, b"1", x_amz_log_result=tail("one", "two"))
    board.push("lambda", "f")
    with working(board, runner()) as (_, log):
        events = log.wait_for("task.line", 2)
    assert [(event.data["line"], event.data["stream"]) for event in events] == [
        ("one", "log"),
        ("two", "log"),
    ]


def test_throttled_calls_are_retried(board: Board, cloud: Any) -> None:
    def busy(handler: Any) -> None:
        del cloud.routes["f"]
        handler.reply(429, x_amzn_errortype="TooManyRequestsException", retry_after="0")

    cloud.routes["f"] = busy
    board.push("lambda", "f", attempts=3, backoff="1h")
    with working(board, runner()) as (_, log):
        events = log.wait_for("task.finished", 2)
    assert [event.outcome.code for event in events if event.outcome] == ["throttled", "200"]
    told = [seen.context["custom"]["jobs"] for seen in cloud.seen]
    assert [each["attempt"] for each in told] == [1, 2]
    assert len({each["task"] for each in told}) == 1


def test_a_fault_of_the_request_is_given_up_at_once(board: Board, cloud: Any) -> None:
    board.push("lambda", cloud.refuse("f", 404, "ResourceNotFoundException"), attempts=3)
    with working(board, runner()) as (_, log):
        (event,) = log.wait_for("task.finished")
    assert event.decision is not None and event.decision.verb == "dead"
    assert (len(cloud.seen), board.count()["dead"]) == (1, 1)


def test_retry_on_overrides_final_failures(board: Board, cloud: Any) -> None:
    board.push("lambda", cloud.refuse("f", 404, "X"), attempts=2, backoff="fixed 0.01", retry_on="404")
    with working(board, runner()) as (_, log):
        events = log.wait_for("task.finished", 2)
    assert [event.decision.verb for event in events if event.decision] == ["retry", "dead"]


def test_a_function_calls_back(board: Board, cloud: Any) -> None:
    payload = {"function": "f", "invocation": "event", "callback": True, "task-key": "jobs"}
    board.push("lambda", payload)
    with working(board, runner()) as (_, log):
        log.wait_for("task.accepted")
        board.ack(cloud.seen[0].event["jobs"]["token"])
        wait_until(lambda: board.stats()["done"] == 1)


def test_a_cancelled_task_ends_at_once(board: Board, cloud: Any) -> None:
    cloud.routes["f"] = cloud.hang
    id = board.push("lambda", "f")
    with working(board, runner(), lease=1) as (_, log):
        assert cloud.came.wait(30)
        board.cancel(id)
        log.wait_for("task.cancelled")
    assert cloud.gone.wait(30)


def test_a_bad_payload_is_refused_when_it_is_put(url: str, board: Board) -> None:
    checking = Board(board.name, url, plugins=Plugins.load())
    payload = {"function": "f", "invocation": "event", "client-context": {}}
    with pytest.raises(PayloadError, match="client-context: not valid with 'event'"):
        checking.put("a", "lambda", payload, every=60)
    checking.client.close()
