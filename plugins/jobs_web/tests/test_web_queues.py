"""Queues, limits and the tasks that wait."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from jobs_core import Board

from .conftest import Served, as_viewer, listed_on_all_pages, run_all

ID = re.compile(r'name="task" value="([^"]*)"')


def test_queues_show_what_waits_who_serves_and_their_limits(board: Board, served: Served) -> None:
    board.limit("queue", "mail", concurrency=2, rate="100/1m", max_length=1000)
    board.limit("runner", "http", concurrency=20)
    board.push("mail", "x")
    board.register("worker-1", ["mail", "shell"])
    text = served.client.get("/queues").text
    assert "2 at once, 100/1m, at most 1,000 waiting" in text
    assert "20 at once" in text
    assert "worker-1" in text
    assert "Nobody serves" not in text


def test_a_queue_that_nobody_serves_is_a_warning(board: Board, served: Served) -> None:
    board.push("mail", "x")
    text = served.client.get("/queues").text
    assert "Nobody serves the queue <b>mail</b>, and 1 task waits in it." in text
    assert "<code>jobs run --queue mail</code>" in text


def test_held_tasks_are_counted_by_their_queue(board: Board, served: Served) -> None:
    board.limit("runner", "shell", concurrency=1)
    for _ in range(3):
        board.push("shell", "x")
    board.pop("shell", count=3, lease=60)
    text = served.client.get("/queues").text
    assert re.search(r'href="/tasks\?queue=shell&amp;state=held">2</a>', text)
    assert "held by the limit runner:shell" in served.client.get("/tasks?queue=shell&state=held").text


def test_an_empty_board_says_what_to_type_next(served: Served) -> None:
    text = served.client.get("/queues").text
    assert "jobs put tick shell date --every 5" in text
    assert "jobs limit runner http" in text
    assert "jobs push tick" in served.client.get("/tasks").text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 4),
        ("queue=mail", 1),
        ("state=delayed", 1),
        ("state=leased", 1),
        ("worker=worker-1", 1),
        ("job=report", 1),
        ("runner=nobody", 0),
    ],
)
def test_tasks_are_filtered(board: Board, served: Served, query: str, count: int) -> None:
    board.push("shell", "x")
    board.pop("shell", lease=60, worker="worker-1")
    board.put("report", "http", "secret-payload")
    board.push("report")
    board.push("mail", "x")
    board.push("shell", "x", in_="1h")
    text = served.client.get(f"/tasks?{query}").text
    assert len(ID.findall(text)) == count
    assert "secret-payload" not in text


def test_pages_have_each_task_once(board: Board, served: Served) -> None:
    list(board.push_many({"runner": "shell", "payload": "x"} for _ in range(120)))
    found = listed_on_all_pages(served, "/tasks?queue=shell", ID)
    assert len(found) == len(set(found)) == 120


def test_selected_tasks_are_cancelled(board: Board, page: Page) -> None:
    board.put("report", "shell", "x")
    board.push("report")
    other = board.push("shell", "x")
    page.goto("/tasks?queue=shell")
    page.get_by_label("Select report@").check()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled report@")).to_be_visible()
    assert [task["id"] for task in board.tasks()] == [other]


def test_a_running_task_is_told_to_stop(board: Board, served: Served) -> None:
    task = board.push("shell", "x")
    board.pop("shell", lease=60)
    response = served.client.post(
        "/actions/cancel", data={"task": task, "back": "/tasks"}, follow_redirects=True
    )
    assert "its worker is told to stop" in response.text
    assert "cancelling" in response.text


def test_a_limit_is_set_changed_and_removed(board: Board, page: Page) -> None:
    page.goto("/queues")
    page.get_by_label("Name").fill("http")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Concurrency").fill("20")
    page.get_by_label("Rate").fill("100/1m")
    page.get_by_label("Why").fill("the partner asks for it")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Limited the runner http.")).to_be_visible()
    assert [limit["concurrency"] for limit in board.limits()] == [20]
    assert next(board.changes(limit=1)).because == "the partner asks for it"
    page.get_by_role("link", name="Change", exact=True).click()
    expect(page.get_by_label("Rate")).to_have_value("100/1m")
    page.get_by_role("button", name="Remove the limit").click()
    expect(page.get_by_text("The runner http has no limit.")).to_be_visible()
    assert not list(board.limits())


def test_a_limit_that_cannot_be_is_one_sentence(board: Board, served: Served) -> None:
    for data, sentence in (
        ({"kind": "queue", "name": "mail", "concurrency": "many"}, "concurrency: expected a whole number"),
        ({"kind": "job", "name": "mail"}, "kind: expected queue or runner"),
        ({"kind": "queue"}, "name: expected a value"),
        ({"kind": "queue", "name": "mail", "rate": "fast"}, "rate"),
    ):
        response = served.client.post("/actions/limit", data=data)
        assert response.status_code == 400
        assert sentence in response.text
    assert not list(board.limits())


def test_trimming_a_queue_asks_first(board: Board, page: Page) -> None:
    for _ in range(5):
        board.push("shell", "x")
    page.goto("/tasks?queue=shell")
    page.get_by_label("Keep the newest").fill("2")
    page.get_by_role("button", name="Drop the others").click()
    expect(page.get_by_text("Drop 3 of the 5 tasks that wait in the queue shell?")).to_be_visible()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text("Dropped 3 tasks of the queue shell.")).to_be_visible()
    assert board.count()["queued"] == 2


def test_no_more_tasks_are_dropped_than_were_asked_about(board: Board, page: Page) -> None:
    for _ in range(3):
        board.push("shell", "x")
    page.goto("/tasks?queue=shell")
    page.get_by_role("button", name="Drop the others").click()
    expect(page.get_by_text("Drop 3 of the 3 tasks that wait in the queue shell?")).to_be_visible()
    late = [board.push("shell", "x") for _ in range(2)]
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text("Dropped 3 tasks of the queue shell.")).to_be_visible()
    assert [task["id"] for task in board.tasks()] == late


def test_a_viewer_sees_no_actions(board: Board) -> None:
    board.push("shell", "x")
    for path, query in (("/queues", ""), ("/tasks", "queue=shell"), ("/limit", "kind=queue&name=shell")):
        text = as_viewer(board, path, query)
        assert "<button formaction" not in text
        assert "Save" not in text
        assert "Drop the others" not in text


def test_queues_move_while_the_page_is_open(board: Board, page: Page) -> None:
    page.goto("/queues")
    board.push("mail", "x")
    expect(page.get_by_text("Nobody serves the queue mail")).to_be_visible()
    run_all(board, queue="mail")
    expect(page.get_by_text("Nobody serves the queue mail")).to_be_hidden()
