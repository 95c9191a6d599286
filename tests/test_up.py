"""`jobs up`: a server, a clock and a worker in one process tree, of which parts may die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs_core import Board
from jobs_core.embedded import data_dir, embedded_url
from tests.helpers import wait_until

JOBS = [sys.executable, "-c", "from jobs_core.cli import main; main()"]


class Up:
    """A running `jobs up --log json`, whose events can be waited for."""

    def __init__(self, data: Path, *words: str) -> None:
        self.data = data
        environment = {name: value for name, value in os.environ.items() if not name.startswith("JOBS_")}
        self.environment = environment | {"JOBS_DATA": str(data)}
        self.process = subprocess.Popen(
            [*JOBS, "up", "--log", "json", *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.events: list[dict[str, Any]] = []
        self._log: list[str] = []
        self._news = threading.Condition()
        self._readers = [threading.Thread(target=self._read), threading.Thread(target=self._read_errors)]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.events.append(json.loads(line))
                self._news.notify_all()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._log.append(line)

    @property
    def errors(self) -> str:
        """Return what it has written to standard error so far."""
        return "".join(self._log)

    def wait_for(self, kind: str, job: str | None = None, count: int = 1) -> list[dict[str, Any]]:
        """The events of a kind (and job), once there are `count` of them."""

        def found() -> list[dict[str, Any]]:
            return [e for e in self.events if e["kind"] == kind and job in (None, e.get("job"))]

        with self._news:
            assert self._news.wait_for(lambda: len(found()) >= count, timeout=30), (kind, job, self.errors)
            return found()

    def jobs(self, *words: str) -> str:
        """Call `jobs` from another process, which finds this server by itself."""
        done = subprocess.run(
            [*JOBS, *words], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end. Returns the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(timeout=40)
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        return code

    def server_pid(self) -> int:
        with Board(url=embedded_url(self.data), validate=False).client as client:
            return int(client.info("server")["process_id"])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Start `jobs up`, as often as wanted, on one data directory."""
    started: list[Up] = []

    def begin(*words: str) -> Up:
        started.append(Up(data_dir(tmp_path / "data"), *words))
        return started[-1]

    yield begin
    for up in started:
        if up.process.poll() is None:
            up.end()


def test_jobs_put_from_another_process_run(start: Callable[..., Up]) -> None:
    up = start()
    up.wait_for("worker.started")
    up.jobs("put", "hello", "console", "from outside", "--every", "1h")
    assert up.wait_for("task.line", "hello")[0]["line"] == "from outside"
    up.wait_for("task.finished", "hello")
    assert up.end() == 0
    assert "Jobs is down" in up.errors


def test_jobs_and_queued_tasks_survive_a_restart(start: Callable[..., Up]) -> None:
    up = start()
    up.wait_for("worker.started")
    up.jobs("put", "later", "console", "x", "--at", "2100-01-01", "--timeout", "5m")
    up.jobs("push", "console", "x", "--queue", "elsewhere")
    before = up.jobs("show", "later", "--json")
    assert up.end() == 0
    again = start()
    again.wait_for("worker.started")
    assert again.jobs("show", "later", "--json") == before
    assert json.loads(again.jobs("count", "--json"))["queue:elsewhere"] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_dies_is_started_again_with_all_jobs(start: Callable[..., Up], number: int) -> None:
    up = start()
    up.wait_for("worker.started")
    up.jobs("put", "often", "console", "x", "--every", "0.2")
    up.jobs("put", "later", "console", "x", "--at", "2100-01-01")
    before = len(up.wait_for("task.finished", "often"))
    os.kill(up.server_pid(), number)
    up.wait_for("trouble")
    up.wait_for("task.finished", "often", count=before + 3)
    assert "2100-01-01" in up.jobs("list")
    assert up.end() == 0
    assert "The server died. Restarting it." in up.errors


def test_a_server_left_by_a_killed_up_is_taken_over(start: Callable[..., Up]) -> None:
    up = start()
    up.wait_for("worker.started")
    up.jobs("put", "later", "console", "x", "--at", "2100-01-01")
    left = up.server_pid()
    up.end(signal.SIGKILL)
    again = start()
    again.wait_for("worker.started")
    assert again.server_pid() == left
    assert "later" in again.jobs("list")
    assert again.end() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(left, 0)


def test_a_second_up_is_refused(start: Callable[..., Up]) -> None:
    up = start()
    up.wait_for("worker.started")
    second = start()
    assert second.process.wait(timeout=30) == 1
    second.end()
    assert f"process {up.process.pid}" in second.errors


def test_a_board_file_is_put_first(start: Callable[..., Up], tmp_path: Path) -> None:
    path = tmp_path / "board.yml"
    path.write_text("board: mine\njobs:\n  hi: {runner: console, payload: from the file, every: 1h}\n")
    up = start(str(path))
    assert up.wait_for("task.line", "hi")[0]["line"] == "from the file"
    assert "hi" in up.jobs("list", "--board", "mine")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "jobs: {a: {runner: console, payload: x, evry: 5}}",
            "board.yml:1:41: unknown key 'evry' (did you mean 'every'?)",
        ),
        ("jobs: {a: {runner: console}}", "board.yml:1:8: the job 'a' has no payload"),
        (
            "jobs: {a: {runner: consle, payload: x}}",
            "board.yml:1:12: there is no runner 'consle' (did you mean",
        ),
        (
            "jobs: {a: {runner: console, payload: x, every: 5q}}",
            "board.yml:1:41: every: expected a duration such as 90, 1h30m or PT1H30M, got '5q'",
        ),
        ("jobs: [a]", "board.yml:1:7: jobs: expected a mapping"),
        ("jobs: {a: [}", "board.yml:1:12: invalid YAML"),
    ],
)
def test_a_board_file_with_a_mistake_is_refused(
    start: Callable[..., Up], tmp_path: Path, text: str, says: str
) -> None:
    path = tmp_path / "board.yml"
    path.write_text(text)
    up = start(str(path))
    assert up.process.wait(timeout=30) == 2
    up.end()
    assert says in up.errors
    assert "Traceback" not in up.errors


def test_a_board_file_is_applied_again_when_it_changes(start: Callable[..., Up], tmp_path: Path) -> None:
    path = tmp_path / "board.yml"

    def declare(*ids: str) -> None:
        entries = "".join(f"  {id}: {{runner: console, payload: x, every: 1h}}\n" for id in ids)
        path.write_text(f"name: mine\njobs:\n{entries}")

    declare("first", "other")
    up = start(str(path), "--watch")
    up.wait_for("task.finished", "first")
    declare("first", "second")
    up.wait_for("task.finished", "second")
    assert up.jobs("list", "--json").count('"id": "') == 2
    path.write_text("jobs: [a mistake]")
    wait_until(lambda: "board unchanged: " in up.errors)
    declare("first", "third")
    up.wait_for("task.finished", "third")
    assert up.end() == 0
    assert "Traceback" not in up.errors


def test_watching_needs_a_file(start: Callable[..., Up]) -> None:
    up = start("--watch")
    assert up.process.wait(timeout=30) == 2
    up.end()
    assert "--watch needs a board file" in up.errors


def test_only_its_user_may_open_the_socket(start: Callable[..., Up]) -> None:
    up = start()
    up.wait_for("worker.started")
    assert (up.data / "jobs.sock").stat().st_mode & 0o077 == 0
    assert up.data.stat().st_mode & 0o077 == 0
