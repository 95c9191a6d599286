"""The policy in real workers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from jobs_breaker import OPEN

from jobs_core import Board, Context, Outcome, Runner, Task
from jobs_core.testing import cli, working


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_BREAKER_FAILURES", "3")
    monkeypatch.setenv("JOBS_BREAKER_PAUSE", "0.3")


class Target:
    """A target that can be down, and counts calls."""

    def __init__(self) -> None:
        self.away = threading.Event()
        self.away.set()
        self.calls = 0
        self.fail: Callable[[], Outcome] = lambda: Outcome.failed("away", code="503")

    def run(self, task: Task, context: Context) -> Outcome:
        self.calls += 1
        return self.fail() if self.away.is_set() else Outcome.done()

    @property
    def runner(self) -> Runner:
        return Runner("test", self.run, target=lambda payload: "somewhere")


def push(board: Board, count: int, **options: object) -> None:
    unchecked = Board(board.name, client=board.client, validate=False)
    for number in range(count):
        unchecked.push("test", str(number), **{"policy": "breaker", "attempts": 9, "backoff": 0.05} | options)


def test_a_failing_target_is_paused_and_no_task_is_lost(board: Board) -> None:
    target = Target()
    push(board, 20)
    with working(board, target.runner, concurrency=1) as (_, log):
        put_off = log.wait_for("task.finished", 20)
        assert target.calls < 10
        target.away.clear()
        while board.stats()["done"] < 20:
            log.wait_for("task.finished", len(log.of("task.finished")) + 1)
    refused = [event for event in put_off if event.outcome and event.outcome.code == OPEN]
    assert refused and all(event.decision and event.decision.verb == "release" for event in refused)
    assert any("the circuit 'test somewhere' is open" in event.data["line"] for event in log.of("task.line"))
    assert board.count()["dead"] == 0


def test_a_postponed_attempt_does_not_count(board: Board) -> None:
    target = Target()
    push(board, 4, attempts=2)
    with working(board, target.runner, concurrency=1) as (_, log):
        while board.stats()["dead"] < 4:
            log.wait_for("task.finished", len(log.of("task.finished")) + 1)
    assert target.calls == 8  # two real attempts each, however often the circuit was open
    assert any(e.outcome and e.outcome.code == OPEN for e in log.of("task.finished"))


def test_all_workers_share_the_circuit(board: Board) -> None:
    first, second = Target(), Target()
    push(board, 3)
    with working(board, first.runner, concurrency=1) as (_, log):
        log.wait_for("task.finished", 3)
    calls = first.calls
    push(board, 1)
    with working(board, second.runner, concurrency=1) as (_, log):
        (event, *_) = log.wait_for("task.finished")
    assert event.outcome is not None and event.outcome.code == OPEN
    assert (calls, second.calls) == (3, 0)


@pytest.mark.parametrize(
    "fail", [lambda: Outcome.failed("not there", code="404"), lambda: Outcome.cancelled("by itself")]
)
def test_failures_unrelated_to_the_target_open_no_circuit(board: Board, fail: Callable[[], Outcome]) -> None:
    target = Target()
    target.fail = fail
    push(board, 10, attempts=1)
    with working(board, target.runner, concurrency=1) as (_, log):
        log.wait_for("task.finished", 10)
    assert target.calls == 10


def test_exceptions_and_timeouts_are_failures(board: Board) -> None:
    def hang(task: Task, context: Context) -> Outcome:
        if task.payload == "1":
            raise ConnectionError("away")
        context.cancelled.wait()
        return Outcome.cancelled()

    push(board, 3, attempts=1, timeout=0.1)
    with working(board, Runner("test", hang, target=lambda payload: "somewhere")) as (_, log):
        log.wait_for("task.finished", 3)
        push(board, 1)
        event = log.wait_for("task.finished", 4)[3]
    assert event.outcome is not None and event.outcome.code == OPEN


def test_jobs_with_other_policies_ignore_circuits(board: Board) -> None:
    target = Target()
    push(board, 5, policy="retry", attempts=1)
    with working(board, target.runner, concurrency=1) as (_, log):
        log.wait_for("task.finished", 5)
    assert target.calls == 5


def test_the_target_is_the_job_unless_the_runner_names_one(board: Board) -> None:
    unchecked = Board(board.name, client=board.client, validate=False)
    options = {"policy": "breaker", "attempts": 1}
    unchecked.put("bad", "test", "bad", **options)
    unchecked.put("good", "test", "good", **options)
    for _ in range(4):
        unchecked.push("bad")
    unchecked.push("good")

    def run(task: Task, context: Context) -> Outcome:
        return Outcome.done() if task.payload == "good" else Outcome.failed("bad", code="1")

    with working(board, Runner("test", run), concurrency=1) as (_, log):
        events = log.wait_for("task.finished", 5)
    assert [e.outcome.code if e.outcome else "" for e in events] == ["1", "1", "1", OPEN, ""]


# The command line


def jobs(board: Board, *words: str) -> tuple[int, str, str]:
    url = f"unix://{board.client.get_connection_kwargs()['path']}"
    environment = {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name}
    done = CliRunner().invoke(cli, ["breaker", *words], env=environment, prog_name="jobs")
    return done.exit_code, done.stdout, done.stderr


def test_circuits_are_listed_and_closed(board: Board) -> None:
    target = Target()
    push(board, 3, attempts=1)
    with working(board, target.runner, concurrency=1) as (_, log):
        log.wait_for("task.finished", 3)
    code, out, _ = jobs(board, "list", "--json")
    assert code == 0
    found = json.loads(out)
    assert (found["name"], found["failures"]) == ("test somewhere", 3)
    assert found["state"] in ("open", "half-open")
    assert "test somewhere" in jobs(board, "list")[1]
    assert jobs(board, "close", "test somewhere")[:2] == (0, "test somewhere is closed\n")
    assert jobs(board, "list", "--json")[1] == ""
    assert jobs(board, "close", "test somewhere") == (
        2,
        "",
        "Error: there is no circuit 'test somewhere' with failures: see `jobs breaker list`\n",
    )
