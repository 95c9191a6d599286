"""The runner in a real worker, on a real server."""

from __future__ import annotations

from typing import Any

import jobs_http
import pytest

from jobs_core import Board, Runner
from tests.helpers import wait_until, working


def runner() -> Runner:
    return next(iter(jobs_http.jobs_runners()))


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_HTTP_ALLOW", "loopback")


def test_tasks_are_requests(board: Board, target: Any) -> None:
    for number in range(20):
        board.push("http", {"url": target.url(f"/{number}"), "json": {"n": number}})
    with working(board, runner(), concurrency=4) as (_, log):
        events = log.wait_for("task.finished", 20)
    assert {event.outcome.code for event in events if event.outcome} == {"200"}
    assert {event.task.id for event in events if event.task} == {
        seen.headers["idempotency-key"] for seen in target.seen
    }
    assert target.connections <= 4
    assert board.stats()["done"] == 20


def test_settings_come_from_the_environment(
    board: Board, target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOBS_HTTP_ALLOW")
    board.push("http", target.url())
    with working(board, runner()) as (_, log):
        (event,) = log.wait_for("task.finished")
    assert event.outcome is not None and event.outcome.code == "refused"
    assert target.seen == []


def test_a_retry_waits_as_the_target_requests(board: Board, target: Any) -> None:
    def busy(handler: Any) -> None:
        del target.routes["/"]
        handler.reply(503, retry_after="0")

    target.routes["/"] = busy
    board.push("http", target.url(), attempts=3, backoff="1h")
    with working(board, runner()) as (_, log):
        events = log.wait_for("task.finished", 2)
    assert [event.outcome.code for event in events if event.outcome] == ["503", "200"]
    assert [seen.headers["jobs-attempt"] for seen in target.seen] == ["1", "2"]
    assert len({seen.headers["idempotency-key"] for seen in target.seen}) == 1


def test_a_fault_of_the_request_is_given_up_at_once(board: Board, target: Any) -> None:
    board.push("http", target.route("/", 404), attempts=3)
    with working(board, runner()) as (_, log):
        (event,) = log.wait_for("task.finished")
    assert event.decision is not None and event.decision.verb == "dead"
    assert (len(target.seen), board.count()["dead"]) == (1, 1)


def test_retry_on_overrides_final_failures(board: Board, target: Any) -> None:
    board.push("http", target.route("/", 404), attempts=2, backoff=1, retry_on="404")
    with working(board, runner()) as (_, log):
        events = log.wait_for("task.finished", 2)
    assert [event.decision.verb for event in events if event.decision] == ["retry", "dead"]


def test_a_target_calls_back(board: Board, target: Any) -> None:
    board.push("http", target.route("/", 202))
    with working(board, runner()) as (_, log):
        log.wait_for("task.accepted")
        board.ack(target.seen[0].headers["jobs-token"])
        wait_until(lambda: board.stats()["done"] == 1)
