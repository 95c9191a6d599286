"""The form that puts and edits jobs: a preview, errors at fields, and no edit lost."""

from __future__ import annotations

import time
from typing import Any

import pytest
from jobs_web.access.user import User
from jobs_web.editing.conflict import merge
from jobs_web.editing.draft import OPTIONS, Draft, opened_with
from jobs_web.pages.edit import edit
from jobs_web.site import Site, View
from playwright.sync_api import Page, expect
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from jobs_core import Board, Context, Outcome, Runner, Task
from jobs_core.plugin_ui import JOB_OPTIONS
from tests.helpers import working

HOSTILE = "</textarea><script>alert(1)</script>\n&\"'"


def preview(page: Page) -> None:
    page.get_by_role("button", name="Preview").click()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()


def test_a_job_is_put_run_and_edited_in_the_browser(board: Board, page: Page) -> None:
    ran = []

    def run(task: Task, context: Context) -> Outcome:
        ran.append(task.payload)
        return Outcome.done("fine")

    with working(board, Runner("test", run)):
        page.goto("/job/new")
        page.get_by_label("id", exact=True).fill("report")
        page.get_by_label("runner", exact=True).fill("test")
        page.get_by_label("payload", exact=True).fill('{"to": "ann"}')
        page.get_by_label("cron", exact=True).fill("0 3 * * *")
        page.get_by_label("zone", exact=True).fill("Europe/Brussels")
        page.get_by_label("label", exact=True).fill("team=data,tier=1")
        preview(page)
        expect(page.locator(".compare")).to_contain_text("Europe/Brussels")
        expect(page.get_by_text("03:00:00 in Europe/Brussels")).to_have_count(5)
        assert list(board.find()) == []
        page.get_by_label("Why, for the record").fill("quarter end")
        save(page)
        expect(page.get_by_role("status")).to_have_text("Put report.")
        page.get_by_role("button", name="Run now").click()
        expect(page.locator("table.runs")).to_contain_text("fine")
        assert ran == [{"to": "ann"}]
        page.get_by_role("link", name="Edit").click()
        page.get_by_label("timeout", exact=True).fill("90m")
        page.get_by_label("zone", exact=True).fill("")
        preview(page)
        rows = page.locator(".compare tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.filter(has_text="timeout")).to_contain_text("1h30m")
        expect(rows.filter(has_text="zone").locator("del")).to_have_text("Europe/Brussels")
        expect(page.get_by_text("03:00:00 UTC")).to_have_count(5)
        save(page)
        expect(page.get_by_role("status")).to_have_text("Saved report.")
    found = board.show("report")
    assert (found["timeout"], found["label"], "zone" in found) == (5400, ["team=data", "tier=1"], False)
    assert [change.because for change in board.changes("report") if change.what in ("put", "create")] == [
        "quarter end"
    ]


BY_MONTH = {"every": "R/2026-01-31T00:00:00Z/P1M", "timeout": 0.5, "description": "one\ntwo"}
DECAYING = {"every": "1h", "decay": 1.0594630943592953, "step": "1d", "repeat": 9, "jitter": 3}
ONCE = {"at": "2030-01-01T00:00:00.123Z", "backoff": "1s,10s", "rate": "100/1m", "retry_on": ["5*", "x"]}


@pytest.mark.parametrize(
    ("options", "name"),
    [(BY_MONTH, "attempts"), (DECAYING, "attempts"), (ONCE, "attempts"), (DECAYING, "left")],
)
def test_only_what_was_changed_is_changed(
    board: Board, page: Page, options: dict[str, Any], name: str
) -> None:
    board.put("a", "test", "\n two lines \n" + HOSTILE, **options)
    before = board.show("a")
    page.goto("/job/edit?id=a")
    expect(page.get_by_label("payload", exact=True)).to_have_value(before["payload"])
    preview(page)
    expect(page.locator("main")).to_contain_text("Nothing: the job is like this already.")
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.get_by_role("button", name="Back to the form").click()
    if name == "left":
        page.get_by_text("Change: left").click()
    page.get_by_label(name, exact=True).fill("4")
    preview(page)
    expect(page.locator(".compare tbody tr")).to_have_count(1)
    save(page)
    expect(page.get_by_role("status")).to_have_text("Saved a.")
    after = board.show("a")
    assert after == before | {name: 4, "etag": after["etag"]}


def test_another_schedule_replaces_the_old_one(board: Board, page: Page) -> None:
    board.put("load", "shell", "x")
    board.put("a", "shell", "x", every="1h", jitter="5s")
    page.goto("/job/edit?id=a")
    page.get_by_label("cron", exact=True).fill("@daily")
    preview(page)
    error = page.locator("#cron_error, #every_error")
    expect(error).to_contain_text("cannot be combined with")
    page.get_by_label("every", exact=True).fill("")
    page.get_by_label("start", exact=True).fill("")
    page.get_by_label("after", exact=True).fill("load")
    page.get_by_label("jitter", exact=True).fill("")
    preview(page)
    save(page)
    expect(page.get_by_role("status")).to_have_text("Saved a.")
    found = board.show("a")
    assert (found["cron"], found["after"], "every" in found, "jitter" in found) == (
        "@daily",
        ["load"],
        False,
        False,
    )


def test_errors_are_at_their_fields_and_nothing_typed_is_lost(board: Board, page: Page) -> None:
    board.put("taken", "shell", "x")
    page.goto("/job/new")
    page.get_by_label("id", exact=True).fill("taken")
    page.get_by_label("runner", exact=True).fill("shell")
    page.get_by_label("payload", exact=True).fill(HOSTILE)
    page.get_by_text("More: priority").click()
    page.get_by_label("concurrency", exact=True).fill("many")
    page.get_by_label("description", exact=True).fill(HOSTILE)
    preview(page)
    expect(page.locator("#id_error")).to_contain_text("already exists")
    page.get_by_label("id", exact=True).fill("report")
    preview(page)
    expect(page.locator("#concurrency_error")).to_contain_text("expected a whole number")
    expect(page.get_by_label("concurrency", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("concurrency", exact=True)).to_be_visible()
    expect(page.get_by_label("payload", exact=True)).to_have_value(HOSTILE)
    expect(page.get_by_label("description", exact=True)).to_have_value(HOSTILE)
    page.get_by_label("concurrency", exact=True).fill("2")
    preview(page)
    page.get_by_label("Why, for the record").fill("a reason")
    page.get_by_role("button", name="Back to the form").click()
    expect(page.get_by_label("concurrency", exact=True)).to_have_value("2")
    preview(page)
    expect(page.get_by_label("Why, for the record")).to_have_value("a reason")
    save(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("report")
    assert (board.show("report")["payload"], board.show("report")["concurrency"]) == (HOSTILE, 2)


def test_jobs_that_would_wait_for_each_other_are_rejected_in_the_preview(board: Board, served: Any) -> None:
    board.put("a", "shell", "x", after="b")
    board.put("b", "shell", "x")
    form = {"id": "b", "etag": board.show("b")["etag"], "runner": "shell", "after": "a", "go": "preview"}
    answer = served.client.post("/job/edit", data=form)
    assert "expected no cycle, got b after a after b" in answer.text


def test_an_edit_conflict_shows_both_and_loses_neither(board: Board, page: Page) -> None:
    board.put("report", "shell", "x", timeout="20m", attempts=2, description="old")
    page.goto("/job/edit?id=report")
    page.get_by_label("timeout", exact=True).fill("30m")
    page.get_by_label("queue", exact=True).fill("mine")
    preview(page)
    board.with_author("ann@web-1").edit("report", timeout="40m", description="new", because="it grew")
    save(page)
    conflict = page.locator(".conflict")
    for text in ("has been changed since", "ann@web-1", "it grew"):
        expect(conflict).to_contain_text(text)
    row = conflict.locator("table").last.locator("tr", has_text="timeout")
    expect(row.locator("td")).to_have_text(["timeout", "20m", "40m", "30m"])
    assert board.show("report")["timeout"] == 2400
    expect(page.get_by_label("timeout", exact=True)).to_have_value("30m")
    expect(page.locator("#timeout_error")).to_have_text("Changed by both: choose.")
    expect(page.get_by_label("description", exact=True)).to_have_value("new")
    preview(page)
    rows = page.locator(".compare tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="timeout").locator("del")).to_have_text("40m")
    save(page)
    expect(page.get_by_role("status")).to_have_text("Saved report.")
    found = board.show("report")
    assert (found["timeout"], found["queue"], found["description"]) == (1800, "mine", "new")


def test_a_conflict_shows_before_the_preview(board: Board, page: Page) -> None:
    board.put("report", "shell", "x", timeout="20m")
    page.goto("/job/edit?id=report")
    page.get_by_label("attempts", exact=True).fill("4")
    board.edit("report", payload="y")
    preview(page)
    expect(page.locator(".conflict")).to_contain_text("The payload changed.")
    expect(page.get_by_label("payload", exact=True)).to_have_value("y")
    expect(page.get_by_label("attempts", exact=True)).to_have_value("4")


def test_a_run_meanwhile_is_no_conflict(board: Board, page: Page) -> None:
    board.put("report", "shell", "x", every=1, start="2026-01-01T00:00:00Z", repeat=9)
    page.goto("/job/edit?id=report")
    page.get_by_label("timeout", exact=True).fill("30m")
    board.tick(now=time.time() + 5)
    preview(page)
    save(page)
    expect(page.get_by_role("status")).to_have_text("Saved report.")
    assert board.show("report")["timeout"] == 1800


def test_a_job_that_was_removed_meanwhile_is_one_sentence(board: Board, served: Any) -> None:
    board.put("report", "shell", "x")
    etag = board.show("report")["etag"]
    board.remove("report")
    form = {"id": "report", "runner": "shell", "payload": "y", "etag": etag, "go": "save"}
    answer = served.client.post("/job/edit", data=form)
    assert "there is no job &#39;report&#39;" in answer.text
    assert 'name="payload"' in answer.text  # what was typed is still there
    assert list(board.find()) == []


def test_a_job_is_copied(board: Board, page: Page) -> None:
    board.put("report", "shell", "x", cron="@daily", timeout="20m")
    page.goto("/job?id=report")
    page.get_by_role("link", name="Copy").click()
    page.get_by_label("id", exact=True).fill("weekly")
    page.get_by_label("cron", exact=True).fill("@weekly")
    preview(page)
    save(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("weekly")
    found = board.show("weekly")
    assert (found["cron"], found["timeout"], found["payload"]) == ("@weekly", 1200, "x")
    assert board.show("report")["cron"] == "@daily"


def test_the_state_of_a_job_can_be_set(board: Board, page: Page) -> None:
    board.put("report", "shell", "x", every="1h", repeat=9)
    page.goto("/job/edit?id=report")
    page.get_by_text("Change: left").click()
    page.get_by_label("left", exact=True).fill("3")
    page.get_by_label("next", exact=True).fill("2030-01-01T00:00:00Z")
    preview(page)
    save(page)
    expect(page.get_by_role("status")).to_have_text("Saved report.")
    found = board.show("report")
    assert (found["left"], found["next"]) == (3, 1893456000)


def test_the_form_has_every_option_of_the_table_but_units_and_pauses(served: Any) -> None:
    text = served.client.get("/job/new").text
    missing = [name for name in JOB_OPTIONS if f'name="{name}"' not in text]
    assert missing == [
        *("seconds", "minutes", "hours", "days", "weeks", "months", "quarters", "years"),
        *("paused", "paused-at", "paused-by", "paused-because", "paused-until"),
    ]
    assert set(OPTIONS) == set(JOB_OPTIONS) - set(missing)


def test_a_merge_keeps_what_either_has_changed(board: Board) -> None:
    board.put("a", "shell", "x", timeout="1m", attempts=2, keep="1h")
    draft = opened_with(board.show("a"), "")
    draft.typed["timeout"] = "2m"
    del draft.typed["keep"]
    board.edit("a", attempts=3)
    merged, differences = merge(board, draft, board.show("a"))
    assert (merged.typed["timeout"], merged.typed["attempts"], "keep" in merged.typed) == ("2m", "3", False)
    assert [(one.name, one.is_disputed) for one in differences] == [("attempts", False)]
    assert merged.edit == ({"timeout": "2m"}, ["keep"])


def test_only_editors_may_edit(board: Board) -> None:
    board.put("a", "shell", "x")
    view = View(Site(board), User(None, "operator"), "/job/edit", QueryParams(id="a"))
    with pytest.raises(HTTPException, match="needs the role editor"):
        edit(view)


def test_a_new_draft_has_no_state_unless_it_is_typed() -> None:
    draft = Draft("a", True, {"runner": "shell", "every": "5", "left": "3"}, {"left": "3"})
    assert draft.options() == {"every": "5"}
