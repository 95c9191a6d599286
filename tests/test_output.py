"""Output of tasks, while waiting and later: `jobs push --wait`, `jobs output`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from jobs_core import Board, Context, Outcome, ServerError, Task
from jobs_core.cli.task_output import waiting_note
from jobs_core.worker.output_keeper import OutputKeeper
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


def test_missing_lines_are_counted_in_their_place(jobs: Jobs, board: Board) -> None:
    task = board.push("talk", "x", keep=60)
    (token,) = (held.token for held in board.pop("talk", lease=60))
    call = board.commands.call
    call("JOUTPUT", token, "stdout", "one", "missing", "1200", "stdout", "two")
    board.ack(token)
    found = jobs("output", task, "--follow")
    assert (found.stdout, found.stderr) == ("one\ntwo\n", "… 1,200 lines are missing here …\n")
    assert list(board.output(task))[1] == {"missing": 1200}


def test_what_made_room_is_missing_at_the_beginning(jobs: Jobs, board: Board) -> None:
    task = board.push("talk", "x", keep=60, keep_bytes=1024)
    (token,) = (held.token for held in board.pop("talk", lease=60))
    board.commands.call("JOUTPUT", token, *["stdout", "x" * 100] * 20)
    board.ack(token)
    entries = list(board.output(task))
    assert entries[0]["missing"] + sum("line" in entry for entry in entries) == 20


def test_a_task_that_prints_much_leaves_no_gap_without_a_word(board: Board) -> None:
    count = 60_000

    def talk(task: Task, context: Context) -> Outcome:
        for number in range(count):
            context.line(str(number))
        return Outcome.done()

    task = board.push("talk", "x", keep=60)
    with working(board, runner(talk, "talk")):
        expected = 0
        for entry in board.output(task, follow=True):
            expected += entry.get("missing", 0)
            if "line" in entry:
                assert int(entry["line"]) == expected
                expected += 1
    assert expected == count


def test_one_enormous_line_is_bounded_everywhere(board: Board) -> None:
    task = board.push("talk", "x", keep=60)

    def talk(task: Task, context: Context) -> Outcome:
        context.line("x" * 3_000_000 + "the end")
        return Outcome.done("n" * 3_000_000, output="y" * 3_000_000 + "the end")

    with working(board, runner(talk, "talk")) as (_, log):
        log.wait_for("task.finished")
        (logged,) = log.wait_for("task.line")
    line, ending = list(board.output(task))
    assert line["line"] == logged.data["line"]
    assert len(line["line"]) == 65_536 and line["line"].startswith("…x") and line["line"].endswith("the end")
    assert ending["note"].endswith("n…") and len(ending["note"]) <= 1000
    assert ending["data"]["truncated"] is True
    assert ending["data"]["output"].startswith("…y") and ending["data"]["output"].endswith("the end")
    (entry,) = board.history(task=task)
    assert entry["data"] == ending["data"]


def test_waiting_for_a_queue_that_nobody_serves_says_so(
    jobs: Jobs, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs_core.cli.task_output.PATIENCE", 0.01)
    found: list[str] = []
    thread = threading.Thread(
        target=lambda: found.append(jobs("push", "console", "hello", "--wait").stderr), daemon=True
    )
    noted = threading.Event()

    def note(board: Board, task: str) -> str:
        said = waiting_note(board, task)
        noted.set()
        return said

    monkeypatch.setattr("jobs_core.cli.task_output.waiting_note", note)
    thread.start()
    assert noted.wait(10)
    with working(board, *board.plugins.runners(), queues=[]):
        thread.join(10)
    (stderr,) = found
    assert "waits: no worker has served the queue 'console'" in stderr
    assert stderr.strip().endswith("Start one: jobs run --runner console")


def test_what_a_waiting_task_is_told(board: Board) -> None:
    task = board.push("talk", "x", queue="slow", keep=60)
    assert "no worker has served the queue 'slow'" in waiting_note(board, task)
    assert waiting_note(board, task).endswith("jobs run --runner talk --queue slow")
    board.register("host-1", ["slow"])
    assert "waits in the queue 'slow': no worker has taken it yet" in waiting_note(board, task)
    report = ("JREGISTER", "host-1", "slow", "--", "queues", "slow", "state", "serving")
    board.commands.call(*report, "now", f"{time.time() - 60:.3f}")
    assert "waits: no living worker serves the queue 'slow'. Start one" in waiting_note(board, task)
    board.commands.call(*report)
    assert "no worker has taken it yet" in waiting_note(board, task)
    (held,) = board.pop("slow", lease=60)
    assert waiting_note(board, task) == ""
    board.ack(held.token)
    assert waiting_note(board, task) == ""


def test_lines_that_could_not_be_sent_at_the_end_are_missing_there(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = board.push("talk", "x", keep=60)
    (taken,) = board.pop("talk", lease=60)
    call, failures = board.commands.call, [ServerError("gone"), ServerError("gone")]

    def fail_at_first(name: str, *arguments: Any) -> Any:
        if name == "JOUTPUT" and failures:
            raise failures.pop()
        return call(name, *arguments)

    monkeypatch.setattr(board.commands, "call", fail_at_first)
    keeper = OutputKeeper(board.commands)
    keeper.add(taken.token, "lost", "stdout")
    wait_until(lambda: len(failures) == 1)
    keeper.add(taken.token, "lost, too", "stdout")
    wait_until(lambda: not failures)
    keeper.end(taken.token)
    keeper.stop()
    board.ack(taken.token)
    missing, ending = list(board.output(task))
    assert (missing, ending["what"]) == ({"missing": 2}, "done")
