"""Silent workers: lost attempts count and follow the policy, and stale workers overwrite nothing."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs_core import Board, Context, Decision, Outcome, Policy, Task
from jobs_core.plugins.manager import Plugins
from tests.helpers import PATIENCE, Jobs, install, jobs_process, keep_ticking, runner, wait_until, working

POISON = """
    import os
    from jobs_core import Outcome, Runner, hookimpl

    def run(task, context):
        if task.raw == "poison":
            os._exit(1)
        if task.raw == "slow" and task.attempt == 1:
            os.kill(os.getpid(), 19)  # SIGSTOP: the whole worker falls silent during a task
        return Outcome.done(f"attempt {task.attempt}")

    @hookimpl
    def jobs_runners():
        yield Runner("poison", run)
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path, url: str, board: Board) -> Iterator[Start]:
    """Start workers in separate processes, with leases of half a second."""
    install(tmp_path, "jobs_poison", POISON)
    started: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> subprocess.Popen[str]:
        common = ("run", "--runner", "poison", "--lease", "0.5", "--log", "console")
        process = jobs_process(*common, *words, path=tmp_path, JOBS_REDIS_URL=url, JOBS_BOARD=board.name)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def done(task: Task, context: Context) -> Outcome:
    return Outcome.done()


def lose(board: Board, times: int = 1) -> None:
    """Take the next task and fall silent, `count` times."""
    for _ in range(times):
        board.pop("test", lease=0.001, worker="gone")
        keep_ticking(board)
        wait_until(lambda: board.tick().moved > 0)


def test_a_task_that_kills_its_workers_ends_in_dead_letters(start: Start, board: Board) -> None:
    task = board.push("poison", "poison", losses=3)
    board.push("poison", "fine")
    for _ in range(3):
        start().wait(PATIENCE)
    survivor = start("--concurrency", "1")
    wait_until(lambda: board.count()["dead"] == 1 and board.stats()["done"] == 1)
    assert survivor.poll() is None
    (letter,) = board.dead()
    assert (letter["id"], [a["status"] for a in letter["history"]]) == (task, ["lost"] * 3)
    stats = board.stats()
    assert (stats["lost"] >= 3, stats["in_flight"]) == (True, 0)
    assert stats["queued"] == stats["done"] + stats["dead"]


def test_a_worker_suspended_past_its_lease_overwrites_nothing_and_logs_it(start: Start, board: Board) -> None:
    task = board.push("poison", "slow")
    frozen = start()
    wait_until(lambda: board.count()["leased"] == 1)
    start()  # takes over once the lease has expired
    wait_until(lambda: board.stats()["done"] == 1)
    frozen.send_signal(signal.SIGCONT)
    assert frozen.stdout is not None
    log = next(line for line in frozen.stdout if "stale" in line)
    assert f"{task} stale its lease was lost" in log
    stats = board.stats()
    assert (stats["done"], stats["lost"], stats["doubled"], stats["stale"]) == (1, 1, 1, 1)
    assert [entry["note"] for entry in board.history() if entry["what"] == "done"] == ["attempt 2"]


def test_a_list_of_tasks_names_a_lost_attempt_once(board: Board, jobs: Jobs) -> None:
    task = board.push("test", "x")
    lose(board)
    line = next(line for line in jobs("tasks").stdout.splitlines() if task in line)
    assert line.split()[-1] == "lost"
    assert line.count("lost") == 1


def test_a_lost_attempt_counts_and_follows_the_policy(board: Board) -> None:
    board.push("test", "x", attempts=2, backoff="0.05")
    lose(board)
    with working(board, runner(done)) as (_, log):
        (lost,) = log.wait_for("task.lost")
        assert lost.decision == Decision.retry(0.05)
        log.wait_for("task.finished")
        (started,) = log.of("task.started")
    assert started.task is not None
    assert (started.task.attempt, [a.status for a in started.task.history]) == (2, ["lost"])
    assert (board.stats()["retried"], board.stats()["lost"], board.stats()["done"]) == (1, 1, 1)


def test_a_task_without_attempts_left_is_given_up_before_it_runs(board: Board) -> None:
    board.push("test", "x", attempts=1)
    lose(board)
    with working(board, runner(done)) as (_, log):
        (lost,) = log.wait_for("task.lost")
        wait_until(lambda: board.count()["dead"] == 1)
        assert not log.of("task.started")
    assert lost.decision == Decision.dead()
    (letter,) = board.dead()
    assert (letter["attempt"], [a["status"] for a in letter["history"]]) == (1, ["lost"])


def test_a_lost_task_is_retried_at_once_unless_its_policy_decides_otherwise(board: Board) -> None:
    board.push("test", "x")
    lose(board)
    with working(board, runner(done)) as (_, log):
        (finished,) = log.wait_for("task.finished")
    assert finished.task is not None and finished.task.attempt == 2
    assert board.stats()["retried"] == 0


