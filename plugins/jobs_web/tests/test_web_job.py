"""The page of a job: what it shows, what it keeps live, and what can be done there."""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from jobs_web.access.user import Role, User
from jobs_web.charts import calendar_chart, durations_chart
from jobs_web.job_texts import next_runs, zone_of
from jobs_web.pages import open_tasks
from jobs_web.pages.job import job as job_page
from jobs_web.rendering import render
from jobs_web.site import Site, View
from playwright.sync_api import Page, expect
from starlette.datastructures import QueryParams

from jobs_core import Board, Context, Outcome, Run, Runner, Task
from tests.helpers import PATIENCE, working

HOSTILE = "x<script>alert(1)</script>&\"'@y"


def run_at(board: Board, job: str, seconds: float, took: float, verb: str = "done") -> str:
    """Push a job at a moment of the past, and report on its task after a while."""
    id = board.push(job, now=seconds)
    (task,) = board.pop("shell", lease=9999, worker="web-1", now=seconds)
    assert task.id == id
    board.ack(task.token, verb, now=seconds + took, note="12 pages", tail="a1\nofetching\n")
    return id


def rendered(board: Board, role: Role, **query: str) -> str:
    """Render the page of a job as somebody with a role sees it."""
    view = View(Site(board), User(None, role), "/job", QueryParams(query))
    return render(view, job_page(view))


def test_a_page_says_what_a_job_is_in_words(board: Board, page: Page) -> None:
    board.put(
        *("report", "shell", '{"command": "x"}'),
        **{"cron": "0 3 * * MON#1", "zone": "Europe/Brussels", "timeout": "90m", "rate": "100/1m"},
        description="Sales of the month.",
        label="team=data",
    )
    page.goto("/job?id=report")
    main = page.locator("main")
    expect(main).to_contain_text("At 03:00 on the first Monday of the month, Europe/Brussels time.")
    expect(main).to_contain_text("Sales of the month.")
    expect(page.get_by_role("link", name="team=data")).to_have_attribute("href", "/jobs?label=team%3Ddata")
    expect(page.locator("dd", has_text="1h30m")).to_be_visible()
    expect(page.locator("dd", has_text="100/1m")).to_be_visible()
    expect(page.get_by_text('{"command": "x"}').first).to_be_hidden()


def test_next_runs_mark_clock_changes(board: Board, page: Page) -> None:
    board.put("a", "shell", "x", cron="30 2 * * *", zone="Europe/Brussels", start="2027-10-30T00:00:00Z")
    page.goto("/job?id=a")
    runs = page.locator("#live_next li")
    expect(runs.nth(0)).to_contain_text("Sat 02:30:00 in Europe/Brussels")
    expect(runs.nth(0).locator(".note")).to_have_count(0)
    changed = page.locator("#live_next li", has_text="clocks have changed from UTC+02:00 to UTC+01:00")
    expect(changed).to_have_count(1)


def test_runs_in_utc_and_in_unknown_zones_have_no_notes() -> None:
    times = [datetime(2027, 10, 30, tzinfo=UTC) + timedelta(days=n) for n in range(3)]
    for job in ({}, {"zone": "Mars/Olympus"}):
        assert [run.note for run in next_runs(times, zone_of(job))] == ["", "", ""]


