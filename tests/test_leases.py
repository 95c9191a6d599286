"""A worker that cannot prove its lease stops the run before another may start it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs_core import Board, Context, Outcome, Task
from jobs_core.lease import lease_clock
from jobs_core.worker.options import unique_name
from tests.helpers import jobs_process, runner, wait_until, working
from torture.proxy import Proxy


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    found = Proxy(url.removeprefix("unix://"))
    yield found
    found.close()


@pytest.fixture
def remote(proxy: Proxy, board: Board) -> Iterator[Board]:
    """The board, through a network that can be cut."""
    with Board(board.name, f"redis://127.0.0.1:{proxy.port}", validate=False) as found:
        yield found


class Witness:
    """A runner that works until it is told to stop, and notes when it started and stopped."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.stopped = threading.Event()
        self.finish = threading.Event()
        self.times: list[float] = []
        self.lease_end = 0.0

    def run(self, task: Task, context: Context) -> Outcome:
        self.times.append(lease_clock())
        self.started.set()
        with context.on_stop(self.finish.set):
            self.finish.wait()
        assert context.lease is not None
        self.lease_end = context.lease.sent + context.lease.seconds
        self.times.append(lease_clock())
        self.stopped.set()
        return context.stop_outcome() if context.cancelled.is_set() else Outcome.done()


def test_a_worker_that_is_cut_off_stops_its_run_before_another_may_start(
    board: Board, remote: Board, proxy: Proxy
) -> None:
    first, second = Witness(), Witness()
    board.put("import", "test", "x", concurrency=1)
    task = board.push("import")
    with working(remote, runner(first.run), lease=2, name="cut-off") as (_, log):
        assert first.started.wait(10)
        proxy.block()  # the connections stay open, and nothing is answered
        with working(board, runner(second.run), lease=2, name="other"):
            assert second.started.wait(20)
            assert first.stopped.is_set()
            assert first.times[-1] < first.lease_end
            assert first.times[-1] < second.times[0]
            (note,) = [event.data["note"] for event in log.of("trouble") if event.task is not None]
            assert note.startswith("told to stop: Redis has not confirmed its lease for ")
            proxy.heal()
            log.wait_for("task.stale")
            second.finish.set()
            wait_until(lambda: board.stats()["done"] == 1)
    (entry,) = [one for one in board.history() if one["what"] == "done"]
    assert (entry["task"], entry["attempt"]) == (task, 2)


def test_a_run_that_was_stopped_in_an_outage_is_given_back_and_counts_as_no_attempt(board: Board) -> None:
    witnesses = {"stopped": Witness(), "ended": Witness()}
    for payload in witnesses:
        board.push("test", payload, attempts=1)
    with working(board, runner(lambda task, context: witnesses[task.raw].run(task, context)), lease=2) as (
        _,
        log,
    ):
        assert all(witness.started.wait(10) for witness in witnesses.values())
        board.client.client_pause(6500)  # Redis answers nobody, for so long that all leases end
        witnesses["ended"].finish.set()
        witness = witnesses["stopped"]
        assert witness.stopped.wait(10)
        assert witness.times[-1] < witness.lease_end
        witness.finish.clear()
        witness.started.clear()
        assert witness.started.wait(20)
        witness.finish.set()
        log.wait_for("task.finished", 2)
    stats = board.stats()
    assert stats["done"] == 2
    assert stats["released"] >= 1  # on a slow machine, the lease is too short for the second run, too
    assert stats["lost"] == stats["doubled"] == stats["failed"] == stats["dead"] == 0


def test_a_run_goes_on_through_an_outage_that_its_lease_allows(board: Board) -> None:
    witness = Witness()
    board.push("test", "x")
    with working(board, runner(witness.run), lease=12) as (_, log):
        assert witness.started.wait(10)
        board.client.client_pause(3000)
        board.count()  # answered when the pause is over
        assert not witness.stopped.is_set()
        witness.finish.set()
        log.wait_for("task.finished")
    stats = board.stats()
    assert (stats["done"], stats["released"], stats["lost"]) == (1, 0, 0)


