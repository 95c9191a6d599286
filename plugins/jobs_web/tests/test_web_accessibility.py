"""Everybody can use the pages: with a screen reader, in light and dark, on a phone, and without being jolted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlencode

import jobs_web
import pytest
from axe_playwright_python.sync_playwright import Axe
from jobs_web.pages import PAGES
from playwright.sync_api import Browser, Page, expect

from docs_tools.demo_board import fill
from jobs_core import Board

from .conftest import Served, serving, tab_on

NEEDED = {
    "/job": ("backup-database", "resize-images", "send-invoices", "nothing"),
    "/job/edit": ("backup-database",),
    "/task": ("resize-images", "send-invoices"),
}
"""The jobs whose pages, or pages of tasks, are looked at."""

QUERIES = {"/limit": {"kind": "queue", "name": "http"}, "/tasks": {"queue": "shell"}, "/timeline": {"span": "1d"}}
PATHS = [(path, job) for path in PAGES for job in NEEDED.get(path, ("",))]

LOOKS: dict[str, tuple[Literal["light", "dark"], int]] = {
    "light": ("light", 1200),
    "dark": ("dark", 1200),
    "phone": ("light", 390),
}


@pytest.fixture(scope="module")
def full(url: str) -> Iterator[Board]:
    """A board with jobs, some of which fail, run, wait, or depend on others."""
    found = Board("accessibility", url, validate=False)
    fill(found, days=0.5)
    yield found
    found.client.close()


@pytest.fixture(scope="module")
def site(full: Board) -> Iterator[Served]:
    with serving(jobs_web.app(full, access=jobs_web.Access(open_role="editor"))) as found:
        yield found


@pytest.fixture(params=LOOKS)
def tab(request: pytest.FixtureRequest, browser: Browser, site: Served) -> Iterator[Page]:
    """A tab in each look: light, dark, and as wide as a phone."""
    scheme, width = LOOKS[request.param]
    with tab_on(browser, site.url) as found:
        found.emulate_media(color_scheme=scheme)
        found.set_viewport_size({"width": width, "height": 844})
        yield found


def url_of_page(board: Board, path: str, job: str) -> str:
    """Return the URL of a page: of a job, or of a task of the job."""
    query = QUERIES.get(path, {"id": job} if job else {})
    if path == "/task":
        tasks = [*board.tasks(state="leased"), *board.dead()]
        query = {"id": next(task["id"] for task in tasks if task["job"] == job)}
    return f"{path}?{urlencode(query)}" if query else path


def problems(tab: Page) -> list[str]:
    """Return what axe finds, and what it does not look for: headings that skip a level."""
    found = Axe().run(tab, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
    return [
        f"{one['id']}: {node['html']} {node['any'][0]['message'] if node['any'] else ''}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


def open_all(tab: Page) -> None:
    """Open what is folded, so that it is looked at, too."""
    tab.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")


@pytest.mark.parametrize(("path", "job"), PATHS)
def test_axe_finds_nothing(full: Board, tab: Page, path: str, job: str) -> None:
    tab.goto(url_of_page(full, path, job))
    if path == "/week":
        tab.locator(".heat").wait_for()
    open_all(tab)
    assert problems(tab) == []


@pytest.mark.parametrize(("path", "job"), PATHS)
def test_no_page_scrolls_sideways_on_a_phone(full: Board, phone: Page, path: str, job: str) -> None:
    phone.goto(url_of_page(full, path, job))
    open_all(phone)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    small = phone.evaluate("""[...document.querySelectorAll("button, .button, nav a, select, summary, input:not([type=hidden])")]
        .filter((one) => one.checkVisibility()).map((one) => [one.outerHTML, one.closest("label") ?? one])
        .filter(([, one]) => one.getBoundingClientRect().height < 24).map(([html]) => html)""")
    assert small == []


@pytest.fixture
def phone(browser: Browser, site: Served) -> Iterator[Page]:
    with tab_on(browser, site.url) as found:
        found.set_viewport_size({"width": 390, "height": 844})
        yield found


def test_axe_finds_nothing_in_the_dialogs(tab: Page) -> None:
    tab.goto("/jobs")
    tab.keyboard.press("?")
    assert problems(tab) == []
    tab.keyboard.press("Escape")
    tab.keyboard.press("Control+k")
    assert problems(tab) == []


def test_axe_finds_nothing_where_something_is_asked(tab: Page) -> None:
    tab.goto("/job?id=send-invoices")
    tab.get_by_role("button", name="Remove").click()
    expect(tab.get_by_role("heading", name="Confirm")).to_be_visible()
    assert problems(tab) == []
    tab.goto("/job/edit?id=send-invoices")
    tab.get_by_label("attempts", exact=True).fill("4")
    tab.get_by_role("button", name="Preview").click()
    expect(tab.get_by_role("button", name="Save")).to_be_visible()
    assert problems(tab) == []


def test_axe_finds_nothing_on_the_login_page(full: Board, browser: Browser) -> None:
    with serving(jobs_web.app(full)) as closed, tab_on(browser, closed.url) as tab:
        for scheme, width in LOOKS.values():
            tab.emulate_media(color_scheme=scheme)
            tab.set_viewport_size({"width": width, "height": 844})
            tab.goto("/login")
            assert problems(tab) == []
            assert tab.evaluate("document.documentElement.scrollWidth") <= width


SHIFTS = """
addEventListener("load", () => {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifts.push([entry.value, entry.sources.map(({ node }) => node?.outerHTML ?? "")]);
  }).observe({ type: "layout-shift", buffered: true });
});
"""


@pytest.mark.parametrize("path", ["/", "/jobs", "/job?id=resize-images"])
def test_nothing_moves_when_parts_of_a_page_are_replaced(
    full: Board, browser: Browser, site: Served, path: str
) -> None:
    with tab_on(browser, site.url) as tab:
        tab.add_init_script(SHIFTS)
        tab.goto(path)
        full.edit("resize-images", description=f"Pictures {path}")
        full.put("resize-images-2", "shell", "x", every="1d")
        (task,) = [one for one in full.tasks(state="leased") if one["job"] == "resize-images"]
        full.commands.call("JACK", task["token"], "update", "progress", len(path) + 30)
        tab.wait_for_timeout(2500)
        shifts = tab.evaluate("window.shifts")
        assert sum(value for value, _ in shifts) < 0.02, shifts
