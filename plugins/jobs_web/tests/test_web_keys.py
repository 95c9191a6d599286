"""Keys and the command palette."""

from __future__ import annotations

from pathlib import Path

import jobs_web
import pytest
from jobs_web.rendering import NAVIGATION
from playwright.sync_api import Locator, Page, expect

from jobs_core import Board

HOSTILE = "<img/src=x/onerror=alert(1)>"


@pytest.fixture
def jobs(board: Board, page: Page) -> Page:
    """The page of three jobs: a, b and c."""
    for id in "abc":
        board.put(id, "shell", "x", every=3600)
    page.goto("/jobs?sort=id")
    return page


def current(page: Page) -> Locator:
    return page.locator("tr.current[aria-current=true]")


def choices(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Go to").get_by_role("option")


def option(page: Page, name: str) -> Locator:
    return choices(page).filter(has_text=name)


def test_rows_are_walked_and_opened(jobs: Page) -> None:
    expect(current(jobs)).to_have_count(0)
    for key, id in (("j", "a"), ("j", "b"), ("j", "c"), ("j", "c"), ("k", "b")):
        jobs.keyboard.press(key)
        expect(current(jobs)).to_have_count(1)
        expect(current(jobs).get_by_role("link").first).to_have_text(id)
        expect(current(jobs).get_by_role("link").first).to_be_focused()
    jobs.keyboard.press("Enter")
    expect(jobs).to_have_url("/job?id=b")


def test_the_current_row_comes_into_view(board: Board, page: Page) -> None:
    for number in range(60):
        board.put(f"job-{number:02}", "shell", "x", every=3600)
    page.goto("/jobs?sort=id")
    for _ in range(40):
        page.keyboard.press("j")
    expect(page.get_by_role("link", name="job-39")).to_be_focused()
    expect(page.get_by_role("link", name="job-39")).to_be_in_viewport()


def test_the_current_row_stays_when_the_list_is_replaced(board: Board, jobs: Page) -> None:
    jobs.keyboard.press("j")
    jobs.keyboard.press("j")
    board.put("aa", "shell", "x", every=3600)
    expect(jobs.get_by_role("link", name="aa")).to_be_visible()
    expect(current(jobs).get_by_role("link", name="b")).to_be_focused()
    jobs.keyboard.press("k")
    expect(current(jobs).get_by_role("link", name="aa")).to_be_focused()


def test_slash_goes_to_the_search_where_keys_are_text(jobs: Page) -> None:
    jobs.keyboard.press("/")
    search = jobs.locator("header").get_by_label("Search jobs")
    expect(search).to_be_focused()
    jobs.keyboard.type("j?gd/")
    expect(search).to_have_value("j?gd/")
    expect(current(jobs)).to_have_count(0)
    expect(jobs.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize(("path", "name", "key"), NAVIGATION)
def test_g_and_a_letter_go_to_a_page(page: Page, path: str, name: str, key: str) -> None:
    page.goto("/limit?kind=queue&name=x")
    page.keyboard.press("g")
    page.keyboard.press(key)
    expect(page).to_have_url(path)


def test_question_mark_lists_the_keys_and_turns_them_off(jobs: Page) -> None:
    jobs.keyboard.press("?")
    dialog = jobs.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("Next and previous row")
    for _, name, _ in NAVIGATION:
        expect(dialog).to_contain_text(name)
    dialog.get_by_role("checkbox").uncheck()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    jobs.reload()
    jobs.keyboard.press("j")
    expect(current(jobs)).to_have_count(0)
    jobs.keyboard.press("?")
    dialog.get_by_role("checkbox").check()
    jobs.keyboard.press("Escape")
    jobs.keyboard.press("j")
    expect(current(jobs)).to_have_count(1)


def test_keys_with_a_modifier_belong_to_the_browser(jobs: Page) -> None:
    for key in ("Control+j", "Alt+j", "Meta+j"):
        jobs.keyboard.press(key)
    expect(current(jobs)).to_have_count(0)


@pytest.mark.parametrize("keys", ["Control+k", "Meta+k"])
def test_the_palette_goes_to_pages(jobs: Page, keys: str) -> None:
    jobs.keyboard.press(keys)
    field = jobs.get_by_role("combobox", name="A page, an action or a job")
    expect(field).to_be_focused()
    expect(option(jobs, "Overview")).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", "choice_0")
    jobs.keyboard.press("ArrowDown")
    expect(option(jobs, "Jobs").first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", "choice_1")
    jobs.keyboard.press("ArrowUp")
    jobs.keyboard.press("ArrowUp")  # around the end
    expect(choices(jobs).last).to_have_attribute("aria-selected", "true")
    jobs.keyboard.type("work")
    jobs.keyboard.press("Enter")
    expect(jobs).to_have_url("/workers")


def test_the_palette_finds_jobs(board: Board, page: Page) -> None:
    board.put("a:b/ü", "shell", "x", every=3600)
    board.put(HOSTILE, "shell", "x", every=3600)
    page.goto("/workers")
    page.get_by_role("button", name="Go to").click()
    page.keyboard.type("onerror")
    expect(option(page, HOSTILE)).to_be_visible()
    page.get_by_role("combobox").fill("A:b/ü")
    expect(option(page, "a:b/ü")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("a:b/ü")


def test_the_palette_does_what_the_page_can_do(board: Board, page: Page) -> None:
    board.put("report", "shell", "x", every=3600)
    page.goto("/job?id=report")
    page.keyboard.press("Control+k")
    page.keyboard.type("run now")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("report")
    assert [task["job"] for task in board.tasks()] == ["report"]


def test_escape_closes_the_palette_and_returns_the_focus(jobs: Page) -> None:
    button = jobs.get_by_role("button", name="Go to")
    button.press("Enter")
    jobs.keyboard.type("no such thing")
    expect(jobs.get_by_text("Nothing is named so.")).to_be_visible()
    jobs.keyboard.press("Enter")  # there is nothing to choose
    jobs.keyboard.press("Escape")
    expect(jobs.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()


def test_the_scripts_are_small_and_in_files_of_their_own(board: Board, page: Page) -> None:
    scripts = Path(jobs_web.__file__).with_name("static").glob("*.js")
    assert sum(len(path.read_text("utf-8").splitlines()) for path in scripts) < 500
    page.goto("/")
    assert page.evaluate("[...document.scripts].every((one) => one.src && !one.textContent)")
