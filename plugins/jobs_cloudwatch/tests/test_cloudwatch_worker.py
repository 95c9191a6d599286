"""The logger in a real worker, on a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs_core import Board, Context, Outcome, Plugins, Task
from tests.helpers import jobs_process, runner, working

from .conftest import refusal


def speak(task: Task, context: Context) -> Outcome:
    context.line("héllo \N{SNOWMAN}")
    context.line("oh", "stderr")
    return Outcome.done("said", code="0") if task.payload == "good" else Outcome.failed("no", code="7")


@pytest.fixture
def logger() -> Any:
    return Plugins.load().logger("cloudwatch")


def test_events_of_a_worker_arrive_in_order(
    board: Board, stored: Any, moto_url: str, logger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBS_CLOUDWATCH_ENDPOINT", moto_url)
    board.push("test", "good")
    with working(board, runner(speak), name="w:1", concurrency=1, loggers=[logger]) as (_, log):
        log.wait_for("task.finished")
        board.push("test", "bad")
        log.wait_for("task.finished", 2)
    lines = stored.lines(f"/jobs/{board.name}", "w-1")
    assert [line["kind"] for line in lines] == [event.kind for event in log.events]
    assert (lines[0]["kind"], lines[-1]["kind"]) == ("worker.started", "worker.stopped")
    assert [line["line"] for line in lines if "line" in line] == ["héllo \N{SNOWMAN}", "oh"] * 2
    finished = [line for line in lines if line["kind"] == "task.finished"]
    keys = ("status", "code", "note", "decision", "runner", "worker")
    assert [[line[key] for key in keys] for line in finished] == [
        ["done", "0", "said", "done", "test", "w:1"],
        ["failed", "7", "no", "dead", "test", "w:1"],
    ]
    assert "good" not in str(lines)


def test_a_worker_runs_without_cloudwatch(
    board: Board, service: Any, logger: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first request is unanswered, all tasks run and are reported one after the other."""
    monkeypatch.setattr("jobs_cloudwatch.sender.CLOSING", 0.2)
    monkeypatch.setenv("JOBS_CLOUDWATCH_ENDPOINT", service.url)
    monkeypatch.setenv("JOBS_CLOUDWATCH_EVERY", "0")
    monkeypatch.setenv("JOBS_CLOUDWATCH_BUFFER", "50")
    service.routes["CreateLogStream"] = service.hang
    with working(board, runner(speak), concurrency=1, loggers=[logger]) as (_, log):
        service.wait_for(lambda: bool(service.asked))
        for _ in range(200):
            board.push("test", "good")
        log.wait_for("task.finished", 200)
        assert board.stats()["done"] == 200
    assert (service.asked, service.stored) == (["CreateLogStream"], [])
    assert not service.over.is_set()
    (line,) = capsys.readouterr().err.splitlines()
    lost = f"could not send {len(log.events)} events before the worker stopped"
    assert line.startswith(f"the logger 'cloudwatch' {lost}")


def test_the_command_line(board: Board, url: str, service: Any, tmp_path: Path) -> None:
    """`jobs run --log cloudwatch` in a separate process continues when denied, and exits with 0."""
    service.routes["PutLogEvents"] = lambda body: refusal("AccessDeniedException")
    board.push("console", "a line")
    words = ("run", "--runner", "console", "--log", "cloudwatch", "--log", "console")
    names = {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name, "JOBS_CLOUDWATCH_ENDPOINT": service.url}
    process = jobs_process(*words, path=tmp_path, **names)
    assert process.stdout is not None
    for line in process.stdout:
        if "done" in line:
            break
    service.wait_for(lambda: "PutLogEvents" in service.asked)
    service.routes.clear()
    service.wait_for(lambda: "task.finished" in [message["kind"] for message in service.messages])
    process.terminate()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    first, then = errors.splitlines()
    assert first.startswith("the logger 'cloudwatch' cannot send events") and "PutLogEvents" in first
    assert then == "the logger 'cloudwatch' sends events again"
    assert service.messages[-1]["kind"] == "worker.stopped"
