"""Workers: how they are, and what runs on each."""

from __future__ import annotations

import time
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from jobs_core import Board

from .conftest import Served


def report(board: Board, worker: str, **options: object) -> None:
    """Report as a worker does."""
    words = [word for name, value in options.items() for word in (name, str(value))]
    board.commands.call("JREGISTER", worker, "shell", "http", "--", *words)


def test_workers_show_how_they_are_and_what_runs(board: Board, served: Served) -> None:
    report(board, "web-1:1", host="web-1", pid=4711, concurrency=10, running=4, state="serving", ticks=1)
    report(board, "web-2:1", host="web-2", concurrency=2, running=0, state="draining", clock=time.time() + 90)
    task = board.push("shell", "x", timeout="1h")
    (taken,) = board.pop("shell", lease=60, worker="web-1:1")
    text = served.client.get("/workers").text
    assert "web-1, process 4711" in text
    assert "4 of 10" in text
    assert "draining" in text
    assert "ahead" in text
    assert f'href="/task?{urlencode({"id": task})}"' in text
    assert "of 1h" in text
    board.ack(taken.token, "update", progress=40)
    assert "40 %" in served.client.get("/workers").text


def test_a_worker_that_has_not_reported_lately_is_silent(board: Board, served: Served) -> None:
    report(board, "web-1:1", state="serving", concurrency=1, now=time.time() - 120)
    text = served.client.get("/workers").text
    assert "no report for 30 s" in text
    assert '<span class="state silent">silent</span>' in text


def test_a_board_without_workers_says_what_to_type_next(served: Served) -> None:
    assert "jobs run" in served.client.get("/workers").text


def test_a_worker_appears_while_the_page_is_open(board: Board, page: Page) -> None:
    page.goto("/workers")
    expect(page.get_by_text("No worker has been seen.")).to_be_visible()
    report(board, "web-1:1", state="serving", concurrency=1, running=0)
    expect(page.get_by_text("web-1:1")).to_be_visible()