def test_runs_are_a_table_and_charts(board: Board, page: Page) -> None:
    board.put("report", "shell", "x", history=100, policy="ack")
    day, now = 86400, time.time()
    run_at(board, "report", now - 3 * day, 10)
    dead = run_at(board, "report", now - 2 * day, 40, "dead")
    run_at(board, "report", now - day, 20)
    page.goto("/job?id=report")
    rows = page.locator("table.runs tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("20.0s")
    expect(rows.nth(1).locator(".state")).to_have_text("dead")
    expect(rows.nth(1).get_by_role("link")).to_have_attribute("href", f"/task?id={quote(dead)}")
    expect(page.locator("svg.durations")).to_have_attribute(
        "aria-label", "how long 3 runs took, at most 40.0s"
    )
    expect(page.locator("svg.durations line")).to_have_count(2)
    expect(page.locator("svg.calendar rect.done")).to_have_count(2)
    expect(page.locator("svg.calendar .cross")).to_have_count(1)
    page.locator("#live_output summary").first.click()
    expect(page.locator("#live_output pre").first).to_contain_text("fetching")


def test_charts_escape_and_say_their_numbers() -> None:
    runs = [Run("a", "dead", 86400.0, "a@1", 86400.0, 86402.0, 1, "w", "<b>"), Run("a", "done", 0.0)]
    chart = str(durations_chart(runs, 1.0, 5.0))
    assert "&lt;b&gt;" in chart
    assert "<b>" not in chart
    assert chart.count("<line") == 1  # the p95 is above the longest run that is drawn
    calendar = str(calendar_chart(runs, UTC, 3 * 86400.0))
    assert "Fri 1970-01-02: 1 dead" in calendar
    assert "Sat 1970-01-03: no runs" in calendar
    assert "no runs" in str(calendar_chart([], UTC, 0.0))


def test_output_appears_while_a_task_runs(board: Board, page: Page) -> None:
    board.put("slow", "test", "x", keep="1h")
    go, end = threading.Event(), threading.Event()

    def run(task: Task, context: Context) -> Outcome:
        context.line("first <b>line</b>")
        go.wait(PATIENCE)
        context.line("second line")
        end.wait(PATIENCE)
        return Outcome.done("all is well")

    try:
        with working(board, Runner("test", run)):
            page.goto("/job?id=slow")
            page.get_by_role("button", name="Run now").click()
            printed = page.locator("#live_now .printed")
            expect(printed).to_contain_text("first <b>line</b>")
            go.set()
            expect(printed).to_contain_text("second line")
            end.set()
            expect(page.locator("table.runs")).to_contain_text("all is well")
            expect(page.locator("#live_now .printed")).to_have_count(0)
    finally:
        go.set()
        end.set()


def test_what_is_open_stays_open_when_the_page_changes(board: Board, page: Page) -> None:
    board.put("report", "shell", "x")
    run_at(board, "report", time.time() - 60, 1)
    page.goto("/job?id=report")
    page.locator("#live_output summary").click()
    run_at(board, "report", time.time(), 1)
    expect(page.locator("#live_output details")).to_have_count(2)
    expect(page.locator("#live_output details[open]")).to_have_count(1)


def test_a_job_is_paused_and_resumed(board: Board, page: Page) -> None:
    board.put("report", "shell", "x", every="1h")
    page.goto("/job?id=report")
    page.locator("#pause summary").click()
    form = page.locator("#pause form")
    form.get_by_label("Until").fill("+2h")
    form.get_by_label("Why").fill("the database moves")
    form.get_by_role("button", name="Pause").click()
    expect(page.locator("#live_state")).to_contain_text("the database moves")
    assert board.show("report")["paused-until"] > time.time() + 7000
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#live_state")).to_contain_text("scheduled")
    assert board.show("report")["state"] == "scheduled"


def test_removing_a_job_asks_first(board: Board, page: Page) -> None:
    board.put("report", "shell", "x")
    page.goto("/job?id=report")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Remove report?")).to_be_visible()
    assert board.show("report")
    page.get_by_label("Why, for the record").fill("no longer needed")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".said")).to_have_text("Removed report.")
    assert list(board.find()) == []


def test_a_job_that_is_gone_says_who_removed_it(board: Board, served: Any) -> None:
    board.put("report", "shell", "x")
    board.with_author("ann").remove("report", because="no longer needed")
    answer = served.client.get("/job?id=report")
    assert answer.status_code == 404
    assert "ann removed it" in answer.text
    assert "no longer needed" in answer.text
    assert served.client.get("/job").status_code == 404


