"""`jobs doctor` on boards where nothing moves, and `jobs workers`."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

import pytest

from jobs_core import AsyncBoard, Board, Outcome
from tests.helpers import Jobs, refused, runner, wait_until, working


def findings(jobs: Jobs) -> tuple[int, dict[str, tuple[str, str]]]:
    """Run doctor. Returns the exit code, and the state and note of each check."""
    result = jobs("doctor", "--json")
    lines = map(json.loads, result.stdout.splitlines())
    return result.exit_code, {line["check"]: (line["state"], line["note"]) for line in lines}


def call(board: Board, name: str, *words: Any) -> Any:
    return board.commands.call(name, *words)


def register(board: Board, worker: str, *words: Any, ago: float = 0, runner: str = "shell") -> None:
    call(
        board,
        "JREGISTER",
        worker,
        runner,
        "--",
        "state",
        "serving",
        *words,
        "now",
        f"{time.time() - ago:.3f}",
    )


@pytest.fixture
def overdue(board: Board) -> Board:
    """A board with a job that has been overdue for 12 seconds."""
    call(board, "JSET", "tick", "shell", "date", "every", 1, "now", f"{time.time() - 12:.3f}")
    return board


def test_a_board_without_workers_and_ticks_has_problems(jobs: Jobs, overdue: Board) -> None:
    code, found = findings(jobs)
    assert code == 1
    state, note = found["overdue"]
    assert (state, bool(re.fullmatch(r"the job tick is overdue by \d+s", note))) == ("problem", True), note
    assert found["workers"] == ("problem", "tasks wait for a worker, but none serves the queue shell")
    assert found["ticks"] == ("problem", "nobody ticks: what is due is not queued")
    text = jobs("doctor").stdout
    crosses = [line for line in text.splitlines() if line.startswith("✗")]
    assert [line.split()[1] for line in crosses] == ["overdue:", "ticks:", "workers:"], crosses


def test_silent_workers_do_not_count(jobs: Jobs, overdue: Board) -> None:
    register(overdue, "dead", "ticks", 1, ago=31)
    code, found = findings(jobs)
    assert (code, found["workers"][0], found["ticks"][1]) == (
        1,
        "problem",
        "nobody ticks: what is due is not queued",
    )


def test_living_workers_that_cannot_keep_up_are_another_problem(jobs: Jobs, overdue: Board) -> None:
    register(overdue, "w", "ticks", 1)
    code, found = findings(jobs)
    assert code == 1
    assert found["workers"] == ("ok", "1 alive, serving shell")
    assert found["ticks"] == ("problem", "ticks cannot keep up with what is due")


def test_tasks_that_wait_in_a_queue_nobody_serves_are_a_problem(jobs: Jobs, board: Board) -> None:
    register(board, "w")
    for queue in ("shell", "slow"):
        call(board, "JPUSH", "shell", "x", "queue", queue, "now", f"{time.time() - 11:.3f}")
    board.push("shell", "x", queue="fresh")
    assert findings(jobs)[1]["workers"] == (
        "problem",
        "tasks wait for a worker, but none serves the queue slow",
    )
    register(board, "w", "queues", "shell slow")
    assert findings(jobs)[1]["workers"] == ("ok", "1 alive, serving shell, slow")


def test_an_old_client_that_registers_once_counts_as_a_worker(jobs: Jobs, overdue: Board) -> None:
    call(overdue, "JREGISTER", "old", "shell", "--", "now", f"{time.time() - 3600:.3f}")
    assert next(overdue.workers())["state"] == "unknown"
    assert findings(jobs)[1]["workers"][0] == "ok"


def test_leases_and_delayed_tasks_that_nobody_takes_back_are_overdue(jobs: Jobs, board: Board) -> None:
    long_ago = f"{time.time() - 100:.3f}"
    call(board, "JPUSH", "shell", "x", "now", long_ago)
    call(board, "JPOP", 1, "shell", "lease", 30, "now", long_ago)
    call(board, "JPUSH", "shell", "x", "in", 40, "now", long_ago)
    assert findings(jobs)[1]["overdue"][1].endswith(
        " is overdue by 1m; leases have expired, but 1 of their tasks are not back in their queues"
    )


def test_a_worker_whose_clock_differs_is_named(jobs: Jobs, board: Board) -> None:
    register(board, "fast", "clock", f"{time.time() + 40:.3f}")
    state, note = findings(jobs)[1]["clock"]
    assert state == "warning"
    assert "worker fast is 40.0 s ahead" in note


def test_a_job_that_is_due_more_often_than_its_rate_is_named(jobs: Jobs, board: Board) -> None:
    start = time.time() - 60
    call(board, "JSET", "fast", "echo", "x", "every", 1, "rate", "1/1m", "now", f"{start:.3f}")
    for second in range(3):
        call(board, "JTICK", "now", f"{start + second:.3f}")
        call(board, "JPOP", 1, "echo", "count", 5, "lease", 30, "now", f"{start + second:.3f}")
    code, found = findings(jobs)
    assert code == 1
    assert found["limits"] == (
        "problem",
        "the job fast is due more often than its rate 1/60 lets start: 2 tasks wait",
    )


def test_a_limit_that_holds_tasks_for_long_is_named(jobs: Jobs, board: Board) -> None:
    board.limit("runner", "echo", concurrency=1)
    for ago in (700, 700, 1):
        call(board, "JPUSH", "echo", "x", "now", f"{time.time() - ago:.3f}")
    board.pop("echo", count=3, lease=60)
    state, note = findings(jobs)[1]["limits"]
    assert state == "problem"
    assert note.startswith("the limit of the runner echo holds 2 tasks, the oldest for 11m40s")
    call(board, "JLIMIT", "runner", "echo")
    board.tick()
    assert findings(jobs)[1]["limits"][0] == "ok"


def test_a_worker_reports_until_it_ends(board: Board, jobs: Jobs) -> None:
    echo = runner(lambda task, context: Outcome.done(), "echo")
    with working(board, echo, queues=["slow"], concurrency=3, name="w", tick=False):
        wait_until(lambda: bool(list(board.workers())))
        (found,) = board.workers()
        assert found["queues"] == ["echo", "slow"]
        assert (found["worker"], found["state"], found["running"], found["concurrency"]) == (
            "w",
            "serving",
            0,
            3,
        )
        assert (found["ticks"], found["runners"]) == (False, ["echo"])
        assert abs(found["drift"]) < 5
        assert json.loads(jobs("workers", "--json").stdout) == found
        header, row = jobs("workers").stdout.splitlines()
        assert header.split() == ["worker", "state", "host", "pid", "queues", "running", "ticks", "seen"]
        assert row.split()[:2] == ["w", "serving"]
        assert "0 of 3" in row
    assert list(board.workers()) == []


def test_the_asyncio_client_lists_workers(board: Board, url: str) -> None:
    register(board, "dead", ago=31)
    register(board, "w")

    async def states() -> dict[str, str]:
        async with AsyncBoard(board.name, url) as found:
            return {worker["worker"]: worker["state"] async for worker in found.workers()}

    assert asyncio.run(states()) == {"dead": "silent", "w": "serving"}


def test_retention_shows_and_sets_bounds(jobs: Jobs, board: Board) -> None:
    result = jobs("retention", "expire-ended", "30d")
    assert result.exit_code == 0
    assert any(line.split()[:2] == ["expire-ended", "30d"] for line in result.stdout.splitlines())
    found = json.loads(jobs("retention", "--json").stdout)
    assert (found["expire-ended"], found["dead-age"], found["dead-letters"]) == (30 * 86400, None, 10_000)
    shown = jobs("retention", "history-bytes", "1000").stdout
    assert any(line.split()[:2] == ["history-bytes", "1,000"] for line in shown.splitlines())
    refused(jobs("retention", "dead-leters", "5"), "unknown bound 'dead-leters'", "dead-letters")
    refused(jobs("retention", "dead-letters"), "needs a bound for dead-letters")
    refused(jobs("retention", "dead-letters", "x"), "dead-letters: expected a whole number")


def test_doctor_warns_of_what_is_nearly_at_its_bound(jobs: Jobs, board: Board) -> None:
    assert findings(jobs)[1]["growth"] == ("ok", "waiting tasks: 0; dead letters: 0")
    board.retain(dead_letters=1)
    board.push("console", "x")
    board.ack(board.pop("console", lease=30)[0].token, "dead")
    board.limit("queue", "console", max_length=2)
    board.push("console", "x")
    board.push("console", "x")
    assert findings(jobs)[1]["growth"] == (
        "warning",
        "there are 1 dead letters, of at most 1: the oldest are purged; "
        "2 tasks wait in the queue console, of at most 2: others are refused and skipped",
    )
    refused(jobs("push", "console", "x"), "queue: the queue 'console' is full")


def test_the_asyncio_client_bounds_a_board(board: Board, url: str) -> None:
    async def bounds() -> tuple[Any, Any]:
        async with AsyncBoard(board.name, url) as found:
            await found.limit("queue", "echo", max_length=5)
            await found.retain(dead_age="1h")
            return await found.retention(), [limit async for limit in found.limits()]

    kept, (limit,) = asyncio.run(bounds())
    assert (kept["dead-age"], limit["max_length"]) == (3600, 5)


def test_the_asyncio_client_cancels_a_job(board: Board, url: str) -> None:
    board.put("a", "echo", "x")
    board.push("a")

    async def cancel() -> dict[str, int]:
        async with AsyncBoard(board.name, url) as found:
            return await found.cancel_job("a")

    assert asyncio.run(cancel()) == {"cancelled": 1, "cancelling": 0}


def test_a_dead_letter_of_an_alert_is_a_problem_until_it_is_told(jobs: Jobs, board: Board) -> None:
    board.alert_put("ops", "tell", "x", when="failed")
    board.put("a", "console", "x", on_failure="tell y")
    assert findings(jobs)[1]["alerts"] == ("ok", "all alerts have reached somebody")
    board.alert_test("ops")
    board.push("a")
    board.ack(board.pop("console", lease=30)[0].token, "dead")
    for task in board.pop("tell", count=9, lease=30):
        board.ack(task.token, "dead")
    assert findings(jobs)[1]["alerts"] == (
        "problem",
        "somebody was not told: 3 tasks of on-failure:a, ops failed",
    )
    board.dead_retry(all=True)
    assert findings(jobs)[1]["alerts"][0] == "ok"


def test_failing_jobs_without_any_alert_are_worth_an_advice(jobs: Jobs, board: Board) -> None:
    board.put("a", "console", "x")
    board.push("a")
    board.ack(board.pop("console", lease=30)[0].token, "dead")
    assert findings(jobs)[1]["alerts"] == ("ok", "no alerts, and 1 job fails")
    assert "see `jobs alert put --help`" in jobs("doctor").output
    board.alert_put("ops", "tell", "x", when="failed")
    assert findings(jobs)[1]["alerts"] == ("ok", "all alerts have reached somebody")


def test_an_alert_whose_queue_nobody_serves_is_a_problem(jobs: Jobs, board: Board) -> None:
    board.alert_put("ops", "tell", "x", when="failed")
    assert findings(jobs)[1]["alerts"][0] == "ok"  # no worker lives at all, which is said once
    register(board, "host-1", runner="shell")
    assert findings(jobs)[1]["alerts"] == ("problem", "no worker serves the queue 'tell' of the alert ops")
    board.alert_put("ops", "shell", "x", when="failed")
    assert findings(jobs)[1]["alerts"][0] == "ok"


def test_an_alert_whose_runner_no_worker_of_its_queue_has_is_a_problem(jobs: Jobs, board: Board) -> None:
    board.alert_put("ops", "tell", "x", when="failed", queue="shell")
    register(board, "host-1", runner="shell")
    register(board, "host-2", runner="tell")
    sentence = "no worker of the queue 'shell' serves the runner 'tell' of the alert ops"
    assert findings(jobs)[1]["alerts"] == ("problem", sentence)
    board.alert_put("ops", "tell", "x", when="failed")
    assert findings(jobs)[1]["alerts"][0] == "ok"


def test_a_variable_that_has_no_effect_is_named(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_REDIS_PASSWORD", "s3cret")
    monkeypatch.setenv("JOBS_SECRET_TOKEN", "of a payload")
    state, note = findings(jobs)[1]["settings"]
    assert state == "warning"
    assert note.endswith("JOBS_REDIS_PASSWORD has no effect (did you mean 'JOBS_REDIS_PASSWORD_FILE'?)"), note
    monkeypatch.setenv("JOBS_TASK_ID", "a@1")  # a task has variables of its own
    assert findings(jobs)[1]["settings"][0] == "ok"
