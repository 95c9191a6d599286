"""Logins in a real browser."""

from __future__ import annotations

import time
from collections.abc import Iterator

import jobs_web
import pytest
from jobs_web.access.links import OneTimeLink
from jobs_web.access.tokens import FRESH, Tokens
from playwright.sync_api import Browser, Page, expect

from jobs_core import Board

from .conftest import Served, serving, tab_on
from .test_web_access import add

SITE = """
<!doctype html><title>Another site</title>
<form method="post" action="{url}/actions/run"><input name="job" value="report"><button>Win</button></form>
"""


@pytest.fixture
def closed(board: Board) -> Iterator[Served]:
    """A server that asks for tokens, of a board with a job."""
    board.put("report", "console", "x", every=3600)
    with serving(jobs_web.app(board)) as found:
        yield found


@pytest.fixture
def tab(browser: Browser, closed: Served) -> Iterator[Page]:
    with tab_on(browser, closed.url) as found:
        yield found


def log_in(tab: Page, secret: str) -> None:
    tab.get_by_label("Token").fill(secret)
    tab.get_by_role("button", name="Log in").click()


def test_logging_in_and_out(board: Board, closed: Served, tab: Page) -> None:
    tab.goto("/jobs?text=rep")
    expect(tab).to_have_title("Log in · Jobs")
    log_in(tab, add(board, "operator", "ann@example.com"))
    expect(tab).to_have_url(f"{closed.url}/jobs?text=rep")
    expect(tab.get_by_text("ann@example.com")).to_be_visible()
    board.put("repeated", "console", "x", every=3600)
    expect(tab.get_by_role("link", name="repeated")).to_be_visible()  # the stream has the cookie, too
    tab.get_by_role("button", name="Log out").click()
    expect(tab).to_have_title("Log in · Jobs")
    tab.goto("/jobs")
    expect(tab).to_have_title("Log in · Jobs")


def test_a_link_is_a_login(board: Board, browser: Browser) -> None:
    link = OneTimeLink()
    access = jobs_web.Access(link=link, hosts=frozenset(("127.0.0.1",)))
    with serving(jobs_web.app(board, access=access)) as served, tab_on(browser, served.url) as tab:
        tab.goto(f"/login?link={link.secret}")
        expect(tab).to_have_url(f"{served.url}/")
        expect(tab.get_by_role("heading", name="Overview")).to_be_visible()
        tab.reload()
        expect(tab.get_by_role("button", name="Log out")).to_be_visible()


def test_a_link_from_another_site_finds_the_login(board: Board, closed: Served, tab: Page) -> None:
    """As a link in a chat does."""
    tab.goto("/")
    log_in(tab, add(board, "operator"))
    expect(tab.get_by_role("heading", name="Overview")).to_be_visible()
    elsewhere = "http://chat.example/"
    tab.route(
        elsewhere,
        lambda route: route.fulfill(
            body=f'<!doctype html><a href="{closed.url}/jobs">the jobs</a>', content_type="text/html"
        ),
    )
    tab.goto(elsewhere)
    tab.get_by_role("link").click()
    expect(tab.get_by_role("link", name="report")).to_be_visible()


def test_a_form_of_another_site_changes_nothing(board: Board, closed: Served, browser: Browser) -> None:
    context = browser.new_context(base_url=closed.url)
    tab = context.new_page()
    tab.goto("/")
    log_in(tab, add(board, "operator"))
    expect(tab.get_by_role("heading", name="Overview")).to_be_visible()
    elsewhere = "http://127.0.0.2/"  # another origin
    body = SITE.format(url=closed.url)
    tab.route(elsewhere, lambda route: route.fulfill(body=body, content_type="text/html"))
    tab.goto(elsewhere)
    tab.get_by_role("button").click()
    expect(tab.get_by_text("This came from another site")).to_be_visible()
    assert board.count()["queued"] == 0
    context.close()


def test_an_open_page_says_that_its_login_has_ended(board: Board, closed: Served, browser: Browser) -> None:
    context = browser.new_context(base_url=closed.url)
    tab = context.new_page()
    tab.goto("/jobs")
    log_in(tab, add(board, "viewer", "ann"))
    expect(tab.get_by_role("link", name="report")).to_be_visible()
    Tokens(board).remove("ann")
    time.sleep(FRESH)
    board.put("later", "console", "x", every=3600)
    expect(tab.get_by_role("alert").filter(has_text="Reload the page")).to_be_visible(timeout=20_000)
    expect(tab.get_by_role("link", name="later")).to_have_count(0)
    context.close()