def test_what_runs_and_waits_is_cancelled(board: Board, page: Page) -> None:
    board.put("report", "shell", "x")
    board.push("report")
    page.goto("/job?id=report")
    page.get_by_role("button", name="Cancel what runs or waits").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("status")).to_have_text("Cancelled 1 waiting task.")
    assert list(board.tasks()) == []


def test_another_payload_runs_once_with_the_options_of_the_job(board: Board, page: Page) -> None:
    board.put("report", "shell", "date", queue="q", timeout="5m", attempts=7, policy="retry", label="a=b")
    page.goto("/job?id=report")
    page.get_by_text("Run with another payload").click()
    page.locator("#push textarea").fill("date -u")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Queued push:")
    (task,) = board.tasks(payload=True)
    assert (task["payload"], task["runner"], task["queue"]) == ("date -u", "shell", "q")
    assert (task["options"]["timeout"], task["options"]["attempts"]) == (300, 7)
    assert board.show("report")["payload"] == "date"


def test_why_answers_for_another_moment(board: Board, page: Page) -> None:
    board.put("report", "shell", "x", every="1h", start="2027-01-01T00:00:00Z")
    page.goto("/job?id=report")
    expect(page.locator("#why")).to_contain_text("It is not due")
    page.get_by_label("At another moment").fill("2027-01-01T05:00:00Z")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#why")).to_contain_text("It will be due at")
    expect(page.locator("#why time").first).to_have_attribute("datetime", re.compile("^2027-01-01T05:00:00"))
    page.get_by_label("At another moment").fill("someday")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#why .bad")).to_contain_text("someday")


def test_jobs_before_and_after_are_links_with_their_states(board: Board, page: Page) -> None:
    board.put("load", "shell", "x")
    board.put("report", "shell", "x", after=["load", "missing"])
    board.put("mail", "shell", "x", after="report")
    board.pause("mail")
    page.goto("/job?id=report")
    related = page.locator("#live_related")
    expect(related).to_contain_text("missing there is no such job")
    expect(related.locator("li", has_text="mail").locator(".state")).to_have_text("paused")
    related.get_by_role("link", name="load").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("load")
    expect(page.locator("#live_related").get_by_role("link", name="report")).to_be_visible()


def test_changes_show_who_changed_what_and_why(board: Board, page: Page) -> None:
    board.put("report", "shell", "x", timeout="20m")
    board.with_author("ann").edit("report", timeout="30m", payload="y", because="it grew")
    board.push("report")
    page.goto("/job?id=report")
    rows = page.locator("section", has_text="Changes").locator("tbody tr")
    expect(rows).to_have_count(2)
    for text in ("ann", "edit", "it grew", "The payload changed."):
        expect(rows.first).to_contain_text(text)
    expect(rows.first.locator("del")).to_have_text("20m")
    expect(rows.first.locator("ins")).to_have_text("30m")


def test_hostile_ids_notes_and_output_are_text(board: Board, page: Page) -> None:
    board.put(HOSTILE, "test", HOSTILE, description=HOSTILE, policy="ack")

    def run(task: Task, context: Context) -> Outcome:
        context.line(f"{HOSTILE} \x1b[31m")
        return Outcome.failed(HOSTILE, code="<i>")

    with working(board, Runner("test", run)) as (_, recorder):
        page.goto(f"/job?id={quote(HOSTILE)}")
        page.get_by_role("button", name="Run now").click()
        recorder.wait_for("task.finished")
        expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
        expect(page.locator("table.runs")).to_contain_text(HOSTILE)
        page.locator("#live_output summary").click()
        expect(page.locator("#live_output pre")).to_contain_text("\\x1b[31m")
        page.locator("table.runs a").click()
        expect(page.locator("#live_attempts")).to_contain_text(HOSTILE)
    assert page.locator("main script").count() == 0
    page.get_by_role("link", name="Job", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)


