"""A job's whole life without the command line, in the browser."""

from __future__ import annotations

import threading

from playwright.sync_api import Page, expect

from jobs_core import Board, Context, Outcome, Runner, Task
from tests.helpers import working


def test_a_job_is_put_fails_is_looked_into_repaired_and_done(board: Board, page: Page) -> None:
    ran: list[object] = []
    is_repaired = threading.Event()

    def run(task: Task, context: Context) -> Outcome:
        ran.append(task.payload)
        context.line(f"connecting to {task.payload}")
        return Outcome.done("sent") if is_repaired.is_set() else Outcome.failed("no route", code="7")

    with working(board, Runner("test", run)):
        page.goto("/jobs")
        expect(page.get_by_text("This board has no jobs yet.")).to_be_visible()
        page.goto("/job/new")
        page.get_by_label("id", exact=True).fill("report")
        page.get_by_label("runner", exact=True).fill("test")
        page.get_by_label("payload", exact=True).fill("db-1")
        page.get_by_label("cron", exact=True).fill("0 3 29 2 *")
        page.get_by_role("button", name="Preview").click()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_have_text("Put report.")

        page.get_by_role("button", name="Run now").click()
        expect(page.locator("table.runs tr.bad")).to_contain_text("no route")
        expect(page.locator("#live_dead")).to_contain_text("dead")
        page.locator("table.runs a").first.click()
        expect(page.locator("#live_state .state")).to_have_text("dead")
        expect(page.locator("#live_output")).to_contain_text("connecting to db-1")
        expect(page.locator("section").filter(has_text="Why").last).to_contain_text("no route")

        page.get_by_role("link", name="Job", exact=True).click()
        page.get_by_role("link", name="Edit").click()
        page.get_by_label("payload", exact=True).fill("db-2")
        page.get_by_label("description", exact=True).fill("db-1 is gone")
        page.get_by_role("button", name="Preview").click()
        rows = page.locator(".compare tbody tr")
        expect(rows).to_have_count(2)
        rows.filter(has_text="payload").locator("summary").last.click()
        expect(rows.filter(has_text="payload").locator("pre").last).to_have_text("db-2")
        page.get_by_label("Why, for the record").fill("moved")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_have_text("Saved report.")

        is_repaired.set()
        page.get_by_role("link", name="Dead letters").first.click()
        page.get_by_role("checkbox", name="Select report@").check()
        page.get_by_role("button", name="Retry").click()
        expect(page.locator(".said")).to_have_text("Retried 1 dead letter.")
        page.goto("/job?id=report")
        expect(page.locator("table.runs tbody tr").first).to_contain_text("done")
        expect(page.locator("#live_state")).to_contain_text("done")
        page.get_by_role("button", name="Run now").click()
        expect(page.locator("table.runs tbody tr").filter(has_text="sent")).to_have_count(2)
    assert ran == ["db-1", "db-1", "db-2"]  # a dead letter keeps the payload with which it was queued
    (change,) = (change for change in board.changes("report") if change.what == "edit")
    assert change.because == "moved"
