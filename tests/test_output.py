"""Output of tasks, while waiting and later: `jobs push --wait`, `jobs output`."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from jobs_core import Board, Context, Outcome, Task
from tests.helpers import Jobs, lines, refused, runner, wait_until, working


def _talk(task: Task, context: Context) -> Outcome:
    """Print the words of the payload, and end as the last one says."""
    *words, end = str(task.payload).split()
    for word in words:
        context.line(word)
    if end == "fail":
        context.line("oh no", "stderr")
        return Outcome.failed("exit 3", code="3")
    if end == "stop":
        context.cancelled.wait()
        return Outcome.cancelled()
    return Outcome.done("exit 0", code="0")


@pytest.fixture
def talking(board: Board) -> Iterator[Board]:
    """A board with a worker that prints output."""
    with working(board, runner(_talk, "talk")):
        yield board


@pytest.mark.usefixtures("talking")
def test_push_and_wait_prints_the_output(jobs: Jobs) -> None:
    found = jobs("--no-plugins", "push", "talk", "one two end", "--wait")
    assert (found.stdout, found.stderr, found.exit_code) == ("one\ntwo\n", "", 0)


@pytest.mark.usefixtures("talking")
def test_push_and_wait_exits_as_the_task_does(jobs: Jobs) -> None:
    found = jobs("push", "talk", "one fail", "--wait", "--policy", "ack")
    assert (found.stdout, found.stderr) == ("one\n", "oh no\nattempt 1: gave up: exit 3\n")
    assert found.exit_code == 3


@pytest.mark.usefixtures("talking")
def test_push_and_wait_waits_through_retries(jobs: Jobs) -> None:
    found = jobs("push", "talk", "fail", "--wait", "--attempts", "2", "--backoff", "0.01")
    assert found.stderr.splitlines() == [
        "oh no",
        "attempt 1: failed, will be retried: exit 3",
        "oh no",
        "attempt 2: gave up: exit 3",
    ]
    assert found.exit_code == 3


def test_a_task_that_is_cancelled_ends_with_1(talking: Board, jobs: Jobs) -> None:
    def cancel() -> None:
        wait_until(lambda: any(talking.tasks("leased")))
        (task,) = talking.tasks("leased")
        talking.cancel(task["id"])

    thread = threading.Thread(target=cancel)
    thread.start()
    found = jobs("push", "talk", "stop", "--wait")
    thread.join()
    assert (found.exit_code, found.stderr) == (1, "attempt 1: cancelled\n")


def test_a_run_of_a_job_can_be_waited_for(talking: Board, jobs: Jobs) -> None:
    talking.put("a", "talk", "hello end")
    assert jobs("push", "a", "--wait").stdout == "hello\n"


@pytest.mark.usefixtures("talking")
def test_push_and_wait_prints_json(jobs: Jobs) -> None:
    first, last = lines(jobs("push", "talk", "one end", "--wait", "--json"))
    assert first == {"stream": "stdout", "line": "one"}
    assert last == {"attempt": 1, "what": "done", "note": "exit 0", "code": "0"}


def test_kept_output_can_be_read_later(talking: Board, jobs: Jobs) -> None:
    task = talking.push("talk", "one two end", keep="1h")
    list(talking.output(task, follow=True))
    assert jobs("output", task).stdout == "one\ntwo\n"
    assert len(lines(jobs("output", task, "--json"))) == 3


def test_output_follows_a_task_to_its_end(talking: Board, jobs: Jobs) -> None:
    task = talking.push("talk", "one fail", keep="1h", policy="ack")
    found = jobs("output", task, "--follow")
    assert (found.stdout, found.exit_code) == ("one\n", 3)


def test_output_of_a_running_task_is_shown_so_far(talking: Board, jobs: Jobs) -> None:
    task = talking.push("talk", "one stop", keep="1h")
    wait_until(lambda: bool(talking.client.exists(talking.keys.output(task))))
    found = jobs("output", task)
    assert (found.stdout, found.exit_code) == ("one\n", 0)
    talking.cancel(task)


def test_a_task_that_was_revived_is_followed_to_its_last_end(board: Board) -> None:
    board.push("talk", "x", keep="1h")
    (task,) = board.pop("talk", lease=30)
    board.ack(task.token, "dead", note="no")
    board.dead_retry(task=task.id)
    (task,) = board.pop("talk", lease=30)
    board.ack(task.token, note="yes")
    expected = ["dead", "revived", "done"]
    for follow in (False, True):
        assert [entry["what"] for entry in board.output(task.id, follow=follow)] == expected


def test_many_lines_come_in_order(talking: Board) -> None:
    words = [str(number) for number in range(3000)]
    task = talking.push("talk", " ".join([*words, "end"]), keep="1h")
    printed = [entry["line"] for entry in talking.output(task, follow=True) if "line" in entry]
    assert printed == words
    assert [entry["line"] for entry in talking.output(task) if "line" in entry] == words


def test_output_that_was_not_kept_is_missing(board: Board, jobs: Jobs) -> None:
    with working(board, runner(_talk, "talk")):
        task = board.push("talk", "one end")
        wait_until(lambda: board.stats()["done"] == 1)
    refused(jobs("output", task), f"No output of the task '{task}' is kept", "--keep")


def test_wait_requires_a_single_task(jobs: Jobs) -> None:
    refused(jobs("push", "--stdin", "--wait", input="{}\n"), "--wait follows one task")


def test_following_a_removed_task_ends(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs_core.client.output.LOOKS", 0.0)
    monkeypatch.setattr("jobs_core.client.output.BLOCK", 1)
    with pytest.raises(Exception, match=r"No output of the task .* is kept"):
        list(board.output("nobody@1", follow=True))
