"""`jobs cancel`: a task in any state ends as cancelled; a running task is told to stop."""

from __future__ import annotations

import threading

import pytest

from jobs_core import Board, Context, NotFoundError, Outcome, Task
from tests.helpers import PATIENCE, Jobs, keep_ticking, lines, refused, runner, wait_until, working


class Stubborn:
    """A runner that ends on a stop request, in one of several ways."""

    def __init__(self, outcome: Outcome) -> None:
        self.started = threading.Semaphore(0)
        self.told = threading.Event()
        self._outcome = outcome

    def run(self, task: Task, context: Context) -> Outcome:
        self.started.release()
        assert context.cancelled.wait(PATIENCE)
        self.told.set()
        return self._outcome


def test_a_running_task_is_told_to_stop_and_ends_as_cancelled(board: Board, jobs: Jobs) -> None:
    gate = Stubborn(Outcome.cancelled("told to"))
    task = board.push("test", "x", lease=600)  # the worker is notified without a renewal
    with working(board, runner(gate.run)) as (_, log):
        assert gate.started.acquire(timeout=PATIENCE)
        assert f"{task}: asked to stop" in jobs("cancel", task).stdout
        assert gate.told.wait(PATIENCE)
        log.wait_for("task.cancelled")
    stats = board.stats()
    assert (stats["cancelled"], stats["in_flight"], stats["released"]) == (1, 0, 0)
    assert next(board.history())["what"] == "cancelled"


@pytest.mark.parametrize(
    ("outcome", "ending"),
    [
        (Outcome.done("just in time"), "done"),
        (Outcome.failed("broke off"), "dead"),
        (Outcome.cancelled(), "cancelled"),
    ],
)
def test_a_cancelled_task_ends_as_reported_but_never_runs_again(
    board: Board, outcome: Outcome, ending: str
) -> None:
    gate = Stubborn(outcome)
    task = board.push("test", "x")
    with working(board, runner(gate.run)) as (_, log):
        assert gate.started.acquire(timeout=PATIENCE)
        assert board.cancel(task) == "cancelling"
        wait_until(lambda: board.stats()[ending] == 1)
    assert board.stats()["in_flight"] == 0
    assert not log.of("task.released")


def test_a_failure_after_a_cancel_is_not_retried(board: Board) -> None:
    gate = Stubborn(Outcome.failed("broke off"))
    task = board.push("test", "x", attempts=5, backoff="0.01")
    with working(board, runner(gate.run)):
        assert gate.started.acquire(timeout=PATIENCE)
        board.cancel(task)
        wait_until(lambda: board.stats()["cancelled"] == 1)
    assert (board.stats()["retried"], board.count()["queued"]) == (0, 0)


def test_a_cancelled_task_whose_worker_dies_is_not_given_to_another(board: Board) -> None:
    task = board.push("test", "x")
    board.pop("test", lease=0.001, worker="gone")
    assert board.cancel(task) == "cancelling"
    (listed,) = board.tasks()
    assert listed["cancelling"] is True
    keep_ticking(board)
    wait_until(lambda: board.tick().moved == 1)
    assert (board.stats()["cancelled"], board.count()["queued"]) == (1, 0)


def test_a_waiting_task_is_cancelled_at_once(board: Board, jobs: Jobs) -> None:
    queued = board.push("test", "x")
    delayed = board.push("test", "x", at="+1h")
    with working(board, runner(lambda task, context: Outcome.accepted()), tick=False) as (_, log):
        accepted = board.push("test", "accept me")
        log.wait_for("task.accepted", 2)
    ids = (accepted, delayed, queued)
    assert [line["state"] for line in lines(jobs("cancel", *ids, "--json"))] == ["cancelled"] * 3
    assert list(board.tasks()) == []
    stats = board.stats()
    assert (stats["cancelled"], stats["queued"], stats["in_flight"]) == (3, 3, 0)


def test_a_job_can_be_put_so_that_no_two_of_its_tasks_run_and_a_held_one_is_cancelled(board: Board) -> None:
    board.put("a", "test", "x", concurrency=1)
    first, second = board.push("a"), board.push("a")
    (held,) = board.pop("test", count=2, lease=30)
    assert held.id == first
    assert board.count()["held"] == 1
    assert board.cancel(second) == "cancelled"
    assert board.count()["held"] == 0


def test_a_missing_task_cannot_be_cancelled(board: Board, jobs: Jobs) -> None:
    refused(jobs("cancel", "nobody@1000"), "no task 'nobody@1000' is queued or running")
    refused(jobs("cancel", "nobody"), "id: expected a task id, <job>@<due>, got 'nobody'")
    with pytest.raises(NotFoundError):
        board.cancel("nobody@1000")
    task = board.push("test", "x")
    board.ack(board.pop("test", lease=30)[0].token)
    with pytest.raises(NotFoundError):
        board.cancel(task)


def test_a_task_deep_in_a_long_queue_is_found(board: Board) -> None:
    ids = list(board.push_many({"runner": "test", "payload": "x"} for _ in range(5000)))
    for chosen in (ids[0], ids[2500], ids[-1]):
        assert board.cancel(str(chosen)) == "cancelled"
    assert board.count()["queued"] == 4997