COMMAND = """
if [ -f pid ] && grep -qs '^State:.[^Z]' "/proc/$(cat pid)/status"; then touch overlap; fi
echo $$ > pid
echo started >> starts
trap '' TERM
while :; do sleep 0.05; done
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_command_of_a_stopped_worker_ends_before_another_starts_it(
    board: Board, url: str, tmp_path: Path
) -> None:
    """SIGSTOP halts the worker, and the command ignores SIGTERM: only the guardian can end it in time."""
    words = ("run", "--runner", "shell", "--lease", "2", "--log", "console")
    workers: list[subprocess.Popen[str]] = []

    def starts() -> int:
        path = tmp_path / "starts"
        return len(path.read_text().splitlines()) if path.exists() else 0

    try:
        workers.append(jobs_process(*words, path=tmp_path, JOBS_REDIS_URL=url, JOBS_BOARD=board.name))
        board.push("shell", {"line": COMMAND, "cwd": str(tmp_path), "grace": 60})
        wait_until(lambda: starts() == 1)
        workers[0].send_signal(signal.SIGSTOP)
        workers.append(jobs_process(*words, path=tmp_path, JOBS_REDIS_URL=url, JOBS_BOARD=board.name))
        wait_until(lambda: starts() == 2)
        assert not (tmp_path / "overlap").exists()
        assert board.stats()["lost"] == 1
        workers[0].send_signal(signal.SIGCONT)
        assert workers[0].stdout is not None
        assert any("its lease was lost" in line for line in workers[0].stdout)
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def test_a_task_whose_reply_was_lost_is_returned_and_not_lost(
    board: Board, remote: Board, proxy: Proxy
) -> None:
    witness = Witness()
    board.push("test", "first")
    second = board.push("test", "second")
    work = runner(lambda task, context: witness.run(task, context) if task.raw == "first" else Outcome.done())
    with working(remote, work, lease=60, concurrency=1) as (_, log):
        assert witness.started.wait(10)
        proxy.mute()  # requests arrive, replies do not
        witness.finish.set()
        wait_until(lambda: any(task["id"] == second for task in board.tasks("leased")))
        proxy.heal()
        log.wait_for("task.finished")
    stats = board.stats()
    assert (stats["done"], stats["lost"], stats["released"], stats["leased"]) == (2, 0, 1, 3)


def test_a_worker_does_not_return_tasks_of_an_earlier_worker_with_its_name(
    board: Board, remote: Board, proxy: Proxy
) -> None:
    witness = Witness()
    earlier = board.push("test", "x")
    board.pop("test", lease=60, worker=unique_name())  # a killed worker, whose command may still be ending
    board.push("test", "first")
    second = board.push("test", "second")
    work = runner(lambda task, context: witness.run(task, context) if task.raw == "first" else Outcome.done())
    with working(remote, work, lease=60, concurrency=1) as (_, log):
        assert witness.started.wait(10)
        proxy.mute()
        witness.finish.set()
        wait_until(lambda: any(task["id"] == second for task in board.tasks("leased")))
        proxy.heal()
        log.wait_for("task.finished")
    assert [task["id"] for task in board.tasks("leased")] == [earlier]


def test_workers_that_share_a_name_do_not_return_each_other_s_tasks(
    board: Board, remote: Board, proxy: Proxy
) -> None:
    first, other = Witness(), Witness()
    board.push("test", "x")
    with working(remote, runner(first.run), lease=60, concurrency=1, name="web") as (_, log):
        assert first.started.wait(10)
        board.push("test", "x")
        with working(board, runner(other.run), lease=60, concurrency=1, name="web"):
            assert other.started.wait(10)
            proxy.mute()
            first.finish.set()
            wait_until(lambda: board.stats()["done"] == 1)
            proxy.heal()
            log.wait_for("recovered")
            assert board.stats()["released"] == 0
            other.finish.set()
