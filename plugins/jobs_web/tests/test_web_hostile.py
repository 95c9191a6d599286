"""A hostile board: whatever jobs, workers and people write on it is shown as text, and leads nowhere else."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import httpx
import jobs_web
import pytest
from jobs_web.actions.done import SAID
from jobs_web.calendars import LINE
from jobs_web.pages import PAGES
from jobs_web.site import local_path
from playwright.sync_api import Browser, Page, expect

from jobs_core import Board
from jobs_core.plugin_ui import visible

from .conftest import Served, serving, tab_on
from .hostile import IDS, MARKUP, PAYLOAD, QUEUE, fill

ALIEN = """() => {
  const all = [...document.querySelectorAll("*")];
  return [
    window.pwned && "a script ran",
    document.scripts.length === 1 || "another script element",
    ...all.filter((one) => ["IMG", "IFRAME", "OBJECT", "EMBED", "BASE"].includes(one.tagName)).map((one) => one.tagName),
    ...all.flatMap((one) => [...one.attributes]).map((one) => one.name).filter((name) => /^(on|style)/.test(name)),
    ...[...document.links].filter((one) => new URL(one.href.baseVal ?? one.href, location).origin !== location.origin).map(String),
    ...[...document.forms].filter((one) => new URL(one.action).origin !== location.origin).map((one) => one.action),
  ].filter((found) => found && found !== true);
}"""
"""Finds in a page what no template has put there."""


@pytest.fixture(scope="module")
def board(url: str) -> Iterator[Board]:
    """The hostile board, for the tests that only read."""
    found = Board("hostile", url, validate=False)
    fill(found)
    yield found
    found.client.close()


@pytest.fixture(scope="module")
def served(board: Board) -> Iterator[Served]:
    """The pages of the hostile board, for editors: they have the most forms."""
    with serving(jobs_web.app(board, access=jobs_web.Access(open_role="editor"))) as found:
        yield found


def paths_of_pages(board: Board) -> list[str]:
    """Return each page at least once, and those of ids with that id."""
    dead = next(board.dead())["id"]
    running = next(board.tasks(state="leased"))["id"]
    by_path = {
        "/job": [f"/job?{urlencode({'id': id, 'at': MARKUP})}" for id in IDS[:2]],
        "/job/edit": [f"/job/edit?{urlencode({'id': IDS[0]})}"],
        "/job/new": [f"/job/new?{urlencode({'like': IDS[0]})}"],
        "/task": [f"/task?{urlencode({'id': id})}" for id in (dead, running, MARKUP)],
        "/tasks": ["/tasks", f"/tasks?{urlencode({'queue': QUEUE})}"],
        "/limit": [f"/limit?{urlencode({'kind': 'queue', 'name': QUEUE})}"],
        "/graph": ["/graph", f"/graph?{urlencode({'job': IDS[0]})}"],
        "/timeline": ["/timeline", "/timeline?by=worker"],
    }
    return [path for page in PAGES for path in by_path.get(page, [page])]


def test_nothing_of_a_hostile_board_becomes_an_element(board: Board, served: Served, browser: Browser) -> None:
    with tab_on(browser, served.url) as page:
        page.on("dialog", lambda dialog: pytest.fail(dialog.message))
        for path in paths_of_pages(board):
            response = page.goto(path)
            assert response is not None
            assert response.status in (200, 400), path
            assert page.evaluate(ALIEN) == [], path
            assert "49" not in page.title(), path


LIVE = ("/", "/jobs", "/dead", "/queues", "/tasks", "/workers", "/changes", "/timeline", "/graph")


@pytest.mark.parametrize("path", LIVE)
def test_what_comes_by_live_updates_is_text(url: str, browser: Browser, path: str, request: pytest.FixtureRequest) -> None:
    board = Board(f"live{path.replace('/', '-')}", url, validate=False)
    with serving(jobs_web.app(board, access=jobs_web.Access(open_role="editor"))) as served:
        with tab_on(browser, served.url) as page:
            page.goto(path)
            fill(board)
            expect(page.locator("main")).to_contain_text("window.pwned")
            assert page.evaluate(ALIEN) == []


def test_every_job_has_a_link_to_its_page(board: Board, served: Served, browser: Browser) -> None:
    with tab_on(browser, served.url) as page:
        for id in IDS:
            page.goto(f"/jobs?{urlencode({'text': id, 'sort': 'id'})}")
            page.get_by_role("link", name=visible(id), exact=True).first.click()
            expect(page.get_by_role("heading", level=1)).to_have_text(visible(id))
            assert parse_qs(urlsplit(page.url).query)["id"] == [id]
