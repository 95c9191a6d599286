"""Pages that are open stay up to date."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from jobs_core import Board


def test_a_page_shows_what_changes_while_it_is_open(board: Board, page: Page) -> None:
    page.goto("/jobs")
    expect(page.get_by_text("This board has no jobs yet.")).to_be_visible()
    board.put("report", "shell", "date", every=3600)
    expect(page.get_by_role("link", name="report")).to_be_visible()


def test_twelve_tabs_of_one_browser_stay_live(board: Board, page: Page) -> None:
    tabs = [page, *(page.context.new_page() for _ in range(11))]
    for number, tab in enumerate(tabs):
        tab.goto(f"/jobs?text=report&tab={number}")
    board.put("report", "shell", "date", every=3600)
    for tab in tabs:
        expect(tab.get_by_role("link", name="report")).to_be_visible()


def test_an_update_waits_for_a_click_that_has_begun(board: Board, page: Page) -> None:
    board.put("report", "shell", "date", every=3600)
    page.goto("/jobs")
    link = page.get_by_role("link", name="report", exact=True)
    link.hover()
    page.mouse.down()
    with page.expect_event("console", lambda message: message.text == "update"):
        page.evaluate(
            """new EventSource("/live?on=/jobs").addEventListener("update", ({data}) =>
               data.includes("later") && setTimeout(() => console.log("update"), 200))"""
        )
        board.put("later", "shell", "date", every=3600)
    expect(page.get_by_role("link", name="later", exact=True)).to_have_count(0)
    page.mouse.up()
    expect(page.get_by_role("heading", level=1)).to_have_text("report")
