"""Changes: who, what, why, and what was before. And the boards of a server."""

from __future__ import annotations

import re
from html import unescape

import jobs_web
import pytest
from playwright.sync_api import Page, expect

from jobs_core import Board

from .conftest import NEXT, Served, serving

JOB = re.compile(r'<a href="/job\?id=([^"]*)"')


def test_a_change_shows_who_why_and_what_was_before(board: Board, served: Served) -> None:
    board.put("report", "shell", "secret-payload", every=3600, description="Every hour")
    board.with_author("ann@web-1").edit(
        "report", every=7200, payload="other", unset=["description"], because="too often"
    )
    for path in ("/changes?job=report", "/job?id=report"):
        text = served.client.get(path).text
        assert "ann@web-1" in text
        assert "too often" in text
        assert "<dt>every</dt><dd><del>1h</del> <ins>2h</ins></dd>" in text
        assert "<del>Every hour</del>" in text
        assert "The payload changed." in text
        assert "secret-payload" not in text


def test_a_job_that_was_removed_shows_what_it_was(board: Board, served: Served) -> None:
    board.put("report", "shell", "x", every=3600)
    assert "<small>New.</small>" in served.client.get("/changes").text
    board.remove("report", because="moved")
    text = served.client.get("/changes").text
    assert "<dt>every</dt><dd><del>1h</del>" in text
    assert "moved" in text


def test_a_change_of_many_jobs_leads_to_each(board: Board, served: Served) -> None:
    list(board.put_many({"id": f"job-{n}", "runner": "shell", "payload": "x"} for n in range(12)))
    text = served.client.get("/changes").text
    assert 'What was before: <a href="/changes?job=job-0">' in text
    assert "and 4 more" in text


def test_limits_show_what_was_before(board: Board, served: Served) -> None:
    board.limit("runner", "http", concurrency=5)
    board.limit("runner", "http", concurrency=20)
    text = served.client.get("/changes").text
    assert "<del>5</del> <ins>20</ins>" in text


@pytest.mark.parametrize(
    ("query", "ids"), [("job=a", ["a"]), ("from=-1h", ["b", "a"]), ("from=%2B1h", []), ("to=-1h", [])]
)
def test_filters_choose_changes(board: Board, served: Served, query: str, ids: list[str]) -> None:
    for id in ("a", "b"):
        board.put(id, "shell", "x")
    text = served.client.get(f"/changes?{query}").text
    assert JOB.findall(text) == ids


def test_pages_have_each_change_once(board: Board, served: Served) -> None:
    for number in range(60):
        board.put(f"job-{number:02}", "shell", "x")
    first = served.client.get("/changes").text
    following = NEXT.search(first)
    assert following
    second = served.client.get(unescape(following[1])).text
    assert not NEXT.search(second)
    assert JOB.findall(first + second) == [f"job-{number:02}" for number in reversed(range(60))]


def test_a_time_that_cannot_be_read_is_one_sentence(served: Served) -> None:
    response = served.client.get("/changes?from=soon")
    assert response.status_code == 400
    assert "expected a time such as" in response.text


def test_an_empty_list_says_what_to_do(served: Served) -> None:
    assert "jobs put tick" in served.client.get("/changes").text
    assert "No change matches." in served.client.get("/changes?job=x").text


def test_a_change_appears_while_the_page_is_open(board: Board, page: Page) -> None:
    page.goto("/changes")
    board.put("report", "shell", "x", because="for the auditors")
    expect(page.get_by_text("for the auditors")).to_be_visible()


def test_one_board_says_how_to_serve_more(board: Board, served: Served) -> None:
    text = served.client.get("/boards").text
    assert f"jobs web --board {board.name} --board reports" in text


def test_several_boards_are_listed_with_their_figures_and_links(board: Board, url: str) -> None:
    board.put("report", "shell", "x")
    with (
        Board(f"{board.name}-other", url, validate=False) as other,
        serving(jobs_web.app(board, other, access=jobs_web.Access(open_role="editor"))) as served,
    ):
        other.put("a", "shell", "x")
        other.put("b", "shell", "x")
        text = served.client.get("/boards").text
        assert "jobs web --board" not in text
        found = dict(
            re.findall(r'<a href="(/boards/[^"]*/)">[^<]*</a></td>\s*<td class="number">(\d+)', text)
        )
        assert found == {f"/boards/{board.name}/": "1", f"/boards/{other.name}/": "2"}
        jobs = served.client.get(f"/boards/{other.name}/jobs").text
        assert f'href="/boards/{other.name}/job?id=a"' in jobs
