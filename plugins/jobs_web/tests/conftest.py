"""The page of a board, served on the loopback address, and a real browser to look at it."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import jobs_web
import pytest
import uvicorn
from jobs_web.access.user import Role, User
from jobs_web.api.dispatch import Api
from jobs_web.site import Site
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from jobs_core import Board
from jobs_core.testing import PATIENCE
from tests.conftest import board as board
from tests.conftest import jobs as jobs
from tests.conftest import url as url

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

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
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not server.started:
        assert time.monotonic() < deadline, "the server never started"
        time.sleep(0.01)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with httpx.Client(base_url=address, timeout=PATIENCE) as client:
            yield Served(address, client)
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def served(board: Board) -> Iterator[Served]:
    """The page of the test's board. Everybody is an editor."""
    with serving(jobs_web.app(board)) as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium. Where CI is set, a missing one is a failure."""
    if not CHROMIUM:
        if os.environ.get("CI"):
            pytest.fail("no chromium on PATH")
        pytest.skip("no chromium on PATH")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    """A tab of the browser. Fails if the page logs an error to the console."""
    context = browser.new_context(base_url=served.url)
    tab = context.new_page()
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            problems.append(message.text)

    tab.on("console", note)
    tab.on("pageerror", lambda error: problems.append(str(error)))
    yield tab
    context.close()
    assert problems == []


Show = Callable[[str], Page]


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
