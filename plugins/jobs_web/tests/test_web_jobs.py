"""The list of jobs: search, filters, order, pages, and actions on many jobs."""

from __future__ import annotations

import re
from html import unescape
from importlib import import_module

import httpx
import pytest
from playwright.sync_api import Page, expect

from jobs_core import Board

from .conftest import NEXT, Served, as_viewer, listed_on_all_pages, run_all

ID = re.compile(r'name="job" value="([^"]*)"')

HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')
"""The hidden fields of a form."""


def listed(client: httpx.Client, path: str) -> list[str]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    return [unescape(id) for id in ID.findall(response.text)]


def put(board: Board, count: int, **options: object) -> list[str]:
    ids = [f"job-{number:04}" for number in range(count)]
    results = board.put_many(
        {"id": id, "runner": "shell", "payload": "true", "every": 3600, **options} for id in ids
    )
    assert not [result for result in results if isinstance(result, Exception)]
    return ids


@pytest.fixture
def mixed(board: Board) -> Board:
    board.put(
        "bill", "http", "x", every=60, label=["team=payments", "stage=test"], description="Sends the bills"
    )
    board.put("clean", "shell", "x", every=60, label=["team=data"])
    board.put("manual", "shell", "x")
    board.pause("clean", because="the database moves")
    board.push("manual")
    run_all(board, "dead", code="exit_3", note="the disk is full")
    return board


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["bill", "clean", "manual"]),
        ("text=BILLS", ["bill"]),
        ("text=man", ["manual"]),
        ("label=team=payments, stage=test", ["bill"]),
        ("label=team=payments stage=live", []),
        ("runner=http", ["bill"]),
        ("state=manual", ["manual"]),
        ("failing=1", ["manual"]),
        ("paused=1", ["clean"]),
        ("running=1", []),
        ("paused=1&runner=http", []),
    ],
)
@pytest.mark.parametrize("sort", ["", "&sort=id", "&sort=any"])
def test_filters_choose_jobs(mixed: Board, served: Served, query: str, ids: list[str], sort: str) -> None:
    assert sorted(listed(served.client, f"/jobs?{query}{sort}")) == ids


def test_jobs_show_why_they_are_paused_and_their_last_error(mixed: Board, served: Served) -> None:
    text = served.client.get("/jobs").text
    assert "the database moves" in text
    assert "1 in a row: the disk is full" in text
    assert "last runs: 1 dead" in text
    assert "Sends the bills" in text


def test_jobs_are_sorted_by_next_run_or_id(board: Board, served: Served) -> None:
    board.put("a", "shell", "x", at="+3h")
    board.put("b", "shell", "x", at="+1h")
    board.put("c", "shell", "x")
    assert listed(served.client, "/jobs") == ["b", "a", "c"]
    assert listed(served.client, "/jobs?sort=id") == ["a", "b", "c"]


@pytest.mark.parametrize("query", ["", "sort=id", "sort=any", "text=job", "label=team=data"])
def test_pages_have_each_job_once(board: Board, served: Served, query: str) -> None:
    ids = put(board, 120, label=["team=data"])
    found = listed_on_all_pages(served, f"/jobs?{query}", ID)
    assert sorted(found) == ids


def test_a_large_board_is_filtered_without_sorting_it(
    board: Board, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = put(board, 60)
    monkeypatch.setattr(import_module("jobs_web.pages.jobs"), "SORTED", 50)
    first = served.client.get("/jobs").text
    assert "These are the first 50 by next run" in first
    assert not NEXT.search(first)
    assert "in any order" in served.client.get("/jobs?runner=shell&sort=id").text
    any_order = served.client.get("/jobs?sort=any").text
    following = NEXT.search(any_order)
    assert following
    assert sorted(ID.findall(any_order) + listed(served.client, unescape(following[1]))) == ids


def test_a_cursor_of_another_order_starts_again(board: Board, served: Served) -> None:
    put(board, 3)
    assert len(listed(served.client, "/jobs?sort=any&cursor=50")) == 3
    assert served.client.get("/jobs?sort=any&cursor=nonsense").status_code == 400


def test_a_full_page_is_small(board: Board, served: Served) -> None:
    ids = put(board, 60, label=["team=payments"], description="Sends the report of the night to the team")
    for _ in range(20):
        list(board.push_many({"id": id} for id in ids))
        run_all(board)
    response = served.client.get("/jobs")
    assert response.text.count('class="strip"') == 50
    assert len(response.content) < 100_000


def test_an_empty_list_says_what_to_do(board: Board, served: Served) -> None:
    assert "jobs put tick shell date --every 5" in served.client.get("/jobs").text
    put(board, 1)
    text = served.client.get("/jobs?runner=http").text
    assert "No job matches: runner http." in text
    assert "Show all jobs" in text


def test_a_viewer_sees_no_actions(mixed: Board) -> None:
    text = as_viewer(mixed, "/jobs")
    assert "bill" in text
    assert "/actions/" not in text
    assert "Select" not in text


def test_selected_jobs_are_paused_with_a_reason(board: Board, page: Page) -> None:
    put(board, 3)
    page.goto("/jobs")
    page.get_by_label("Select job-0000").check()
    page.get_by_label("Select job-0002").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_label("Why").fill("the database moves")
    page.get_by_label("Pause until").fill("+2h")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused 2 jobs.")).to_be_visible()
    assert sorted(board.find(paused=True)) == ["job-0000", "job-0002"]
    assert board.show("job-0000")["paused-because"] == "the database moves"
    assert "paused-until" in board.show("job-0000")


def test_what_is_selected_stays_so_while_the_list_changes(board: Board, page: Page) -> None:
    put(board, 3)
    page.goto("/jobs")
    page.get_by_label("Select job-0001").check()
    page.get_by_label("Why").click()
    board.put("another", "shell", "true", every=60)
    expect(page.get_by_label("Select another")).to_be_visible()
    expect(page.get_by_label("Select job-0001")).to_be_checked()
    expect(page.get_by_text("1 selected")).to_be_visible()


def test_all_boxes_are_checked_at_once(board: Board, page: Page) -> None:
    put(board, 3)
    page.goto("/jobs")
    page.get_by_label("Select all on this page").check()
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_text("Queued 3 jobs.")).to_be_visible()
    assert board.count()["queued"] == 3


