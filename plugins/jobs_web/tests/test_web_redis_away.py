"""While Redis is away, loading, a replica, or refuses something, pages say so, and recover by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jobs_web
import pytest
from jobs_web.actions import ACTIONS
from jobs_web.pages import PAGES
from playwright.sync_api import Browser, expect

from jobs_core import Board
from jobs_core.embedded import EmbeddedServer
from tests.acl.conftest import Users

from .conftest import Served, serving

EDITORS = jobs_web.Access(open_role="editor")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server that a test may stop."""
    with EmbeddedServer(tmp_path) as found:
        yield found


@pytest.fixture
def board(server: EmbeddedServer) -> Iterator[Board]:
    """A board on the server of this test."""
    found = Board("away", server.url, validate=False)
    found.put("report", "shell", "date", every="1h")
    yield found
    found.client.close()


@contextmanager
def pages_of(board: Board) -> Iterator[Served]:
    with serving(jobs_web.app(board, access=EDITORS)) as served:
        yield served


def sentence(served: Served, path: str) -> tuple[int, str]:
    """Return the status of a page that shows one sentence, and that sentence."""
    response = served.client.get(path)
    found = re.search(r"<h1>\d+</h1>\s*<p>(.*?)</p>", response.text, re.DOTALL)
    assert "Traceback" not in response.text
    return response.status_code, found[1] if found else ""


def test_open_pages_say_that_redis_is_away_and_recover(
    server: EmbeddedServer, board: Board, browser: Browser
) -> None:
    with pages_of(board) as served:
        context = browser.new_context(base_url=served.url)
        open_, reloaded = context.new_page(), context.new_page()
        open_.goto("/jobs")
        expect(open_.get_by_role("link", name="report", exact=True)).to_be_visible()
        server.stop()
        expect(open_.locator("#trouble")).to_contain_text("Redis")
        reloaded.goto("/dead")
        expect(reloaded.locator("h1")).to_have_text("503")
        expect(reloaded.locator("main")).to_contain_text("This page tries again every 5 seconds.")
        server.start()
        board.put("later", "shell", "date", every="1h")
        expect(open_.get_by_role("link", name="later", exact=True)).to_be_visible()
        expect(open_.locator("#trouble")).to_be_hidden()
        expect(reloaded.locator("h1")).to_have_text("Dead letters", timeout=10_000)
        context.close()


def test_every_page_and_action_is_one_sentence_while_redis_is_away(
    server: EmbeddedServer, board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    with pages_of(board) as served:
        server.stop()
        for path in PAGES:
            status, said = sentence(served, f"{path}?id=report&kind=queue&name=shell")
            if path not in ("/boards", "/week"):  # these say it themselves
                assert (status, "Redis" in said) == (503, True), path
        form = {
            "job": "report",
            "task": "report@1",
            "kind": "queue",
            "name": "q",
            "queue": "q",
            "confirmed": "1",
        }
        for name in set(ACTIONS) - {"forecast"}:
            response = served.client.post(f"/actions/{name}", data=form | {"concurrency": "1"})
            assert response.status_code == 503, name
            assert "tries again" not in response.text
            assert 'http-equiv="refresh"' not in response.text
        for path in ("/api/v1/jobs", "/api/v1/top"):
            response = served.client.get(path)
            assert (response.status_code, response.json()["type"]) == (503, "urn:jobs:server")
        assert served.client.get("/readyz").status_code == 503
        assert served.client.get("/healthz").status_code == 200
        server.start()
        assert served.client.get("/jobs").status_code == 200
    assert "Traceback" not in caplog.text


def test_redis_that_is_loading_is_asked_again(server: EmbeddedServer, board: Board) -> None:
    with pages_of(board) as served:
        board.client.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", "1")
        assert served.client.get("/jobs").status_code == 200


def test_a_replica_can_be_read_and_not_changed(board: Board) -> None:
    with pages_of(board) as served:
        board.client.execute_command("REPLICAOF", "127.0.0.1", "1")
        board.client.config_set("replica-serve-stale-data", "yes")
        for path in PAGES:
            query = "?id=report&kind=queue&name=shell"
            assert served.client.get(path + query).status_code == 200, path
        response = served.client.post("/actions/run", data={"job": "report"})
        print(response.text)
        assert response.status_code == 503
        print(served.client.post("/api/v1/jobs/report/push").text)
        board.client.config_set("replica-serve-stale-data", "no")
        print(sentence(served, "/jobs"))
        board.client.execute_command("REPLICAOF", "NO", "ONE")


@pytest.fixture
def viewers(board: Board, server: EmbeddedServer) -> Iterator[Board]:
    """The board, as a user of Redis with the role viewer sees it."""
    found = Board(board.name, Users(board, server.url).add("viewer"), validate=False)
    yield found
    found.client.close()


def test_a_user_of_redis_who_only_reads_sees_every_page(board: Board, viewers: Board) -> None:
    with pages_of(viewers) as served:
        for path in PAGES:
            response = served.client.get(f"{path}?id=report&kind=queue&name=shell")
            print(path, response.status_code, response.text[-300:] if response.status_code >= 400 else "")
        form = {
            "job": "report",
            "task": "report@1",
            "kind": "queue",
            "name": "q",
            "queue": "q",
            "confirmed": "1",
        }
        for name in set(ACTIONS) - {"forecast"}:
            response = served.client.post(f"/actions/{name}", data=form | {"concurrency": "1"})
            print(name, response.status_code, re.sub(r"(?s).*<h1>", "", response.text)[:200])
        print(served.client.post("/api/v1/jobs/report/push").text)
        assert 0
