"""The runs of a job, from Python, asyncio and the command line."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from jobs_core import AsyncBoard, Board, NotFoundError
from jobs_core.runs import Gap, Held, Hour, Run, Summary
from tests.helpers import Jobs, lines, refused

T = 1_700_000_000


def run(board: Board, verb: str, at: int, **options: object) -> str:
    """Push the job `a`, and report its task. Returns the task's id."""
    task_id: str = board.commands.call("JPUSH", "a", "now", at)
    (task,) = board.pop("echo", lease=30, worker="host-1", now=at + 1)
    pairs = [part for pair in options.items() for part in pair]
    board.commands.call("JACK", task.token, verb, *pairs, "now", at + 4)
    return task_id


@pytest.fixture
def busy(board: Board) -> list[str]:
    """A job with three runs and skipped occurrences. Returns the ids of its tasks."""
    board.put("a", "echo", "x", every=60, overlap="skip", now=T)
    ids = [run(board, "done", T - 20), run(board, "dead", T - 10, code="7", note="no disk")]
    for second in (0, 60, 120):
        board.tick(now=T + second)
    return [*ids, f"a@{T}000"]


def test_runs(board: Board, busy: list[str]) -> None:
    skipped, dead, done = board.runs("a")
    assert skipped == Run("a", "skipped", T + 60, count=2, through=T + 120, reason="overlap")
    assert (dead.task, dead.outcome, dead.code, dead.note, dead.worker) == (
        busy[1],
        "dead",
        "7",
        "no disk",
        "host-1",
    )
    assert (done.late, done.took, done.attempts) == (1, 3, 1)
    assert (skipped.late, skipped.took) == (None, None)
    assert list(board.runs("a", limit=1)) == [skipped]
    assert list(board.runs("a", task=busy[0])) == [done]
    with pytest.raises(NotFoundError, match="there is no job 'b'"):
        list(board.runs("b"))


def test_a_summary(board: Board, busy: list[str]) -> None:
    found = board.summary("a", "b")
    last = next(board.runs("a", task=busy[1]))
    assert found == {
        "a": Summary("a", runs=2, failures=1, last=last, last_done=T - 16, median=3, p95=3, first=T - 20)
    }


def test_hours_and_gaps(board: Board, busy: list[str]) -> None:
    hour = T // 3600 * 3600
    assert board.hours() == [Hour(hour, {"done": 1, "dead": 1, "skipped": 2})]
    assert board.hours(since=T + 7200) == []
    board.tick(now=T + 1000)
    assert board.gaps(since=T + 500) == [Gap("idle", T + 180, T + 1000)]
    assert board.gaps(until=T + 100) == []


def test_a_task_says_what_held_it(board: Board) -> None:
    board.put("a", "echo", "x", concurrency=1, now=T)
    first = board.commands.call("JPUSH", "a", "now", T)
    second = board.commands.call("JPUSH", "a", "now", T)
    tasks = board.pop("echo", count=2, lease=30, now=T)
    assert [task["held"] for task in board.tasks("held")] == [{"limit": "job:a", "since": T, "by": [first]}]
    board.commands.call("JACK", tasks[0].token, "done", "now", T + 9)
    (task,) = board.pop("echo", lease=30, now=T + 10)
    board.commands.call("JACK", task.token, "done", "now", T + 11)
    assert next(board.runs("a", task=second)).held == Held("job:a", T)


def test_asyncio(board: Board, url: str, busy: list[str]) -> None:
    async def read() -> tuple[object, ...]:
        async with AsyncBoard(board.name, url) as found:
            return (
                [run async for run in found.runs("a")],
                await found.summary("a"),
                await found.hours(),
                await found.gaps(),
            )

    assert asyncio.run(read()) == (list(board.runs("a")), board.summary("a"), board.hours(), board.gaps())


