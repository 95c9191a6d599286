"""The form that puts and edits alerts: errors at fields, and no edit lost."""

from __future__ import annotations

import pytest
from jobs_web.access.user import User
from jobs_web.editing.alert_form import edit, new
from jobs_web.site import Site, View
from playwright.sync_api import Page, expect
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from jobs_core import Board

from .conftest import Served
from .test_web_edit import HOSTILE


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()


def test_an_alert_is_put_and_edited_in_the_browser(board: Board, page: Page) -> None:
    page.goto("/alerts")
    page.get_by_role("link", name="New alert").click()
    for name, text in {
        **{"name": "ops", "when": "failed 3, late 10m", "for": "team=a, report-*", "runner": "console"},
        **{"payload": '{"text": "{subject}"}', "every": "4h", "quiet": "22:00-07:00"},
        "zone": "Europe/Brussels",
    }.items():
        page.get_by_label(name, exact=True).fill(text)
    page.get_by_label("recovery", exact=True).select_option("yes")
    page.get_by_text("Its tasks:").click()
    page.get_by_label("attempts", exact=True).fill("5")
    page.get_by_label("Why, for the record").fill("the audit")
    save(page)
    expect(page.locator(".said")).to_have_text("Put the alert ops.")
    found = board.alert_show("ops")
    assert (found.when, found.scope, found.every) == ("failed 3, late 10m", ("team=a", "report-*"), 14400)
    assert (found.payload, found.recovery, found.options) == ('{"text": "{subject}"}', True, {"attempts": 5})
    assert next(board.changes()).because == "the audit"
    page.get_by_role("link", name="Edit").click()
    for name, text in {"for": "team=a,report-*", "every": "4h", "attempts": "5"}.items():
        expect(page.get_by_label(name, exact=True)).to_have_value(text)
    page.get_by_label("when", exact=True).fill("failed")
    page.get_by_label("every", exact=True).fill("")
    save(page)
    expect(page.locator(".said")).to_have_text("Saved the alert ops.")
    found = board.alert_show("ops")
    assert (found.when, found.every, found.recovery) == ("failed 1", None, True)
    assert found.options == {"attempts": 5}


def test_only_what_was_changed_is_changed(board: Board, page: Page) -> None:
    board.alert_put("ops", "tell", "\n two lines \r\n" + HOSTILE, when="failed", owner="a.yml", timeout=0.5)
    before = board.alert_show("ops")
    page.goto("/alert/edit?name=ops")
    save(page)
    expect(page.locator(".said")).to_have_text("Saved the alert ops.")
    assert board.alert_show("ops") == before
    expect(page.locator("main")).to_contain_text("The board file a.yml declares this alert.")
    page.get_by_role("link", name="Copy").click()
    expect(page.get_by_label("payload", exact=True)).to_have_value("\n two lines \n" + HOSTILE)
    page.get_by_label("name", exact=True).fill("ops")
    save(page)
    expect(page.locator("#name_error")).to_contain_text("the alert 'ops' already exists")
    assert board.alert_show("ops") == before


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("when", "often", "often"),
        ("for", "a b", "expected job ids"),
        ("quiet", "late", "22:00-07:00"),
        ("zone", "Europe/Bruxelles", "Europe/Brussels"),
        ("burst", "0", "whole number"),
        ("timeout", "soon", "soon"),
        ("name", "a b", "letters"),
        ("runner", "no such", "runner"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(page: Page, name: str, text: str, says: str) -> None:
    page.goto("/alert/new")
    good = {"name": "ops", "when": "failed", "runner": "console", "payload": "kept {text}"}
    page.get_by_text("Its tasks:").click()
    for field, value in (good | {name: text}).items():
        page.get_by_label(field, exact=True).fill(value)
    save(page)
    field = page.get_by_label(name, exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator(f"#{name}_error")).to_contain_text(says)
    expect(field).to_have_value(text)
    expect(page.get_by_label("payload", exact=True)).to_have_value("kept {text}")


def test_an_edit_of_somebody_else_is_shown_and_not_lost(board: Board, page: Page) -> None:
    board.alert_put("ops", "tell", "x", when="failed", every="1h")
    page.goto("/alert/edit?name=ops")
    page.get_by_label("when", exact=True).fill("dead")
    board.alert_put("ops", "tell", "x", when="failed", every="2h")
    save(page)
    conflict = page.locator(".conflict")
    expect(conflict).to_contain_text("The alert has been changed since you opened this form")
    expect(conflict.locator("tbody tr").filter(has_text="every")).to_contain_text("2h")
    assert board.alert_show("ops").when == "failed 1"
    expect(page.get_by_label("when", exact=True)).to_have_value("dead")
    save(page)
    expect(page.locator(".said")).to_have_text("Saved the alert ops.")
    assert (board.alert_show("ops").when, board.alert_show("ops").every) == ("dead", 3600)


def test_the_form_works_without_javascript(board: Board, served: Served) -> None:
    data = {"name": "ops", "when": "failed", "runner": "console", "payload": "x"}
    response = served.client.post("/alert/new", data=data)
    assert (response.status_code, response.headers["location"]) == (303, "/alert?name=ops")
    assert board.alert_show("ops").runner == "console"


def test_only_editors_may(board: Board) -> None:
    board.alert_put("ops", "tell", "x", when="failed")
    for function, path, query in ((edit, "/alert/edit", "name=ops"), (new, "/alert/new", "")):
        view = View(Site(board, (board.name,)), User("ann", "operator"), path, QueryParams(query))
        with pytest.raises(HTTPException):
            function(view)
