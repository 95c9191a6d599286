"""What jobs learn of their parents, and jobs with both a time and parents: Board and the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from jobs_core import AsyncBoard, Board, Context, Outcome, Parent, Task
from jobs_core.types import parents_json
from tests.helpers import Jobs, lines, refused, runner, working

T = 1_700_000_000
MS = T * 1000


def end(board: Board, id: str, verb: str = "done", now: float = T, **report: object) -> str:
    """Run a job now, and report its task. Returns the task's id."""
    board.push(id, now=now)
    (task,) = [task for task in board.pop("shell", lease=30, count=9, now=now) if task.job == id]
    board.ack(task.token, verb, now=now, **report)  # type: ignore[arg-type]
    return task.id


def put_report(board: Board, **options: object) -> None:
    """Put load, and report, which is due at T and daily from then on, after load."""
    board.put("load", "shell", "true")
    given = {"after": "load", "every": "1d", "start": T, "queue": "reports", "now": T - 100} | options
    board.put("report", "shell", "true", **given)  # type: ignore[arg-type]


def test_a_task_has_its_parents(board: Board) -> None:
    board.put("load", "shell", "true")
    board.put("report", "shell", "true", after="load", on="end", timeout=9, queue="reports", now=T)
    id = end(board, "load", "dead", code="3", note="exit 3", data={"rows": 2**60, "none": []})
    (task,) = board.pop("reports", lease=30)
    assert task.parents == (Parent("load", id, "dead", "3", "exit 3", {"rows": 2**60, "none": []}),)
    assert dict(task.options) == {"timeout": 9}
    (listed,) = board.tasks(job="report")
    assert listed["options"]["parents"][0]["code"] == "3"


def test_a_runner_sees_the_parents(board: Board) -> None:
    seen: list[Parent] = []

    def run(task: Task, context: Context) -> Outcome:
        seen.extend(task.parents)
        return Outcome.done("fine", code="7", rows=3)

    board.put("load", "test", "x")
    board.put("report", "test", "x", after="load")
    with working(board, runner(run)):
        id = board.push("load")
        board.wait(id)
        while not seen:
            board.client.blpop(["nothing"], 0.05)
    assert seen == [Parent("load", id, "done", "7", "fine", {"rows": 3})]


def test_parents_without_room_lose_data_then_notes() -> None:
    parents = [Parent("load", "load@1", "done", note="n" * 100, data={"a": "x" * 1000})]
    assert json.loads(parents_json(parents, 9999))[0]["data"] == {"a": "x" * 1000}
    assert json.loads(parents_json(parents, 500))[0].keys() == {"job", "task", "outcome", "note", "truncated"}
    assert json.loads(parents_json(parents, 100))[0].keys() == {"job", "task", "outcome", "truncated"}
    assert parents_json(parents, 10) == ""


def test_a_run_waits_until_its_parents_have_ended(board: Board) -> None:
    put_report(board, deadline="1h")
    board.tick(now=T)
    found = board.when("report")
    assert found["waiting"] == {
        "task": f"report@{MS}",
        "due": T,
        "deadline": T + 3600,
        "at-deadline": "skip",
    }
    assert board.stats()["waiting"] == 1
    id = end(board, "load", now=T + 60)
    (task,) = board.pop("reports", lease=30)
    assert (task.id, [parent.task for parent in task.parents]) == (f"report@{MS}", [id])
    assert "waiting" not in board.when("report")


def test_an_async_board_reads_the_same(board: Board, url: str) -> None:
    put_report(board)
    board.tick(now=T)

    async def read() -> None:
        async with AsyncBoard(board.name, url) as other:
            assert await other.graph() == board.graph()
            assert await other.when("report") == board.when("report")

    asyncio.run(read())
    node = board.graph().nodes["report"]
    assert (node.state, node.met, node.waits_for, node.due, node.deadline) == (
        *("waiting", (), ("load",)),
        *(T, T + 86_400),
    )


def test_put_tells_the_time_and_the_parents(jobs: Jobs) -> None:
    said = jobs("put", "report", "shell", "true", "--at", "2099-12-01T08:30:00Z", "--after", "load").stdout
    assert said.startswith("report: next run 2099-12-01 ")
    assert said.endswith(", after load (not on the board yet: load)\n")
    refused(jobs("put", "a", "shell", "true", "--every", "5", "--deadline", "1h"), "deadline: needs after")