def test_the_command_line(jobs: Jobs, board: Board, busy: list[str]) -> None:
    rows = jobs("runs", "a").output.splitlines()
    assert rows[0].split() == ["due", "late", "took", "outcome", "attempts", "note", "code", "worker"]
    assert re.search(r"skipped +overlap, 2 times until \S+ \S+$", rows[1])
    assert rows[2].split()[2:] == ["1.0s", "3.0s", "dead", "1", "no", "disk", "7", "host-1"]
    assert len(rows) == 4
    found = lines(jobs("runs", "a", "--json", "--limit", "2"))
    assert found[0] == {
        **{"job": "a", "outcome": "skipped", "due": T + 60, "count": 2, "through": T + 120},
        "reason": "overlap",
    }
    assert (found[1]["task"], found[1]["late"], found[1]["took"]) == (busy[1], 1, 3)
    refused(jobs("runs", "b"), "there is no job 'b'")
    board.put("b", "echo", "x")
    assert "no runs of the job 'b' are known" in jobs("runs", "b").stderr
    assert json.dumps(lines(jobs("runs", "b", "--json"))) == "[]"


def test_show_has_the_last_runs(jobs: Jobs, board: Board, busy: list[str]) -> None:
    text = jobs("show", "a").stdout
    assert re.search(r"^takes +3.0s *$", text, re.MULTILINE)
    assert re.search(r"^failures +1 *$", text, re.MULTILINE)
    assert text.split("\n\n")[1].splitlines() == jobs("runs", "a").stdout.splitlines()
    (found,) = lines(jobs("show", "a", "--json"))
    assert found["runs"] == lines(jobs("runs", "a", "--json"))
    assert (found["failures"], found["median"], found["last_done"]) == (1, 3, T - 16)
    assert found["last"] == found["runs"][1]  # type: ignore[index]
    for number in range(6):
        run(board, "dead", T + 200 + number)
    assert len(lines(jobs("show", "a", "--json"))[0]["runs"]) == 5  # type: ignore[arg-type]
    assert re.search(r"^failures +7 in a row *$", jobs("show", "a").stdout, re.MULTILINE)


def test_show_of_a_job_that_has_not_run(jobs: Jobs, board: Board) -> None:
    board.put("b", "echo", "x")
    assert "late" not in jobs("show", "b").stdout
    assert not {"runs", "failures", "last"} & lines(jobs("show", "b", "--json"))[0].keys()


def test_a_list_has_the_last_runs_on_request(board: Board, url: str, busy: list[str]) -> None:
    board.put("b", "echo", "x")
    shown, new = board.list(sort="id", summary=True)
    assert (shown["last"]["task"], shown["last"]["took"], shown["last"]["late"]) == (busy[1], 3, 1)
    assert (shown["failures"], shown["last_done"]) == (1, T - 16)
    assert new == board.show("b") | {"failures": 0}
    assert list(board.list(sort="id")) == [board.show("a"), board.show("b")]

    async def read() -> list[dict[str, object]]:
        async with AsyncBoard(board.name, url) as found:
            return [job async for job in found.list(sort="id", summary=True)]

    assert asyncio.run(read()) == [shown, new]


def test_a_large_board_has_the_last_run_of_each_job(board: Board) -> None:
    put_all = board.put_many({"id": f"j{n}", "runner": "echo", "payload": "x"} for n in range(1300))
    assert all(next_run is None for next_run in put_all)
    for number in (0, 49, 50, 700, 1299):
        board.push(f"j{number}", now=T)
        (task,) = board.pop("echo", lease=30, now=T)
        board.ack(task.token, "dead", now=T)
    found = {job["id"]: job["failures"] for job in board.list(summary=True)}
    assert len(found) == 1300
    assert sorted(id for id, failures in found.items() if failures) == ["j0", "j1299", "j49", "j50", "j700"]


def test_a_put_declares_how_many_are_kept(jobs: Jobs, board: Board) -> None:
    assert jobs("put", "a", "shell", "x", "--history", "5").exit_code == 0
    assert board.show("a")["history"] == 5
    refused(jobs("put", "a", "shell", "x", "--history", "-1"), "history: expected a whole number")