def test_a_job_whose_id_looks_like_that_of_a_task_has_a_page(board: Board, page: Page) -> None:
    board.put("a@7", "shell", "x")
    run_at(board, "a@7", time.time() - 60, 1)
    page.goto("/job?id=a@7")
    expect(page.locator("table.runs")).to_contain_text("12 pages")


def test_a_crowded_board_is_searched_only_when_asked(
    board: Board, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_tasks, "MANY", 1)
    board.put("report", "shell", "x")
    run_at(board, "report", time.time() - 60, 1)
    tasks = [board.push("report") for _ in range(2)]
    page.goto("/job?id=report")
    expect(page.locator("#live_now")).to_contain_text("Too many tasks wait on this board")
    expect(page.locator("#why")).to_contain_text("Too many tasks wait on this board")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#why")).to_contain_text("no living worker serves that queue")
    page.locator("table.runs a").click()
    expect(page.locator("#live_output")).to_contain_text("fetching")
    page.goto(f"/task?id={quote(tasks[0])}")
    expect(page.locator("#live_state")).to_contain_text("Too many tasks wait on this board")


def test_roles_see_only_what_they_may_do(board: Board) -> None:
    board.put("report", "shell", "x")
    viewer, operator, editor = (
        rendered(board, role, id="report") for role in ("viewer", "operator", "editor")
    )
    assert "/actions/" not in viewer
    assert "Run now" in operator
    assert "Remove" not in operator
    assert "Remove" in editor


def test_why_agrees_with_the_page_that_is_live(board: Board, page: Page) -> None:
    board.put("report", "shell", "x", every="1h")
    page.goto("/job?id=report")
    board.pause("report", because="the disk is full")
    expect(page.locator("#why")).to_contain_text("the disk is full")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.goto("/job?id=report&at=-2h")
    assert page.locator("#live_why").count() == 0


def test_a_page_whose_job_is_removed_offers_nothing_to_do_with_it(board: Board, page: Page) -> None:
    board.put("report", "shell", "x", every="1h")
    page.goto("/job?id=report")
    expect(page.locator("#live_next li")).to_have_count(5)
    board.remove("report")
    expect(page.locator("#live_state")).to_contain_text("removed it")
    expect(page.locator("#live_next li")).to_have_count(0)
    expect(page.get_by_role("button", name="Run now")).to_have_count(0)
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)
    expect(page.locator("#live_why p")).to_have_count(0)


@pytest.mark.parametrize("width", [375, 1200])
def test_nothing_moves_when_pause_opens(board: Board, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    board.put("report", "shell", "x", every="1h")
    page.goto("/job?id=report")
    others = page.locator("#live_actions :is(button, .button):not(#pause form *), #live_state")
    before = [one.bounding_box() for one in others.all()]
    assert len(before) > 4
    page.locator("#pause summary").click()
    expect(page.get_by_label("Until")).to_be_visible()
    assert [one.bounding_box() for one in others.all()] == before
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    field = page.get_by_label("Until")
    assert field.evaluate("one => one.scrollWidth <= one.clientWidth")
    is_cut = """(one) => {
      const context = document.createElement("canvas").getContext("2d");
      context.font = getComputedStyle(one).font;
      return context.measureText(one.placeholder).width > one.clientWidth;
    }"""
    assert not field.evaluate(is_cut)


def test_a_job_that_has_not_run_points_to_what_runs_it(board: Board) -> None:
    board.put("report", "shell", "x", every="1h")
    assert "press Run now" in rendered(board, "operator", id="report")
    assert "press Run now" not in rendered(board, "viewer", id="report")


@pytest.mark.parametrize("width", [375, 1200])
def test_long_words_do_not_widen_the_page(board: Board, page: Page, width: int) -> None:
    word = "x" * 900
    board.put("report", "shell", "x", every="1h", description=word, label=f"{'y' * 60}={'y' * 60}")
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/job?id=report", "/jobs"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator(".label").first.evaluate("one => one.getBoundingClientRect().right") <= width