def test_a_policy_sees_the_history_of_a_task(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, ...]] = []

    def decide(task: Task, outcome: Outcome) -> Decision:
        seen.append((*(f"{a.status} {a.code}" for a in task.history), f"{outcome.status} {outcome.code}"))
        return Decision.retry() if len(seen) < 4 else Decision.dead()

    plugins = Plugins()
    plugins._provided["policies"]["curious"] = [("test", Policy("curious", decide))]
    board._plugins = plugins
    board.push("test", "x", policy="curious")
    lose(board)
    failures = iter(("e1", "e2", "e3"))
    with working(board, runner(lambda task, context: Outcome.failed(code=next(failures)))):
        wait_until(lambda: board.count()["dead"] == 1)
    assert seen == [
        ("lost lost",),
        ("lost lost", "failed e1"),
        ("lost lost", "failed e1", "failed e2"),
        ("lost lost", "failed e1", "failed e2", "failed e3"),
    ]


def test_a_postponed_attempt_does_not_count(board: Board) -> None:
    put_off = iter((Decision.release(0.05), Decision.release(0), Decision.done()))
    plugins = Plugins()
    plugins._provided["policies"]["patient"] = [("test", Policy("patient", lambda t, o: next(put_off)))]
    board._plugins = plugins
    board.push("test", "x", policy="patient")
    with working(board, runner(lambda task, context: Outcome.failed("not now", code="busy"))) as (_, log):
        finished = log.wait_for("task.finished", 3)
    assert [event.task.attempt for event in finished if event.task] == [1, 1, 1]
    stats = board.stats()
    assert (stats["done"], stats["released"], stats["retried"]) == (1, 2, 0)
    assert [entry["note"] for entry in board.history() if entry["what"] == "release"] == ["not now"] * 2


def test_a_lost_attempt_counts_even_if_the_next_is_postponed(board: Board) -> None:
    plugins = Plugins()
    decide = lambda t, o: Decision.release(0.05) if o.status == "lost" else Decision.done()  # noqa: E731
    plugins._provided["policies"]["patient"] = [("test", Policy("patient", decide))]
    board._plugins = plugins
    board.push("test", "x", policy="patient")
    lose(board)
    with working(board, runner(done)) as (_, log):
        (finished,) = log.wait_for("task.finished")
    assert finished.task is not None and finished.task.attempt == 2
    assert len(log.of("task.lost")) == 1


def test_a_runner_may_push_what_comes_next(board: Board) -> None:
    def split(task: Task, context: Context) -> Outcome:
        assert context.board is not None
        if task.payload == "all":
            context.board.push("test", "part")
        return Outcome.done()

    board.push("test", "all")
    with working(board, runner(split)) as (_, log):
        log.wait_for("task.finished", 2)
    assert board.stats()["done"] == 2


def test_five_losses_are_the_default_maximum(board: Board) -> None:
    board.push("test", "x")
    board.push("test", "y", losses=6)
    lose(board, 4)
    assert board.count()["dead"] == 0
    lose(board, 1)
    assert board.count()["dead"] == 1
    lose(board, 5)
    assert board.count()["dead"] == 1
    lose(board, 1)
    assert board.count()["dead"] == 2


def test_at_most_once_is_run_once_and_never_reported(board: Board) -> None:
    ran = threading.Semaphore(0)

    def once(task: Task, context: Context) -> Outcome:
        assert task.token == ""
        ran.release()
        return Outcome.failed("what of it")

    board.put("a", "test", "x", policy="none")
    board.push("a")
    with working(board, runner(once)) as (_, log):
        (event,) = log.wait_for("task.finished")
    assert event.outcome == Outcome.failed("what of it")
    assert ran.acquire(timeout=0) and not ran.acquire(timeout=0)
    stats = board.stats()
    assert (stats["unleased"], stats["leased"], stats["in_flight"], stats["dead"]) == (1, 0, 0, 0)
    assert board.stats("a")["unleased"] == 1


def test_killing_one_of_three_workers_delays_no_other_task(start: Start, board: Board) -> None:
    for _ in range(3):
        start("--concurrency", "1")
    wait_until(lambda: len(board.client.client_list()) > 3)
    board.push("poison", "poison", losses=1, lease=600)
    wait_until(lambda: board.count()["leased"] == 1)
    for _ in range(50):
        board.push("poison", "fine")
    wait_until(lambda: board.stats()["done"] == 50)
    assert board.count()["leased"] == 1  # the task of the killed worker still has its lease


def test_the_first_worker_back_catches_up_by_the_misfire_rule(start: Start, board: Board) -> None:
    board.put("a", "poison", "fine", every=0.1)
    first = start()
    wait_until(lambda: board.stats()["done"] >= 2)
    first.kill()
    first.wait()
    due = board.stats()["due"]
    wait_until(lambda: board.next("a")[0].timestamp() < time.time() - 1)
    start()
    wait_until(lambda: board.stats()["due"] > due + 9)
    stats = board.stats()
    assert stats["coalesced"] >= 9
    assert stats["due"] == stats["queued"] + stats["coalesced"]
