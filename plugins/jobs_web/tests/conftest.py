"""The page of a board, served on the loopback address, and a real browser to look at it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx
import jobs_web
import pytest
from jobs_web.access.user import Role, User
from jobs_web.api.dispatch import Api
from jobs_web.pages import PAGES
from jobs_web.rendering import render
from jobs_web.server import Server, listen, url_of
from jobs_web.site import Site, View
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from jobs_core import Board
from jobs_core.testing import PATIENCE
from tests.conftest import board as board
from tests.conftest import jobs as jobs
from tests.conftest import pytest_generate_tests as pytest_generate_tests
from tests.conftest import url as url

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, PROGRAMS)), None)
"""The browser. The shell, which has no window to draw, takes a third of the time."""

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)


@dataclass
class Served:
    """An application as it is served: where it is, and a client for it."""

    url: str
    client: httpx.Client


@contextmanager
def serving(app: ASGIApp) -> Iterator[Served]:
    """Serve an application on a free port of the loopback address, as `jobs web` does."""
    listener = listen("127.0.0.1", 0)
    server = Server(app, listener)
    thread = threading.Thread(target=server.run)
    thread.start()
    address = url_of("127.0.0.1", listener)
    try:
        with httpx.Client(base_url=address, timeout=PATIENCE) as client:
            yield Served(address, client)
    finally:
        server.stop()
        thread.join()
        listener.close()


@pytest.fixture
def served(board: Board) -> Iterator[Served]:
    """The page of the test's board. Everybody is an editor."""
    with serving(jobs_web.app(board, access=jobs_web.Access(open_role="editor"))) as found:
        yield found


@pytest.fixture
def free_port() -> int:
    """A port of the loopback address on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(loop: asyncio.AbstractEventLoop | None) -> Iterator[None]:
    """Make a loop the running one of this thread. Between two calls, Playwright leaves its own there."""
    before = asyncio._get_running_loop()
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(before)


@pytest.fixture(scope="session")
def shared_browser() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    """A headless Chromium for all tests, and its loop. Where CI is set, a missing one is a failure."""
    if not CHROMIUM:
        if os.environ.get("CI"):
            pytest.fail("no chromium on PATH")
        pytest.skip("no chromium on PATH")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        loop = asyncio.get_running_loop()
        with running(None):  # for tests that call asyncio.run
            yield found, loop
        found.close()


@pytest.fixture
def browser(shared_browser: tuple[Browser, asyncio.AbstractEventLoop]) -> Iterator[Browser]:
    """A headless Chromium without pages."""
    found, loop = shared_browser
    with running(loop):
        yield found


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    """A tab of the browser. Fails if the page logs an error to the console."""
    with tab_on(browser, served.url) as tab:
        yield tab


@contextmanager
def tab_on(browser: Browser, url: str) -> Iterator[Page]:
    """Open a tab of a browser without cookies. Fails if a page logs an error to the console."""
    context = browser.new_context(base_url=url)
    tab = context.new_page()
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        path = urlsplit(message.location["url"]).path
        is_gone = path in PAGES and "404 (Not Found)" in message.text  # a task or job that does not exist
        is_asked_again = path.startswith("/actions/") and "409 (Conflict)" in message.text
        if message.type in ("error", "warning") and not (is_gone or is_asked_again):
            problems.append(message.text)

    tab.on("console", note)
    tab.on("pageerror", lambda error: problems.append(str(error)))
    yield tab
    context.close()
    assert problems == []


Show = Callable[[str], Page]


NEXT = re.compile(r'<a rel="next" href="([^"]*)"')


def listed_on_all_pages(served: Served, path: str, row: re.Pattern[str]) -> list[str]:
    """Follow the links to the next page of a list. Returns what each row is found by."""
    found = []
    while True:
        text = served.client.get(path).text
        found += row.findall(text)
        following = NEXT.search(text)
        if not following:
            return found
        path = unescape(following[1])


def run_all(board: Board, verb: Any = "done", queue: str = "shell", **report: Any) -> list[str]:
    """Run all tasks that wait in a queue, as a worker would. Returns their ids."""
    tasks = board.pop(queue, count=500, lease=600, worker="worker-1")
    return [board.ack(task.token, verb, **report) for task in tasks]


def as_viewer(board: Board, path: str, query: str = "") -> str:
    """Render a page for somebody who may only look."""
    view = View(Site(board, (board.name,)), User("ann", "viewer"), path, QueryParams(query))
    return render(view, PAGES[path](view))


@contextmanager
def serving_api(board: Board, role: Role = "editor") -> Iterator[httpx.Client]:
    """Serve the API alone, at `/boards/b/api/v1`, to somebody with a role. Yields a client that is there."""
    api = Api(Site(board, (board.name,)))
    routes = Mount("/boards/b", routes=[Mount("/api/v1", app=api)])

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["user"] = User("ann", role)
        await Starlette(routes=[routes])(scope, receive, send)

    with (
        serving(app) as found,
        httpx.Client(base_url=f"{found.url}/boards/b/api/v1", timeout=PATIENCE) as client,
    ):
        yield client


@pytest.fixture
def api(board: Board) -> Iterator[httpx.Client]:
    """The API of the test's board, for an editor named ann."""
    with serving_api(board) as client:
        yield client
