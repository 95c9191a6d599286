"""While Redis is away, loading, a replica, or refuses something, pages say so, and recover by themselves."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import httpx
import jobs_web
import pytest
from jobs_web.actions import ACTIONS
from jobs_web.pages import PAGES
from playwright.sync_api import Browser, expect

from jobs_core import Board
from jobs_core.testing import EmbeddedServer
from tests.acl.conftest import Users

from .conftest import Served, serving

LONG = 15_000
"""Milliseconds after which a page has tried again for sure."""

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
    found.alert_put("shell", "shell", "date", when="failed")
    yield found
    found.client.close()


@pytest.fixture
def impatient(board: Board) -> Board:
    """The board, which does not wait for a Redis that is away. Else each request would take five seconds."""
    board.commands.patience = 0
    return board


@contextmanager
def pages_of(board: Board) -> Iterator[Served]:
    with serving(jobs_web.app(board, access=EDITORS)) as served:
        yield served


QUERY = {"id": "report", "kind": "queue", "name": "shell"}
"""Fields that are enough for each page."""


def sentence(response: httpx.Response) -> str:
    """Return the sentence of a page that shows only one."""
    found = re.search(r"<h1>[A-Z][a-z ]+</h1>\s*<p>(.*?)</p>", response.text, re.DOTALL)
    assert found, response.text
    return unescape(found[1])


def test_open_pages_say_that_redis_is_away_and_recover(
    server: EmbeddedServer, impatient: Board, browser: Browser
) -> None:
    board = impatient
    with pages_of(board) as served:
        context = browser.new_context(base_url=served.url)
        open_, reloaded = context.new_page(), context.new_page()
        open_.goto("/jobs")
        expect(open_.get_by_role("link", name="report", exact=True)).to_be_visible()
        server.stop()
        expect(open_.locator("#trouble")).to_contain_text("Redis")
        reloaded.goto("/dead")
        expect(reloaded.locator("h1")).to_have_text("Not available")
        expect(reloaded.locator("main")).to_contain_text("This page tries again every 5 seconds.")
        server.start()
        board.put("later", "shell", "date", every="1h")
        expect(open_.get_by_role("link", name="later", exact=True)).to_be_visible()
        expect(open_.locator("#trouble")).to_be_hidden()
        expect(reloaded.locator("h1")).to_have_text("Dead letters", timeout=LONG)
        context.close()


FORM = {"job": "report", "task": "report@1", "kind": "queue", "name": "q", "queue": "q", "confirmed": "1"} | {
    "alert": "shell"
}
"""Fields that are enough for each action."""

CHANGES = sorted(set(ACTIONS) - {"forecast", "cancel-forecast"})


def test_every_page_and_action_is_one_sentence_while_redis_is_away(
    server: EmbeddedServer, impatient: Board, caplog: pytest.LogCaptureFixture
) -> None:
    with pages_of(impatient) as served:
        server.stop()
        for path in set(PAGES) - {"/boards", "/week"}:  # these say it themselves
            response = served.client.get(path, params=QUERY)
            assert (response.status_code, "Cannot reach Redis" in sentence(response)) == (503, True), path
            assert 'http-equiv="refresh"' in response.text
        assert "cannot reach Redis" in served.client.get("/boards").text
        for name in CHANGES:
            response = served.client.post(f"/actions/{name}", data=FORM | {"concurrency": "1"})
            assert (response.status_code, "Cannot reach Redis" in sentence(response)) == (503, True), name
            assert 'http-equiv="refresh"' not in response.text  # it would ask for the action by GET
        for path in ("/api/v1/jobs", "/api/v1/top"):
            response = served.client.get(path)
            assert (response.status_code, response.json()["type"]) == (503, "urn:jobs:server")
        assert served.client.get("/readyz").status_code == 503
        assert served.client.get("/healthz").status_code == 200
        server.start()
        assert served.client.get("/jobs").status_code == 200
    assert "Traceback" not in caplog.text


def test_many_live_pages_learn_at_once_that_redis_is_away(server: EmbeddedServer, board: Board) -> None:
    with pages_of(board) as served:
        query = [("on", f"/jobs?text={number}") for number in range(20)]
        with served.client.stream("GET", "/live", params=query) as response:
            lines = response.iter_lines()
            updates = (json.loads(line[6:]) for line in lines if line.startswith("data: "))
            assert {next(updates)["trouble"] for _ in query} == {None}
            server.stop()
            said = [next(updates)["trouble"] for _ in query]
            assert all("cannot reach Redis" in one for one in said)
            server.start()
            assert {next(updates)["trouble"] for _ in query} == {None}


class _Loading(socketserver.StreamRequestHandler):
    """Answers every command as Redis does while it loads its data."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            if line.startswith(b"*"):
                for _ in range(2 * int(line[1:])):
                    self.rfile.readline()
                self.wfile.write(b"-LOADING Redis is loading the dataset in memory\r\n")


def test_redis_that_loads_its_data_is_one_sentence() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Loading) as redis:
        redis.daemon_threads = True
        threading.Thread(target=redis.serve_forever, daemon=True).start()
        board = Board("loading", f"redis://127.0.0.1:{redis.server_address[1]}", validate=False)
        board.commands.patience = 0
        try:
            with pages_of(board) as served:
                response = served.client.get("/jobs")
                assert response.status_code == 503
                assert "loading" in sentence(response)
                assert served.client.get("/api/v1/jobs").status_code == 503
        finally:
            board.client.close()
            redis.shutdown()


def test_a_replica_is_read_and_not_changed(impatient: Board) -> None:
    board = impatient
    with pages_of(board) as served:
        served.client.get("/jobs")
        board.client.execute_command("REPLICAOF", "127.0.0.1", "1")
        for path in PAGES:
            found = served.client.get(path, params=QUERY).status_code
            assert found == (404 if path == "/task" else 200), path
        for name in CHANGES:
            response = served.client.post(f"/actions/{name}", data=FORM | {"concurrency": "1"})
            if name in ("retry", "purge"):  # they look for the dead letter first
                assert response.status_code == 404
                continue
            assert response.status_code == 403, name
            assert sentence(response).endswith("is a read-only replica. Connect to its primary."), name
        assert served.client.post("/api/v1/jobs/report/push").json()["type"] == "urn:jobs:denied"
        board.client.config_set("replica-serve-stale-data", "no")
        response = served.client.get("/jobs")
        assert response.status_code == 503
        assert "replica" in sentence(response)
        board.client.execute_command("REPLICAOF", "NO", "ONE")
        assert served.client.get("/jobs").status_code == 200


def test_a_user_of_redis_who_may_only_read_sees_every_page(server: EmbeddedServer, board: Board) -> None:
    viewer = Board(board.name, Users(board, server.url).add("viewer"), validate=False)
    with pages_of(viewer) as served:
        for path in PAGES:
            found = served.client.get(path, params=QUERY).status_code
            assert found == (404 if path == "/task" else 200), path
        for name in CHANGES:
            response = served.client.post(f"/actions/{name}", data=FORM | {"concurrency": "1"})
            if name in ("retry", "purge"):
                assert response.status_code == 404
                continue
            assert response.status_code == 403, name
            said = sentence(response)
            assert re.match(r"This user may not call J\w+ on {away}: `jobs acl \w+` prints", said), said
        assert served.client.post("/api/v1/jobs/report/push").json()["type"] == "urn:jobs:denied"
    viewer.client.close()