def test_list_shows_both(board: Board, jobs: Jobs) -> None:
    put_report(board)
    board.put("nightly", "shell", "true", cron="30 8 * * *", zone="Europe/Brussels", after="load", on="end")
    shown = jobs("list").stdout
    assert "every 1d, after load" in shown
    assert "cron 30 8 * * *, Europe/Brussels, after load on end" in shown


def test_show_tells_what_a_run_waits_for(board: Board, jobs: Jobs) -> None:
    put_report(board, after="load,clean", deadline="1h", at_deadline="run")
    board.tick(now=T)
    end(board, "load", note="exit 0", now=T + 60)
    rows = [line.split(maxsplit=1) for line in jobs("show", "report").stdout.splitlines()[1:]]
    shown = {name: text.strip() for name, text in rows}
    assert (shown["state"], shown["deadline"], shown["at-deadline"]) == ("waiting", "1h", "run")
    assert shown["ended"].startswith("load done at 2023-11-1") and shown["ended"].endswith("(exit 0)")
    assert shown["waiting"].startswith("since 2023-11-1") and shown["waiting"].endswith("then run")
    (found,) = lines(jobs("show", "report", "--json"))
    assert found["waiting"] == {**board.when("report")["waiting"], "due": T}
    assert found["met"] == ["load"]


def test_graph_shows_what_jobs_wait_for(board: Board, jobs: Jobs) -> None:
    put_report(board, after="load,clean")
    board.put("clean", "shell", "true")
    assert jobs("graph").stdout.splitlines() == [
        "clean (manual)",
        "└── report (after clean, load; scheduled)",
        "load (manual)",
        "└── report (after clean, load; scheduled)",
    ]
    board.tick(now=T)
    end(board, "load", now=T + 60)
    drawn = jobs("graph").stdout
    assert "report (after clean, load; waiting for clean until 2023-11-1" in drawn
    arrows = {str(arrow["parent"]): arrow for arrow in lines(jobs("graph", "--json"))}
    assert (arrows["load"]["met"], arrows["clean"]["met"]) == (True, False)
    assert (arrows["load"]["child_state"], arrows["load"]["parent_state"]) == ("waiting", "manual")
    assert (arrows["load"]["due"], arrows["load"]["deadline"]) == (T, T + 86_400)


def test_an_edit_adds_parents_to_a_time(board: Board, jobs: Jobs) -> None:
    board.put("report", "shell", "true", cron="30 8 * * *")
    jobs("edit", "report", "--cron", "45 8 * * *", "--after", "load", "--deadline", "2h")
    found = board.show("report")
    assert (found["cron"], found["after"], found["deadline"]) == ("45 8 * * *", ["load"], 7200)
    jobs("edit", "report", "--at-deadline", "run")
    assert board.show("report")["at-deadline"] == "run"


def test_dump_and_load_keep_it(board: Board, jobs: Jobs) -> None:
    put_report(board, deadline="1h", at_deadline="run")
    dumped, before = jobs("dump").stdout, board.show("report")
    board.remove("report", "load")
    jobs("load", "-", input=dumped)
    assert board.show("report") == before


BOARD = """
defaults: {misfire: all, jitter: 5, deadline: 1h}
jobs:
  load: {runner: shell, payload: x}
  tick: {runner: shell, payload: x, every: 5}
  report: {runner: shell, payload: x, cron: '30 8 * * *', after: load, at-deadline: run}
"""


def test_a_board_file_declares_it(board: Board, jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "board.yml"
    path.write_text(BOARD)
    assert jobs("board", "apply", str(path)).exit_code == 0
    report, tick = board.show("report"), board.show("tick")
    assert (report["cron"], report["after"], report["deadline"], report["at-deadline"]) == (
        *("30 8 * * *", ["load"]),
        *(3600, "run"),
    )
    assert "misfire" not in report and "jitter" not in report
    assert (tick["misfire"], tick["jitter"], "deadline" in tick) == ("all", 5, False)


def test_a_board_file_that_stays_the_same_keeps_a_run_waiting(board: Board) -> None:
    jobs = [
        {"id": "load", "runner": "shell", "payload": "x"},
        {"id": "report", "runner": "shell", "payload": "x", "every": "1d", "start": T, "after": "load"},
    ]
    board.apply(jobs, "me")
    board.tick(now=board.show("report")["next"])
    board.apply([jobs[0], {**jobs[1], "timeout": 9}], "me")
    assert board.stats()["waiting"] == 1
    board.apply(jobs[:1], "me")
    stats = board.stats()
    assert (stats["waiting"], stats["skipped"], stats["due"]) == (0, 1, 1)
