"""Everybody can use the pages: with a screen reader, in light and dark, and on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal
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
    "/job": ("backup-database", "resize-images", "send-invoices"),
    "/job/edit": ("backup-database",),
    "/task": ("resize-images", "send-invoices"),
}
"""The jobs whose pages, or pages of tasks, are looked at."""

QUERIES = {
    "/limit": {"kind": "queue", "name": "http"},
    "/tasks": {"queue": "shell"},
    "/timeline": {"span": "1d"},
    "/alert": {"name": "billing-failed"},
    "/alert/edit": {"name": "billing-failed"},
}
PATHS = [(path, job) for path in PAGES for job in NEEDED.get(path, ("",))]

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
LOOKS: dict[str, tuple[Literal["light", "dark"], int, dict[str, Any]]] = {
    "light": ("light", 1200, {"type": "tag", "values": TAGS}),
    "dark": ("dark", 1200, {"type": "rule", "values": ("color-contrast", "link-in-text-block")}),
    "phone": ("light", 390, {"type": "rule", "values": ("target-size", "scrollable-region-focusable")}),
}
"""Each look: colors, width, and the rules of axe whose result depends on them (in the first, all)."""


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


@pytest.fixture
def tab(browser: Browser, site: Served) -> Iterator[Page]:
    with tab_on(browser, site.url) as found:
        yield found


def url_of_page(board: Board, path: str, job: str) -> str:
    """Return the URL of a page: of a job, or of a task of the job."""
    query = QUERIES.get(path, {"id": job} if job else {})
    if path == "/task":
        tasks = [*board.tasks(state="leased"), *board.dead()]
        query = {"id": next(task["id"] for task in tasks if task["job"] == job)}
    return f"{path}?{urlencode(query)}" if query else path


def problems(tab: Page) -> list[str]:
    """Return what axe finds on a page in each look."""
    found = []
    for look, (scheme, width, rules) in LOOKS.items():
        tab.emulate_media(color_scheme=scheme)
        tab.set_viewport_size({"width": width, "height": 844})
        answer = Axe().run(tab, options={"runOnly": rules})
        found += [
            f"{look} {one['id']}: {node['html']} {node['failureSummary']}"
            for one in answer.response["violations"]
            for node in one["nodes"]
        ]
    return found


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


SMALL = """[...document.querySelectorAll("button, .button, nav a, select, summary, input:not([type=hidden])")]
  .filter((one) => one.checkVisibility())
  .filter((one) => Math.max(one.offsetHeight, one.closest("label.switch")?.offsetHeight ?? 0) < 24)
  .map((one) => one.outerHTML)"""


@pytest.mark.parametrize(("path", "job"), PATHS)
def test_pages_fit_a_phone(full: Board, tab: Page, path: str, job: str) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto(url_of_page(full, path, job))
    open_all(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.evaluate(SMALL) == []


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
        tab.goto("/login")
        assert problems(tab) == []
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


SHIFTS = """
addEventListener("load", () => {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const { value, sources } of list.getEntries())
      window.shifts.push([value, sources.map(({ node }) => node?.outerHTML ?? "")]);
  }).observe({ type: "layout-shift", buffered: true });
});
"""


@pytest.mark.parametrize("path", ["/", "/jobs", "/job?id=clean-uploads"])
def test_nothing_moves_when_parts_of_a_page_arrive(full: Board, tab: Page, path: str) -> None:
    tab.add_init_script(SHIFTS)
    tab.goto(path)
    full.push("clean-uploads")
    (task,) = full.pop("shell", lease=600, worker="web-1:4711")
    full.ack(task.token, "update", progress=50, note="half way")
    if path != "/jobs":
        expect(tab.get_by_text("half way")).to_be_visible()
    full.ack(task.token, "dead", code="1", note="the disk is full")
    expect(tab.locator("main")).to_contain_text("the disk is full")
    shifts = tab.evaluate("window.shifts")
    assert sum(value for value, _ in shifts) < 0.02, shifts


@pytest.mark.parametrize(("path", "job"), PATHS)
def test_a_view_with_its_filters_has_a_link(full: Board, tab: Page, path: str, job: str) -> None:
    tab.goto(url_of_page(full, path, job))
    methods = "[...document.querySelectorAll('form.filters')].map((form) => form.method)"
    assert set(tab.evaluate(methods)) <= {"get"}


TICK = "jobs put tick shell date --every 5"


@pytest.mark.parametrize(
    ("path", "command"),
    [
        *((path, TICK) for path in ("/", "/jobs", "/timeline", "/queues", "/changes")),
        ("/tasks", "jobs push tick"),
        ("/workers", "jobs run"),
        ("/alerts", "jobs alert put"),
        ("/dead", "jobs dead list"),
        ("/graph", "--after"),
        ("/boards", "jobs web --board"),
    ],
)
def test_an_empty_board_says_what_to_type_next(served: Served, path: str, command: str) -> None:
    assert command in served.client.get(path).text


def test_times_are_on_the_clocks_of_the_reader_and_of_the_job(
    full: Board, browser: Browser, site: Served
) -> None:
    context = browser.new_context(base_url=site.url, timezone_id="Asia/Tokyo", locale="en-GB")
    tab = context.new_page()
    tab.goto("/job?id=backup-database")  # at 2:30 in Brussels, which is 9:30 or 10:30 in Tokyo
    hour = re.compile("(09|10):30:00")
    for place in ("#live_state time.when", "#live_next li:first-child time.when"):
        time = tab.locator(place).first
        expect(time.locator("span")).to_have_text(re.compile(r"^(in \d+ \w+|now)$"))
        expect(time.locator("small").first).to_have_text(hour)
        expect(time.locator("small.there")).to_have_text(re.compile(r"^\w{3} 02:30:00 in Europe/Brussels$"))
    expect(tab.locator("#why time").first).to_have_text(hour)
    context.close()


def test_the_clock_of_the_job_is_left_out_where_it_is_the_readers(
    full: Board, browser: Browser, site: Served
) -> None:
    context = browser.new_context(base_url=site.url, timezone_id="Europe/Paris", locale="en-GB")
    tab = context.new_page()
    tab.goto("/job?id=backup-database")
    time = tab.locator("#live_state time.when").first
    expect(time.locator("small").first).to_have_text(re.compile("02:30:00"))
    expect(time.locator("small.there")).to_be_hidden()
    context.close()


@pytest.mark.parametrize(("path", "job"), PATHS)
def test_every_time_is_relative_and_exact(full: Board, tab: Page, path: str, job: str) -> None:
    """Times that stand alone have one form. Sentences and spans have exact ones."""
    tab.goto(url_of_page(full, path, job))
    alone = tab.locator("main :is(td, li, dd) > time.instant")
    expect(alone).to_have_count(0)
    form = re.compile(r"(now|in \d+ \w+|\d+ \w+ ago)\s.*\d\d:\d\d:\d\d.*", re.DOTALL)
    for text in tab.locator("main time.when").all_inner_texts():
        assert form.fullmatch(text), text


def test_charts_are_on_the_clock_of_the_reader(full: Board, browser: Browser, site: Served) -> None:
    context = browser.new_context(base_url=site.url, timezone_id="Asia/Tokyo")
    tab = context.new_page()
    for path in ("/", "/timeline"):
        tab.goto(path)
        expect(tab.locator("main")).to_contain_text("Asia/Tokyo")
    expect(tab.locator("a[data-zone]")).to_be_hidden()
    tab.goto("/timeline?zone=UTC")
    expect(tab.locator("#live_timeline")).to_contain_text("is that of UTC.")
    tab.get_by_role("link", name="Show the clock of Asia/Tokyo").click()
    expect(tab.locator("#live_timeline")).to_contain_text("is that of Asia/Tokyo.")
    context.close()
