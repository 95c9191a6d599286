"""Dead letters: by job and code, with their last errors, to retry or purge."""

from __future__ import annotations

import re
import time
from html import unescape

import pytest
from jobs_web.pages import dead as dead_page
from playwright.sync_api import Page, expect

from jobs_core import Board

from .conftest import Served, as_viewer, listed_on_all_pages, run_all

ID = re.compile(r'aria-label="Select ([^"]*@[^"]*)"')


def bury(
    board: Board, count: int, code: str = "exit_3", note: str = "the disk is full", job: str = "report"
) -> None:
    board.put(job, "shell", "secret-payload")
    list(board.push_many({"id": job} for _ in range(count)))
    run_all(board, "dead", code=code, note=note)


@pytest.fixture
def letters(board: Board) -> Board:
    """Three dead letters of the code exit_3, two of timeout and one of another job."""
    bury(board, 3)
    bury(board, 2, "timeout", "too slow")
    bury(board, 1, job="backup")
    return board


def listed(served: Served, path: str) -> list[str]:
    response = served.client.get(path)
    assert response.status_code == 200, response.text
    return [unescape(id) for id in ID.findall(response.text)]


def test_dead_letters_are_grouped_by_job_and_code(letters: Board, served: Served) -> None:
    text = served.client.get("/dead").text
    groups = re.findall(r'href="(/dead\?[^"]*)"><b>(\d+)</b>', text)
    assert [count for _, count in groups] == ["3", "2"]
    assert len(listed(served, unescape(groups[1][0]))) == 2
    assert "the disk is full" in text
    assert "secret-payload" not in text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 6),
        ("job=report", 5),
        ("code=timeout", 2),
        ("job=backup&code=timeout", 0),
        ("runner=http", 0),
        ("older_than=1h", 0),
    ],
)
@pytest.mark.parametrize("scan", [1000, 3])
def test_filters_choose_dead_letters(
    letters: Board, served: Served, query: str, count: int, scan: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(dead_page.__globals__, "SCAN", scan)
    assert len(listed(served, f"/dead?{query}")) == count


@pytest.mark.parametrize("scan", [1000, 50])
def test_pages_have_each_dead_letter_once(
    board: Board, served: Served, scan: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(dead_page.__globals__, "SCAN", scan)
    bury(board, 120)
    found = listed_on_all_pages(served, "/dead", ID)
    assert len(found) == 120
    assert len(set(found)) == 120


def test_the_latest_come_first(board: Board, served: Served) -> None:
    now = time.time()
    for number in range(3):
        board.put(f"job-{number}", "shell", "x")
        board.push(f"job-{number}")
        run_all(board, "dead", now=now + number)
    assert [id.partition("@")[0] for id in listed(served, "/dead")] == ["job-2", "job-1", "job-0"]


def test_a_viewer_sees_no_actions(letters: Board) -> None:
    assert "/actions/" not in as_viewer(letters, "/dead")


def test_a_board_without_dead_letters_says_so(served: Served) -> None:
    assert "There are no dead letters." in served.client.get("/dead").text
    assert "No dead letter matches." in served.client.get("/dead?job=x").text


def test_selected_dead_letters_are_retried_at_once(letters: Board, page: Page) -> None:
    page.goto("/dead?job=backup")
    page.get_by_label("Select backup@").check()
    page.get_by_label("Why").fill("the disk has room")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("Retried 1 dead letter.")).to_be_visible()
    assert letters.count()["dead"] == 5
    assert [task["job"] for task in letters.tasks("queued")] == ["backup"]
    assert next(letters.changes(limit=1)).because == "the disk has room"


def test_purging_asks_first(letters: Board, page: Page) -> None:
    page.goto("/dead?job=backup")
    page.get_by_label("Select backup@").check()
    page.get_by_role("button", name="Purge").click()
    expect(page.get_by_text("Purge 1 dead letter? They cannot be brought back.")).to_be_visible()
    assert letters.count()["dead"] == 6
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text("Purged 1 dead letter.")).to_be_visible()
    assert letters.count()["dead"] == 5


