"""Take a picture of each page, on a private server: `scripts/screenshots FOLDER`."""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import jobs_web
from jobs_web.server import Server, listen, url_of
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from docs_tools.demo_board import fill, report_workers
from jobs_core import Board
from jobs_core.embedded import EmbeddedServer

WIDE: ViewportSize = {"width": 1200, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
LOOKS = {"light": ("light", WIDE), "dark": ("dark", WIDE), "phone": ("light", PHONE)}


def paths(board: Board) -> dict[str, str]:
    """Return the pages to look at, by the names of their pictures."""
    running = next(task["id"] for task in board.tasks(state="leased") if task["job"] == "resize-images")
    dead = next(iter(board.dead()))["id"]
    return {
        "overview": "/",
        "jobs": "/jobs",
        "job": _path("/job", id="backup-database"),
        "job-running": _path("/job", id="resize-images"),
        "job-failing": _path("/job", id="send-invoices"),
        "task": _path("/task", id=running),
        "task-dead": _path("/task", id=dead),
        "edit": _path("/job/edit", id="backup-database"),
        "new": "/job/new",
        "alerts": "/alerts",
        "alert": _path("/alert", name="billing-failed"),
        "alert-edit": _path("/alert/edit", name="billing-failed"),
        "alert-new": "/alert/new",
        "dead": "/dead",
        "queues": "/queues",
        "tasks": "/tasks",
        "limit": _path("/limit", kind="queue", name="http"),
        "workers": "/workers",
        "changes": "/changes",
        "boards": "/boards",
        "graph": "/graph",
        "timeline": _path("/timeline", span="1d"),
        "week": "/week",
    }


def _path(path: str, **query: str) -> str:
    return f"{path}?{urlencode(query)}"


@contextmanager
def demo() -> Iterator[tuple[Board, str]]:
    """Serve a filled board. Yields it, and the URL of its page."""
    with tempfile.TemporaryDirectory(prefix="jobs-") as folder, EmbeddedServer(Path(folder)) as redis:
        board = Board("jobs", redis.url, validate=False)
        fill(board)
        listener = listen("127.0.0.1", 0)
        server = Server(jobs_web.app(board, access=jobs_web.Access(open_role="editor")), listener)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield board, url_of("127.0.0.1", listener)
        finally:
            server.stop()
            thread.join()
            board.client.close()


def take(browser: Browser, url: str, board: Board, folder: Path) -> None:
    """Write a picture of each page in each look."""
    for look, (scheme, size) in LOOKS.items():
        context = browser.new_context(
            base_url=url,
            viewport=size,
            color_scheme="dark" if scheme == "dark" else "light",
            timezone_id="Europe/Brussels",
            locale="en-GB",
        )
        page = context.new_page()
        for name, path in paths(board).items():
            report_workers(board)  # they would be silent after a while
            page.goto(path)
            if name == "week":
                page.locator(".heat").wait_for()
            height = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size(
                {"width": size["width"], "height": height}
            )  # what sticks is at the end then
            page.screenshot(path=folder / f"{name}-{look}.png", animations="disabled")
            page.set_viewport_size(size)
        context.close()


def main() -> int:
    """Take the pictures."""
    if len(sys.argv) != 2:
        print("usage: scripts/screenshots FOLDER", file=sys.stderr)
        return 2
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        print("scripts/screenshots needs chromium on PATH", file=sys.stderr)
        return 1
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with demo() as (board, url), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        take(browser, url, board, folder)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
