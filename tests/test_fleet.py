"""Many worker processes on one board: each occurrence runs once, and none is lost if workers die."""

from __future__ import annotations

import random
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs_core import Board
from tests.helpers import PATIENCE, install, jobs_process, wait_until

WORKERS = 10

PLUGIN = """
    import os
    from jobs_core import Outcome, Runner, hookimpl

    LOG, BEGUN = (
        os.open(os.environ["RUN_LOG"] + end, os.O_WRONLY | os.O_APPEND | os.O_CREAT) for end in ("", ".begun")
    )

    def run(task, context):
        os.write(BEGUN, f"{task.id}\\n".encode())
        if context.cancelled.wait(float(task.raw or 0)):
            return Outcome.cancelled()
        os.write(LOG, f"{task.id}\\n".encode())
        return Outcome.done()

    @hookimpl
    def jobs_runners():
        yield Runner("note", run)
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path, url: str, board: Board) -> Iterator[Start]:
    """Start workers that append the id of each task to the file `runs`."""
    install(tmp_path, "jobs_note", PLUGIN)
    started: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> subprocess.Popen[str]:
        process = jobs_process(
            *("run", "--runner", "note", "--log", "json", *words),
            path=tmp_path,
            RUN_LOG=str(tmp_path / "runs"),
            JOBS_REDIS_URL=url,
            JOBS_BOARD=board.name,
        )
        assert process.stdout is not None
        assert "worker.started" in process.stdout.readline()
        threading.Thread(target=process.stdout.read, daemon=True).start()
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def runs(tmp_path: Path, file: str = "runs") -> Counter[str]:
    path = tmp_path / file
    return Counter(path.read_text().split() if path.exists() else [])


def all_ended(board: Board, count: int) -> bool:
    return board.stats()["done"] >= count and board.count()["queued"] == 0


def test_ten_workers_run_each_occurrence_exactly_once(start: Start, board: Board, tmp_path: Path) -> None:
    for _ in range(WORKERS):
        start()
    due = ({"id": f"j{i}", "runner": "note", "payload": "", "at": "+0.5"} for i in range(3000))
    assert not [reply for reply in board.put_many(due) if isinstance(reply, Exception)]
    repeating = (
        {"id": f"r{i}", "runner": "note", "payload": "", "every": 0.1, "repeat": 10} for i in range(20)
    )
    list(board.put_many(repeating))
    wait_until(lambda: board.count()["scheduled"] == 0 and all_ended(board, 3200))
    ran = runs(tmp_path)
    assert set(ran.values()) == {1}
    assert len(ran) == 3200
    stats = board.stats()
    assert (stats["due"] - stats["coalesced"], stats["lost"], stats["stale"]) == (3200, 0, 0)


def test_no_task_is_lost_when_workers_are_killed(start: Start, board: Board, tmp_path: Path) -> None:
    chance = random.Random(7)
    workers = [start("--lease", "1", "--concurrency", "5") for _ in range(4)]
    tasks = list(board.push_many({"runner": "note", "payload": "0.02"} for _ in range(600)))
    for done in (60, 150, 240, 330):
        wait_until(lambda done=done: board.stats()["done"] >= done)  # type: ignore[misc]
        victim = workers.pop(chance.randrange(len(workers)))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        workers.append(start("--lease", "1", "--concurrency", "5"))
    wait_until(lambda: all_ended(board, 600) and board.count()["leased"] == 0)
    ran, stats = runs(tmp_path), board.stats()
    assert set(ran) == set(tasks)
    assert stats["lost"] > 0
    assert sum(ran.values()) - 600 <= stats["lost"]
    assert stats["queued"] == stats["done"] == 600
    assert board.count()["dead"] == 0


def test_sigterm_drains_a_worker(start: Start, board: Board, tmp_path: Path) -> None:
    worker = start("--concurrency", "1")
    board.push("note", "0.3")
    board.push("note", "0")
    wait_until(lambda: runs(tmp_path, "runs.begun").total() == 1)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE) == 0
    assert sum(runs(tmp_path).values()) == 1
    assert (board.stats()["done"], board.count()["queued"]) == (1, 1)


def test_a_second_sigterm_stops_at_once_and_gives_back(start: Start, board: Board) -> None:
    worker = start()
    board.push("note", "1000")
    wait_until(lambda: board.count()["leased"] == 1)
    worker.send_signal(signal.SIGTERM)
    worker.send_signal(signal.SIGINT)
    assert worker.wait(PATIENCE) == 0
    counts = board.count()
    assert (counts["leased"], counts["queued"]) == (0, 1)
    assert board.stats()["released"] == 1


def test_a_run_that_kills_its_own_process_loses_no_task(start: Start, board: Board, tmp_path: Path) -> None:
    """Like `os._exit` in a runner: the lease expires, and the next worker takes the task."""
    start("--lease", "0.5")
    board.push("note", "0.1")
    first = start("--lease", "0.5")
    first.kill()
    wait_until(lambda: all_ended(board, 1))
    assert sum(runs(tmp_path).values()) >= 1


def test_respond_hooks_up_any_executable(board: Board, url: str, tmp_path: Path) -> None:
    board.push("shout", "hello")
    environment = {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name}
    words = ("respond", "shout", "tr a-z A-Z", "--log", "json")
    with jobs_process(*words, path=tmp_path, **environment) as worker:
        assert worker.stdout is not None
        said = next(line for line in worker.stdout if '"task.line"' in line)
        worker.terminate()
        worker.stdout.read()
    assert '"line": "HELLO"' in said
    assert worker.returncode == 0
