"""Tasks that continue elsewhere: accepted under their token until a callback or the timeout."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from jobs_shell.surroundings import inherited

from jobs_core import Board, Context, OptionError, Outcome, StaleError, Task
from tests.helpers import Jobs, Recorder, lines, refused, runner, wait_until, working


def accept(task: Task, context: Context) -> Outcome:
    return Outcome.accepted("handed over", progress=5)


@contextmanager
def accepted(board: Board, **options: Any) -> Iterator[tuple[str, Recorder]]:
    """Yield the token of an accepted task, while a worker runs."""
    board.push("test", "x", **options)
    with working(board, runner(accept)) as (_, log):
        (event,) = log.wait_for("task.accepted")
        assert event.task is not None
        yield event.task.token, log


def test_an_accepted_task_stays_open_until_it_is_acknowledged(board: Board) -> None:
    with accepted(board) as (token, log):
        (task,) = board.tasks()
        assert (task["state"], task["note"], task["progress"]) == ("accepted", "handed over", 5)
        assert board.stats()["done"] == 0
        board.ack(token, note="all done")
    assert list(board.tasks()) == []
    assert board.stats()["done"] == 1
    assert [entry["what"] for entry in board.history()] == ["done", "accepted"]
    assert not log.of("task.finished")


def test_an_accepted_task_outlives_the_lease_of_its_worker(board: Board) -> None:
    board.push("test", "x", lease=0.2)
    with working(board, runner(accept)) as (_, log):
        log.wait_for("task.accepted")
        (task,) = board.tasks()
    assert task["until"] - time.time() > 80_000
    assert board.tick(now=time.time() + 3600).moved == 0


def test_a_script_reports_on_its_own_task_with_the_program_in_jobs_ack(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBS_REDIS_URL", url)
    monkeypatch.setenv("JOBS_SHELL_ENV", "JOBS_REDIS_URL")
    inherited.cache_clear()
    with Board("test-ack", url) as board, working(board, board.plugins.runner("shell")):
        script = 'jobs() { false; }; test -x "$JOBS_ACK" && "$JOBS_ACK" --progress 40 --note "epoch 4"'
        task = board.push("shell", script)
        ended = board.wait(task)
        noted = [entry["note"] for entry in board.history(task=task) if entry["what"] == "update"]
    assert (ended["what"], noted) == ("done", ["epoch 4"])


def test_the_token_may_come_from_the_environment(board: Board, jobs: Jobs, monkeypatch: Any) -> None:
    board.push("test", "x")
    (task,) = board.pop("test", lease=30)
    refused(jobs("ack"), "Missing argument 'TOKEN'")
    monkeypatch.setenv("JOBS_TOKEN", task.token)
    assert jobs("ack").stdout == f"{task.id}\n"
    assert board.stats()["done"] == 1


def test_updates_are_kept_and_shown(board: Board, jobs: Jobs) -> None:
    with accepted(board) as (token, _):
        assert jobs("ack", token, "--progress", "40", "--note", "2 of 5 files").exit_code == 0
        (task,) = lines(jobs("tasks", "--json"))
        assert (task["progress"], task["note"], task["worker"]) == (40, "2 of 5 files", task["worker"])
        shown = jobs("tasks").stdout
        assert "40 %" in shown and "2 of 5 files" in shown and "accepted" in shown
        jobs("ack", token, "--progress", "80")
        (task,) = lines(jobs("tasks", "--json", "--state", "accepted"))
        assert (task["progress"], task["note"]) == (80, "2 of 5 files")
        assert lines(jobs("history", "--json"))[0]["progress"] == "80"
        assert "40 % 2 of 5 files" in jobs("history", str(task["id"])).stdout


def test_a_failure_that_calls_back_follows_the_policy(board: Board, jobs: Jobs) -> None:
    """Policies run in workers: the next worker that takes the task asks its policy."""
    with accepted(board, attempts=2, backoff="0.01") as (token, log):
        assert jobs("ack", token, "--failed", "--code", "503", "--note", "no room").exit_code == 0
        (_, second) = log.wait_for("task.accepted", 2)
        assert second.task is not None and second.task.attempt == 2
        (failed,) = second.task.history
        assert (failed.status, failed.code, failed.note, failed.decided) == ("failed", "503", "no room", True)
        board.ack(second.task.token, "failed", code="503")
        wait_until(lambda: board.count()["dead"] == 1)
    (letter,) = board.dead()
    assert (letter["attempt"], [a["code"] for a in letter["history"]]) == (2, ["503", "503"])
    stats = board.stats()
    assert (stats["failed"], stats["retried"], stats["dead"], stats["in_flight"]) == (2, 1, 1, 0)


def test_the_timeout_ends_an_unreported_task(board: Board) -> None:
    with accepted(board, timeout="0.2") as (_, log):
        wait_until(lambda: board.count()["dead"] == 1)
        (event,) = log.wait_for("task.finished")
        assert event.outcome == Outcome.failed("no answer came in time", code="timeout")
    (letter,) = board.dead()
    assert [(a["status"], a["code"]) for a in letter["history"]] == [("failed", "timeout")]
    assert board.stats()["failed"] == 1


def test_a_token_acknowledges_once(board: Board, jobs: Jobs) -> None:
    with accepted(board) as (token, _):
        board.ack(token)
        with pytest.raises(StaleError, match="no longer holds its task"):
            board.ack(token, "update", progress=1)
        again = jobs("ack", token)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "no longer holds its task" in again.stderr


def test_mistakes(board: Board, jobs: Jobs) -> None:
    with accepted(board) as (token, _):
        refused(jobs("ack", token, "--progress", "140"), "--progress")
        refused(jobs("ack", token, "--failed", "--progress", "40"), "Pass only one of them")
        with pytest.raises(OptionError, match="progress: expected a number from 0 to 100, got 'much'"):
            board.ack(token, "update", progress="much")
        with pytest.raises(OptionError, match=r"verb: expected done, failed, .* got 'finished'"):
            board.ack(token, "finished")  # type: ignore[arg-type]
        assert board.count()["leased"] == 1