@pytest.mark.parametrize(
    ("query", "verb", "did", "changed"),
    [
        ("code=timeout", "Purge", "Purged", 2),
        ("job=report", "Retry", "Retried", 5),
        ("", "Retry", "Retried", 6),
        ("", "Purge", "Purged", 6),
    ],
)
def test_all_that_match_are_changed_after_a_question(
    letters: Board, page: Page, query: str, verb: str, did: str, changed: int
) -> None:
    page.goto(f"/dead?{query}")
    page.get_by_label("What the action is about").select_option("all")
    page.get_by_role("button", name=verb).click()
    expect(page.get_by_text(f"{verb} {changed} dead letters?")).to_be_visible()
    assert letters.count()["dead"] == 6
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text(f"{did} {changed} dead letters.")).to_be_visible()
    assert letters.count()["dead"] == 6 - changed


def test_a_dead_letter_is_retried_by_the_id_of_its_task(letters: Board, served: Served) -> None:
    (task,) = (letter["id"] for letter in letters.dead(job="backup"))
    assert served.client.post("/actions/retry", data={"task": task}).status_code == 303
    assert letters.count()["dead"] == 5


def test_nothing_selected_is_one_sentence(letters: Board, served: Served) -> None:
    response = served.client.post("/actions/retry", data={})
    assert response.status_code == 400
    assert "No dead letter is selected" in response.text


CHANGED = "The payload of backup has been changed since."


def test_a_dead_letter_of_an_edited_job_offers_the_payload_of_today(letters: Board, page: Page) -> None:
    (letter,) = letters.dead(job="backup")
    page.goto(f"/task?id={letter['id']}")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    expect(page.get_by_text(CHANGED)).to_have_count(0)
    letters.edit("backup", payload="another", timeout="5m")
    expect(page.locator("#live_buttons")).to_contain_text(CHANGED)
    page.get_by_role("button", name="Run with today's payload").click()
    expect(page.locator(".said")).to_contain_text("Queued backup@")
    (task,) = letters.pop("shell", lease=600)
    assert task.payload == "another"
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".said")).to_contain_text("Retried 1 dead letter.")
    (task,) = letters.pop("shell", lease=600)
    assert (task.id, task.payload) == (letter["id"], "secret-payload")


def test_a_dead_letter_whose_job_has_the_same_payload_or_is_gone_says_nothing(
    letters: Board, served: Served
) -> None:
    (letter,) = letters.dead(job="backup")
    letters.edit("backup", timeout="5m")
    assert CHANGED not in served.client.get("/task", params={"id": letter["id"]}).text
    letters.remove("backup")
    assert CHANGED not in served.client.get("/task", params={"id": letter["id"]}).text


def test_all_dead_letters_are_purged_only_if_they_are_those_that_were_counted(
    letters: Board, served: Served
) -> None:
    asked = served.client.post("/actions/purge", data={"scope": "all", "filter": "", "back": "/dead"})
    assert "Purge 6 dead letters?" in asked.text
    bury(letters, 1, job="late")
    fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', asked.text))
    again = served.client.post("/actions/purge", data=fields | {"confirmed": "1"})
    assert again.status_code == 409
    assert "Purge 7 dead letters?" in again.text
    assert letters.count()["dead"] == 7


def test_dead_letters_that_are_gone_by_the_answer_are_one_sentence(letters: Board, served: Served) -> None:
    asked = served.client.post("/actions/retry", data={"scope": "all", "filter": "", "back": "/dead"})
    fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', asked.text))
    letters.dead_purge(all=True)
    answer = served.client.post("/actions/retry", data=fields | {"confirmed": "1"})
    assert answer.status_code == 404
    assert "There is no such dead letter any more" in answer.text
