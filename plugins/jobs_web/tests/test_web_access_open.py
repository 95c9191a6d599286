"""Open servers, several boards, mounted applications; the headers of responses, and servers without Redis."""

from __future__ import annotations

import httpx
import jobs_web
import pytest
from jobs_web.access.user import User
from jobs_web.headers import POLICY
from jobs_web.pages import PAGES
from starlette.applications import Starlette
from starlette.routing import Mount

from jobs_core import Board

from .conftest import Served, serving
from .test_web_access import HERE, PAGE, add, bearer, closed, log_in, push

__all__ = ["closed"]

# Open servers, and several boards


def test_an_open_server_asks_for_no_login(board: Board) -> None:
    board.put("report", "console", "x", every=3600)
    secret = add(board, "operator", "ann")
    with serving(jobs_web.app(board, access=jobs_web.Access(open_role="viewer"))) as served:
        assert served.client.get("/").status_code == 200
        assert push(served, **HERE).status_code == 403
        assert push(served, Origin="http://evil.example").status_code == 403
        log_in(served, secret)
        assert push(served, **HERE).status_code == 303
        assert next(board.changes("report")).by == "ann"


def test_the_tokens_of_the_first_board_are_valid_for_all(board: Board) -> None:
    other = Board(f"{board.name}-b", client=board.client, validate=False)
    own, foreign = add(board, "viewer"), add(other, "viewer")
    with serving(jobs_web.app(board, other)) as served:
        for path in ("/", f"/boards/{board.name}/", f"/boards/{other.name}/"):
            assert served.client.get(path, headers=bearer(own)).status_code == 200
            assert served.client.get(path, headers=bearer(foreign)).status_code == 401
            assert served.client.get(f"{path}api/x", headers=PAGE).status_code == 401


# In another application


def test_a_mounted_application_keeps_its_paths_and_its_cookie(board: Board) -> None:
    secret = add(board, "viewer")
    with serving(Starlette(routes=[Mount("/jobs", jobs_web.app(board))])) as served:
        answer = served.client.get("/jobs/jobs?text=a", headers=PAGE)
        assert answer.headers["location"] == "/jobs/login?next=%2Fjobs%3Ftext%3Da"
        assert '/jobs/static/jobs.css"' in served.client.get("/jobs/login").text
        assert served.client.get("/jobs/static/jobs.css").status_code == 200
        data = {"token": secret, "next": "/jobs?text=a"}
        answer = served.client.post("/jobs/login", data=data, headers=HERE)
        assert answer.headers["location"] == "/jobs/jobs?text=a"
        assert "path=/jobs;" in answer.headers["set-cookie"].lower() + ";"
        assert '/jobs/static/jobs.css"' in served.client.get("/jobs/jobs").text


def test_a_mounting_application_says_who_the_user_is(board: Board) -> None:
    board.put("report", "console", "x", every=3600)

    def identify(connection: httpx.Request) -> User | None:
        name = connection.headers.get("x-test-user")
        return User(name, "operator") if name else None

    access = jobs_web.Access(identify=identify)  # type: ignore[arg-type]
    with serving(jobs_web.app(board, access=access)) as served:
        assert served.client.get("/").status_code == 303
        assert push(served, **HERE, **{"X-Test-User": "ben"}).status_code == 303
        assert next(board.changes("report")).by == "ben"
        assert push(served, **{"X-Test-User": "ben"}).status_code == 403


# Headers


@pytest.mark.parametrize(
    ("path", "status", "cache"),
    [
        ("/", 200, "no-store"),
        ("/nope", 404, "no-store"),
        ("/boom", 500, "no-store"),
        ("/static/jobs.css", 200, "no-cache"),
        ("/healthz", 200, "no-store"),
    ],
)
def test_every_response_has_the_headers_of_security(
    board: Board, monkeypatch: pytest.MonkeyPatch, path: str, status: int, cache: str
) -> None:
    def boom(view: object) -> None:
        raise ValueError("s3cret")

    monkeypatch.setitem(PAGES, "/boom", boom)  # type: ignore[arg-type]
    with serving(jobs_web.app(board, access=jobs_web.Access(open_role="viewer"))) as served:
        answer = served.client.get(path)
    assert answer.status_code == status
    assert "s3cret" not in answer.text
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == cache


def test_static_files_are_sent_again_only_if_they_changed(closed: Served) -> None:
    tag = closed.client.get("/static/jobs.css").headers["etag"]
    assert closed.client.get("/static/jobs.css", headers={"If-None-Match": tag}).status_code == 304


# Without Redis


def test_without_redis_the_page_says_so(free_port: int) -> None:
    away = Board("x", f"redis://127.0.0.1:{free_port}", validate=False)
    with serving(jobs_web.app(away)) as served:
        assert served.client.get("/healthz").status_code == 200
        ready = served.client.get("/readyz")
        assert (ready.status_code, ready.text) == (503, "Redis does not answer.\n")
        assert served.client.get("/login").status_code == 200
        assert log_in(served, "jobs_x").status_code == 503
        answer = served.client.get("/api/jobs", headers=bearer("jobs_x"))
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
