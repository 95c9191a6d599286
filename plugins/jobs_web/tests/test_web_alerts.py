"""Alerts on the page: the list, the page of one, the overview and the jobs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from jobs_web.quiet_hours import QuietHours, quiet_hours
from playwright.sync_api import Page, expect

from jobs_core import Alert, Board, NotFoundError

from .conftest import Served, as_viewer, run_all

T = datetime(2026, 7, 1, 23, tzinfo=UTC).timestamp()


def put_job(board: Board, id: str = "backup", **options: str) -> None:
    board.put(id, "shell", "x", every=3600, start="+1d", **options)


def put_alert(board: Board, name: str = "ops", **options: Any) -> None:
    board.alert_put(name, "tell", "secret {subject}", **{"when": "failed"} | options)


def fail(board: Board, id: str = "backup") -> None:
    board.push(id)
    run_all(board, "dead", note="the disk is full")


def test_the_list_says_what_each_alert_is_for_and_whether_it_fires(board: Board, page: Page) -> None:
    put_job(board, label="team=a")
    put_alert(board, for_="team=a", quiet="22:00-07:00", zone="Europe/Brussels")
    put_alert(board, "other", when="dead, late 10m", for_="none-*")
    page.goto("/")
    page.get_by_role("link", name="Alerts", exact=True).click()
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="ops", exact=True))
    expect(row).to_contain_text(re.compile("failed 1.*team=a.*tell.*nothing.*never.*22:00-07:00", re.DOTALL))
    expect(page.locator("main")).not_to_contain_text("secret")
    fail(board)
    expect(row).to_contain_text(re.compile("fires for backup, since"))
    expect(row).not_to_contain_text("never")
    expect(row.locator("td").last).to_contain_text(re.compile("(next|now, until)"))
    row.get_by_role("link", name="backup").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("backup")


def test_an_alert_shows_what_it_tells_of_and_its_tasks(board: Board, page: Page) -> None:
    put_job(board)
    put_alert(board, every="4h", recovery=True, attempts=5)
    page.goto("/alert?name=ops")
    expect(page.locator("#live_incidents")).to_contain_text("For nothing.")
    expect(page.locator("#live_tasks")).to_contain_text("jobs alert test ops")
    options = page.locator("section", has=page.get_by_role("heading", name="Options"))
    expect(options).to_contain_text(re.compile("every\\s*4h.*recovery\\s*yes.*attempts\\s*5", re.DOTALL))
    expect(page.get_by_text("secret {subject}")).to_be_hidden()
    page.get_by_text("Payload", exact=True).click()
    expect(page.get_by_text("secret {subject}")).to_be_visible()
    fail(board)
    incident = page.locator("#live_incidents tbody tr")
    expect(incident).to_contain_text(re.compile("failed.*backup.*1", re.DOTALL))
    expect(page.locator("#live_tasks tbody tr")).to_contain_text(re.compile("alert:ops@.*queued", re.DOTALL))
    (task,) = run_all(board, queue="tell", note="sent")
    expect(page.locator("#live_tasks tbody tr")).to_contain_text(re.compile("done.*sent", re.DOTALL))
    page.get_by_role("link", name=task).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(task)
    page.locator("#live_state").get_by_role("link", name="alert:ops").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Alert ops")


def test_a_test_and_a_removal(board: Board, page: Page) -> None:
    put_alert(board)
    page.goto("/alert?name=ops")
    page.get_by_role("button", name="Test").click()
    expect(page.locator(".said")).to_have_text(re.compile(r"^Queued alert:ops@\d+-1\.$"))
    expect(page.locator("#live_tasks tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("main")).to_contain_text("Remove the alert ops? It tells nobody any more.")
    assert board.alert_show("ops")
    page.get_by_label("Why, for the record").fill("moved")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".said")).to_have_text("Removed the alert ops.")
    expect(page.locator("main")).to_contain_text("Nobody is told when a job fails. Put an alert:")
    with pytest.raises(NotFoundError):
        board.alert_show("ops")
    assert next(board.changes()).because == "moved"


def test_the_overview_says_which_alerts_fire(board: Board, page: Page) -> None:
    put_job(board)
    put_alert(board, "nightly-failed")
    page.goto("/")
    expect(page.locator("main")).not_to_contain_text("nightly-failed")
    fail(board)
    panel = page.locator("#live_attention section").first
    expect(panel).to_contain_text("1 alert fires: nightly-failed for backup, since ")
    put_alert(board, "more", when="failed, unserved 1s")
    for id in "abcde":
        put_job(board, id)
        fail(board, id)
    expect(panel.get_by_role("listitem")).to_have_count(2)
    expect(panel).to_contain_text(re.compile(r"nightly-failed fires for backup, a, b and 3 more, since"))
    panel.get_by_role("link", name="more", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Alert more")


def test_a_job_lists_the_alerts_that_watch_it_and_those_that_fire(board: Board, page: Page) -> None:
    put_job(board)
    page.goto("/job?id=backup")
    alerts = page.locator("#live_alerts")
    expect(alerts).to_contain_text("jobs alert put NAME RUNNER PAYLOAD --when failed --for backup")
    put_alert(board, for_="backup")
    put_alert(board, "queues", when="unserved", for_="queue:sh*")
    put_alert(board, "others", for_="other")
    expect(alerts.locator("tbody tr")).to_have_count(2)
    expect(alerts).not_to_contain_text("others")
    fail(board)
    expect(alerts.locator("tbody tr").first).to_contain_text(
        re.compile(r"ops.*fires \(failed\) since", re.DOTALL)
    )
    alerts.get_by_role("link", name="New alert for this job").click()
    expect(page.get_by_label("for", exact=True)).to_have_value("backup")


def test_the_palette_finds_alerts_and_what_can_be_done(board: Board, page: Page) -> None:
    put_alert(board, "nightly-failed")
    page.goto("/workers")
    page.keyboard.press("Control+k")
    page.keyboard.type("nightly")
    expect(page.get_by_role("option").filter(has_text="nightly-failed")).to_contain_text("Alert")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Alert nightly-failed")
    page.wait_for_load_state()
    page.keyboard.press("Control+k")
    page.keyboard.type("test")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("Queued alert:nightly-failed@")


def test_a_viewer_sees_alerts_and_changes_none(board: Board, served: Served) -> None:
    put_alert(board)
    text = as_viewer(board, "/alert", "name=ops")
    assert "Alert ops" in text
    for word in ("Test</button>", "Remove</button>", "/alert/edit", "/alert/new"):
        assert word not in text
    assert "New alert" not in as_viewer(board, "/alerts")


def test_an_alert_that_does_not_exist_is_not_found(served: Served) -> None:
    response = served.client.get("/alert?name=none")
    assert response.status_code == 404
    assert "there is no alert" in response.text


@pytest.mark.parametrize(
    ("quiet", "zone", "begin", "end", "are_now"),
    [
        ("22:00-07:00", None, -1, 8, True),
        ("22:00-07:00", "Asia/Tokyo", 14, 23, False),
        ("08:00-18:00", "Asia/Tokyo", 0, 10, True),
        ("12:00-13:00", None, 13, 14, False),
        ("22:00-23:00", None, 23, 24, False),
    ],
)
def test_quiet_hours_are_those_of_the_zone(
    quiet: str, zone: str | None, begin: int, end: int, are_now: bool
) -> None:
    found = quiet_hours(Alert("ops", "failed", "tell", quiet=quiet, zone=zone), T)
    assert found == QuietHours(T + begin * 3600, T + end * 3600)
    assert found.are_at(T) == are_now
