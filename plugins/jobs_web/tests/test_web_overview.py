"""The overview says how the board is doing, and what is wrong."""

from __future__ import annotations

import time

import httpx
import pytest
from jobs_web import condition
from playwright.sync_api import Page, expect

from jobs_core import Board, Top

from .conftest import Served, as_viewer, run_all

HOSTILE = "<script>alert(1)</script>"


def text_of(client: httpx.Client, path: str = "/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.text


def test_an_empty_board_says_what_to_type_next(served: Served) -> None:
    text = text_of(served.client)
    assert "jobs put tick shell date --every 5" in text
    assert "jobs run" in text
    assert "All is well" not in text


def test_an_empty_board_with_a_worker_leads_to_its_first_job(
    board: Board, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(condition, "diagnose", lambda board: [])
    board.register("worker-1", ["shell"])
    for path in ("/", "/jobs"):
        text = text_of(served.client, path)
        assert "This board has no jobs yet." in text
        assert '<a href="/job/new">Make a new job</a>' in text
        assert "All is well" not in text
    assert 'aria-label="Actions"' not in text_of(served.client, "/jobs")
    assert "/job/new" not in as_viewer(board, "/")


def test_all_is_well_if_nothing_is_wrong(
    board: Board, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(condition, "diagnose", lambda board: [])  # the server of tests keeps nothing on disk
    board.put("report", "shell", "true", every=3600)
    board.register("worker-1", ["shell"])
    assert "All is well" in text_of(served.client)
    board.push("report")
    run_all(board, "dead", code="exit 3", note="the disk is full")
    assert "All is well" not in text_of(served.client)


def test_failing_jobs_show_their_last_error_and_runs(board: Board, served: Served) -> None:
    board.put("report", "shell", "true")
    board.push("report")
    run_all(board)
    board.push("report")
    run_all(board, "dead", code="exit_3", note="the disk is full")
    text = text_of(served.client)
    assert "the disk is full" in text
    assert "last runs: 1 done, 1 dead" in text
    assert "Recent runs began late by" in text


def test_what_doctor_finds_is_shown(board: Board, served: Served) -> None:
    board.push("mail", "x", at=time.time() - 3600)
    board.tick()
    text = text_of(served.client)
    assert "none serves the queue mail" in text
    assert "<code>jobs run --queue mail</code>" in text


def test_the_checks_run_once_for_many_looks(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(condition, "diagnose", lambda board: calls.append(board) or [])
    for _ in range(3):
        condition.findings(board)
    assert calls == [board]


def test_gaps_in_which_nobody_ticked_are_shown(board: Board, served: Served) -> None:
    now = time.time()
    board.put("report", "shell", "true", every=60, now=now - 1000)
    for past in (1000, 940, 10):
        board.tick(now=now - past)
    assert "Nobody ticked for" in text_of(served.client)


def test_rates_are_those_since_an_earlier_look(board: Board) -> None:
    def look(at: float, done: int) -> Top:
        top = board.top(now=at)
        return Top(**{name: getattr(top, name) for name in Top.__slots__} | {"ledger": {"done": done}})

    assert condition.rates(board, look(1000.0, 0)) is None
    assert condition.rates(board, look(1010.0, 20)) == {"done": 2.0}
    assert condition.rates(board, look(1060.0, 120)) == {"done": 2.0}
    assert condition.rates(board, look(9000.0, 999)) is None  # the looks before are too old


def test_lateness_is_that_of_recent_runs(board: Board) -> None:
    now = time.time()
    assert condition.lateness(board, now - 3600) is None
    board.put("report", "shell", "true", at=now - 90, now=now - 100)
    board.tick()
    run_all(board)
    found = condition.lateness(board, now - 3600)
    assert found is not None
    assert found.runs == 1
    assert 89 < found.most < 120


def test_ids_and_notes_are_escaped(board: Board, served: Served) -> None:
    board.put(HOSTILE, "shell", "secret-payload", description=HOSTILE)
    board.push(HOSTILE)
    run_all(board, "dead", code="<b>", note=f"{HOSTILE}\x1b[31m")
    board.push(HOSTILE)
    board.register("<i>worker</i>", ["shell"])
    for path in ("/", "/jobs", "/dead", "/queues", "/tasks", "/workers", "/changes", "/boards"):
        text = text_of(served.client, path)
        assert "<script>alert" not in text, path
        assert "<i>" not in text, path
        assert "secret-payload" not in text, path


def test_the_overview_counts_while_it_is_open(board: Board, page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("link", name="0 dead letters")).to_be_visible()
    board.push("shell", "true")
    run_all(board, "dead", code="exit 1")
    expect(page.get_by_role("link", name="1 dead letter")).to_be_visible()


def test_a_retry_by_hand_is_not_a_late_beginning(board: Board) -> None:
    board.put("report", "shell", "true", policy="ack")
    due = time.time() - 3600
    task = board.push("report", now=due)
    (held,) = board.pop("shell", lease=9999, worker="w", now=due + 1)
    board.ack(held.token, "dead", code="3", now=due + 2)
    found = condition.lateness(board, due - 1)
    assert found is not None and found.most < 2
    board.dead_retry(task=task)
    run_all(board)
    assert condition.lateness(board, due - 1) is None
