"""The page of a task: its attempts, its output and result, and what can be done with it."""

from __future__ import annotations

import re
import threading
from typing import Any
from urllib.parse import quote

import pytest
from jobs_web.pages.task import attempts
from playwright.sync_api import Page, expect

from jobs_core import Board, Context, Outcome, Runner, Task
from tests.helpers import PATIENCE, wait_until, working

from .conftest import Served


def test_a_task_that_runs_is_live_until_it_is_done(board: Board, page: Page) -> None:
    board.put("slow", "test", "x", keep="1h", label="team=data")
    end = threading.Event()

    def run(task: Task, context: Context) -> Outcome:
        context.line("half way")
        context.line("careful", "stderr")
        end.wait(PATIENCE)
        return Outcome.done("ok", rows=12, detail={"a": ["<b>"]})

    try:
        with working(board, Runner("test", run)) as (_, recorder):
            id = board.push("slow")
            recorder.wait_for("task.started")
            page.goto(f"/task?id={quote(id)}")
            expect(page.locator("#live_output")).to_contain_text("half way")
            expect(page.locator("#live_output .stderr")).to_have_text("careful")
            expect(page.locator("#live_attempts .state")).to_have_text("running")
            expect(page.get_by_role("link", name="team=data")).to_be_visible()
            end.set()
            expect(page.locator("#live_state .state")).to_have_text("done")
            expect(page.locator("#live_attempts tbody tr")).to_contain_text("ok")
            expect(page.locator("#live_result")).to_contain_text('{"a": ["<b>"]}')
            expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    finally:
        end.set()


def test_a_failure_is_looked_into_and_retried(board: Board, page: Page) -> None:
    board.put("report", "test", "x", policy="retry", attempts=2, backoff="10ms")
    broken = [True]

    def run(task: Task, context: Context) -> Outcome:
        context.line(f"attempt {task.attempt}")
        return Outcome.failed("no route to db-2", code="7") if broken[0] else Outcome.done("repaired")

    with working(board, Runner("test", run)):
        page.goto("/job?id=report")
        page.get_by_role("button", name="Run now").click()
        expect(page.locator("table.runs tr.bad")).to_contain_text("no route to db-2")
        page.locator("table.runs a").click()
        expect(page.locator("#live_state .state")).to_have_text("dead")
        rows = page.locator("#live_attempts tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.locator(".state")).to_have_text(["failed", "failed"])
        expect(rows.first).to_contain_text("no route to db-2")
        expect(page.locator("#live_output")).to_contain_text("attempt 2")
        broken[0] = False
        page.get_by_role("button", name="Retry").click()
        expect(page.locator("#live_state .state")).to_have_text("done")
        expect(rows.last).to_contain_text("repaired")
        expect(page.get_by_role("button", name="Retry")).to_have_count(0)


def test_a_task_that_waits_is_cancelled(board: Board, page: Page) -> None:
    board.put("report", "shell", "secret")
    id = board.push("report")
    page.goto(f"/task?id={quote(id)}")
    expect(page.locator("#live_state")).to_contain_text("queued")
    expect(page.locator("main")).to_contain_text("no living worker serves that queue")
    expect(page.get_by_text("secret")).to_be_hidden()
    page.get_by_text("Payload").click()
    expect(page.get_by_text("secret")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status")).to_have_text(f"Cancelled {id}.")
    expect(page.locator("#live_state .state")).to_have_text("cancelled")
    wait_until(lambda: not list(board.tasks()))


def test_a_dead_letter_is_purged_after_a_question(board: Board, page: Page) -> None:
    board.put("report", "shell", "x", policy="ack")
    id = board.push("report")
    (task,) = board.pop("shell", lease=60, worker="w")
    board.ack(task.token, "dead", code="3", note="no")
    page.goto(f"/task?id={quote(id)}")
    page.get_by_role("button", name="Purge").click()
    expect(page.get_by_text("They cannot be brought back.")).to_be_visible()
    assert list(board.dead())
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("#live_state .state")).to_have_text("dead")  # its run is still known
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    assert not list(board.dead())


def test_a_task_that_ran_after_others_names_them(board: Board, page: Page) -> None:
    board.put("load", "shell", "x")
    board.put("report", "other", "x", after="load")
    parent = board.push("load")
    (task,) = board.pop("shell", lease=60, worker="w")
    board.ack(task.token, note="12 files")
    (child,) = board.tasks(job="report")
    page.goto(f"/task?id={quote(child['id'])}")
    expect(page.get_by_role("link", name=parent)).to_be_visible()
    expect(page.locator("main")).to_contain_text("12 files")


def test_a_task_that_is_gone_says_what_is_still_known(board: Board, page: Page, served: Served) -> None:
    id = board.push("shell", "x")
    (task,) = board.pop("shell", lease=60, worker="w")
    board.ack(task.token, note="fine")
    page.goto(f"/task?id={quote(id)}")  # a one-off task has no job, and so no runs
    expect(page.locator("#live_state")).to_contain_text("The history of the board still knows it")
    expect(page.locator("#live_attempts")).to_contain_text("fine")
    unknown = served.client.get("/task", params={"id": "nothing@1"})
    assert unknown.status_code == 404
    assert "There is no such task" in unknown.text


def test_attempts_before_a_retry_by_hand_are_marked() -> None:
    entries = [
        {"attempt": 1, "what": "retry", "time": 1.0, "note": "a"},
        {"attempt": 2, "what": "dead", "time": 2.0, "note": "b"},
        {"attempt": 2, "what": "revived", "time": 3.0},
    ]
    running = {"state": "leased", "attempt": 1, "since": 9.0, "worker": "w", "history": []}
    found = attempts(running, None, entries)
    assert [(one.number, one.outcome, one.note, one.is_earlier) for one in found] == [
        (1, "failed", "a", True),
        (2, "failed", "b", True),
        (1, "leased", "", False),
    ]


@pytest.mark.parametrize("keep", [{"keep": "1h"}, {}])
def test_a_retry_keeps_what_failed_apart(board: Board, served: Served, keep: dict[str, Any]) -> None:
    board.put("report", "shell", "x", policy="ack", **keep)
    id = board.push("report")
    (task,) = board.pop("shell", lease=60, worker="web-1")
    board.ack(task.token, "dead", code="3", note="no route", tail="oconnecting\n")
    assert board.dead_retry(task=id)
    board.pop("shell", lease=60, worker="web-1")
    text = served.client.get("/task", params={"id": id}).text
    rows = re.findall(r'<td class="number">(.*?)</td><td>(.*?)</td>', text)
    assert [re.sub("<.*?>", "", "|".join(row)) for row in rows] == ["1 before Retry|failed", "1|running"]
    output = text[text.index('id="live_output"') :]
    if keep:
        assert "attempt 1: revived" in output
    else:
        assert "This is what earlier attempts printed." in output


def test_output_is_not_repeated_in_the_result(board: Board, served: Served) -> None:
    board.put("report", "shell", "x", policy="ack")
    id = board.push("report")
    (task,) = board.pop("shell", lease=60, worker="web-1")
    board.ack(task.token, "done", tail="ohello-marker\n", data={"exit": 0, "output": "hello-marker"})
    text = served.client.get("/task", params={"id": id}).text
    assert text.count("hello-marker") == 1
    assert "<dt>exit</dt>" in text