def test_all_that_match_are_changed_after_a_question_that_says_how_many(board: Board, page: Page) -> None:
    put(board, 120)
    board.put("other", "http", "true", every=3600)
    page.goto("/jobs?runner=shell")
    page.get_by_label("What the action is about").select_option("all")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Pause 120 jobs that match: runner shell?")).to_be_visible()
    assert not list(board.find(paused=True))
    page.get_by_label("Why, for the record").fill("the night is quiet")
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text("Paused 120 jobs.")).to_be_visible()
    assert len(list(board.find(paused=True))) == 120
    assert board.show("other")["state"] == "scheduled"
    page.get_by_label("What the action is about").select_option("all")
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text("Resumed 120 jobs.")).to_be_visible()
    assert not list(board.find(paused=True))


def test_removing_asks_first(board: Board, page: Page) -> None:
    put(board, 3)
    page.goto("/jobs")
    page.get_by_label("What the action is about").select_option("all")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Remove 3 jobs?")).to_be_visible()
    page.get_by_role("link", name="No").click()
    assert board.count()["jobs"] == 3
    page.get_by_label("Select job-0001").check()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Remove job-0001?")).to_be_visible()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text("Removed job-0001.")).to_be_visible()
    assert sorted(board.find()) == ["job-0000", "job-0002"]


def test_an_action_on_nothing_says_so(board: Board, served: Served) -> None:
    put(board, 1)
    response = served.client.post("/actions/pause", data={"back": "/jobs"})
    assert response.status_code == 400
    assert "No job is selected" in response.text
    answer = served.client.post(
        "/actions/pause", data={"scope": "all", "filter": "runner=http", "confirmed": "1"}
    )
    assert answer.status_code == 400
    assert "No job matches: runner http" in answer.text


def test_nobody_confirms_what_was_not_asked(board: Board, page: Page) -> None:
    """What matches the filter changes between the question and the answer: it is asked again."""
    put(board, 2)
    page.goto("/jobs")
    page.get_by_label("What the action is about").select_option("all")
    page.get_by_label("Why").fill("the team is gone")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Remove 2 jobs?")).to_be_visible()
    board.put("another", "shell", "date", every=60)
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("alert")).to_have_text(
        "What matches has changed since you were asked: then it was 2."
    )
    expect(page.get_by_text("Remove 3 jobs?")).to_be_visible()
    assert board.count()["jobs"] == 3
    board.remove("another")
    board.put("other", "shell", "date", every=60)
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("alert")).to_contain_text("as many match, but others.")
    assert board.count()["jobs"] == 3
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text("Removed 3 jobs.")).to_be_visible()
    assert board.count()["jobs"] == 0
    assert next(board.changes(limit=1)).because == "the team is gone"


@pytest.mark.parametrize("verb", ["run", "pause", "resume", "remove"])
def test_whoever_was_asked_nothing_is_asked(board: Board, served: Served, verb: str) -> None:
    put(board, 2)
    data = {"scope": "all", "filter": "", "confirmed": "1"}
    for asked in ({}, {"asked": "x"}, {"asked": "2-0"}):
        response = served.client.post(f"/actions/{verb}", data=data | asked)
        assert f"{verb.title()} 2 jobs?" in response.text
    assert (board.count()["jobs"], board.count()["queued"], list(board.find(paused=True))) == (2, 0, [])


def test_jobs_that_are_gone_do_not_keep_the_others_from_being_paused(board: Board, served: Served) -> None:
    put(board, 1)
    data = {"job": ["job-0000", "gone"], "back": "/jobs"}
    response = served.client.post("/actions/pause", data=data, follow_redirects=True)
    assert "Paused 1 job. 1 could not be" in response.text
    assert board.show("job-0000")["state"] == "paused"


def test_a_search_of_a_large_board_stops_and_goes_on(
    board: Board, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("jobs_web.pages.jobs")
    monkeypatch.setattr(module, "FILTERED", 10)
    monkeypatch.setattr(module, "PATIENCE", 0)
    monkeypatch.setattr("jobs_core.client.page_plans.SEARCHES", 1)
    ids = put(board, 2000)
    found, path, pages = [], "/jobs?text=job-1999", 0
    while path:
        text = served.client.get(path).text
        found += ID.findall(text)
        following = NEXT.search(text)
        path = unescape(following[1]) if following else ""
        pages += 1
        if pages == 1:
            assert found == [ids[-1]]  # the job with this very id comes first
    assert pages > 2
    assert set(found) == {ids[-1]}
