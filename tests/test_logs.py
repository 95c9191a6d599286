"""`jobs logs`: what runs printed last, from the command line and from Python."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from jobs_core import AsyncBoard, Board, Context, NotFoundError, Outcome, Task
from jobs_core.worker.tail import MOST, Tail
from tests.helpers import Jobs, runner, working

PARTITIONS = (0, 4)


def printing(task: Task, context: Context) -> Outcome:
    """Print what the payload says, and fail if it begins with an exclamation mark."""
    for word in task.raw.lstrip("!").split():
        context.line(word.lstrip("-"), "stderr" if word.startswith("-") else "stdout")
    return Outcome.failed("no luck", code="3") if task.raw.startswith("!") else Outcome.done()


def run(board: Board, *tasks: str) -> None:
    """Run tasks until they have ended."""
    with working(board, runner(printing)):
        for task in tasks:
            board.wait(task, 20)


def lines(entries: Any) -> list[str]:
    return [entry["line"] for entry in entries]


def test_the_latest_run_of_a_job_is_shown(board: Board, jobs: Jobs) -> None:
    board.put("backup", "test", "one -two")
    run(board, board.push("backup"))
    last = board.push("backup")
    run(board, last)
    found = jobs("logs", "backup")
    assert (found.stdout, found.stderr) == ("one\n", f"== {last}\ntwo\n")
    assert jobs("logs", "backup", "--limit", "5").stdout == "one\none\n"


def test_each_attempt_is_shown_and_marked(board: Board, jobs: Jobs) -> None:
    task = board.push("test", "!a b", attempts=2, backoff="10ms")
    run(board, task)
    found = jobs("logs", task)
    assert found.stdout == "a\nb\na\nb\n"
    assert f"== {task}\n== {task}, attempt 2\n" in found.stderr


def test_entries_are_json(board: Board, jobs: Jobs) -> None:
    task = board.push("test", "-x")
    run(board, task)
    assert json.loads(jobs("logs", task, "--json").stdout) == {
        "task": task,
        "attempt": 1,
        "stream": "stderr",
        "line": "x",
    }


def test_of_much_output_the_end_is_kept(board: Board, jobs: Jobs) -> None:
    task = board.push("test", " ".join(f"line{i}" for i in range(5000)))
    run(board, task)
    found = list(board.logs(task))
    assert found[0] == {"task": task, "attempt": 1, "cut": True}
    assert lines(found[1:])[-1] == "line4999"
    assert "the beginning is not kept" in jobs("logs", task).stderr


@pytest.mark.parametrize("character", ["x", "é"])
def test_of_a_long_line_the_end_is_kept(board: Board, jobs: Jobs, character: str) -> None:
    task = board.push("test", character * 10_000 + "end")
    run(board, task)
    (line,) = lines(list(board.logs(task)))
    assert line.startswith("…" + character)
    assert line.endswith(character + "end")


def test_what_is_unknown_is_said(board: Board, jobs: Jobs) -> None:
    for target in ("nope", "nope@1"):
        found = jobs("logs", target)
        assert found.exit_code == 2
        assert f"'{target}' on the board '{board.name}'" in found.stderr
    board.put("quiet", "test", "x")
    assert jobs("logs", "quiet").output == ""


@pytest.mark.parametrize("target", ["job", "task"])
def test_following_shows_attempts_as_they_end(board: Board, target: str) -> None:
    board.put("backup", "test", "!a", attempts=2, backoff="10ms")
    task = board.push("backup")
    seen: list[dict[str, Any]] = []
    both = threading.Event()

    def follow() -> None:
        for entry in board.logs("backup" if target == "job" else task, follow=True):
            seen.append(entry)
            if len(seen) == 2:
                both.set()
                return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    run(board, task)
    assert both.wait(20)
    assert [(entry["task"], entry["attempt"]) for entry in seen] == [(task, 1), (task, 2)]


def test_following_a_task_ends_with_it(board: Board) -> None:
    task = board.push("test", "x y")
    with working(board, runner(printing)):
        assert lines(board.logs(task, follow=True)) == ["x", "y"]
    assert lines(board.logs(task, follow=True)) == ["x", "y"]


def test_a_task_is_followed_that_ends_while_its_log_is_read(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = board.push("test", "x")
    call = board.commands.call

    def end_after_reading(name: str, *arguments: Any) -> Any:
        reply = call(name, *arguments)
        if name == "JLOGS":
            monkeypatch.undo()
            run(board, task)
        return reply

    monkeypatch.setattr(board.commands, "call", end_after_reading)
    assert lines(board.logs(task, follow=True)) == ["x"]


def test_asyncio_has_it_too(board: Board, url: str) -> None:
    board.put("backup", "test", "x y")
    task = board.push("backup")
    run(board, task)

    async def read(target: str, **options: Any) -> list[str]:
        async with AsyncBoard(board.name, url) as same:
            return [entry["line"] async for entry in same.logs(target, **options)]

    assert asyncio.run(read("backup")) == ["x", "y"]
    assert asyncio.run(read(task, follow=True)) == ["x", "y"]
    with pytest.raises(NotFoundError):
        asyncio.run(read("nope"))


def test_a_tail_is_bounded_in_bytes() -> None:
    tail = Tail(12)
    assert tail.text() == ""
    tail.add("é" * 10_000, "stdout")
    for i in range(100):
        tail.add(f"{i} " + "é" * 100, "stderr")
    text = tail.text()
    assert text.startswith("a12\n…")
    assert text.endswith("99 " + "é" * 100)
    assert len(text.encode()) <= MOST
    tail.add("a\nb", "stdout")
    assert tail.text().endswith("\noa b")
