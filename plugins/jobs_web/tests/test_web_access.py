"""Who is let in: tokens, sessions, roles, and what ends them."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import jobs_web
import pytest
from jobs_web.access.failures import MOST, PERIOD, FailedLogins
from jobs_web.access.links import OneTimeLink
from jobs_web.access.sessions import LIFETIME, cookie_name, new_session, read_session
from jobs_web.access.tokens import FRESH, KnownTokens, Token, Tokens, session_proof, sha256
from jobs_web.access.user import ROLES, Role
from jobs_web.pages import PAGES

from jobs_core import Board, ServerError
from tests.helpers import wait_until

from .conftest import Served, serving

HERE = {"Sec-Fetch-Site": "same-origin"}
"""What a browser sends with a form of the page itself."""

PAGE = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}


@pytest.fixture
def closed(board: Board) -> Iterator[Served]:
    """A server that asks for tokens."""
    with serving(jobs_web.app(board)) as found:
        yield found


def add(board: Board, role: Role, name: str | None = None) -> str:
    return Tokens(board).add(name or role, role)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def log_in(served: Served, secret: str, **fields: str) -> httpx.Response:
    return served.client.post("/login", data={"token": secret, **fields}, headers=HERE)


def push(served: Served, **headers: str) -> httpx.Response:
    return served.client.post("/actions/run", data={"job": "report"}, headers=headers)


def test_pages_lead_to_the_login_and_back(board: Board, closed: Served) -> None:
    answer = closed.client.get("/jobs?text=a%26b", headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fjobs%3Ftext%3Da%2526b")
    form = closed.client.get(answer.headers["location"]).text
    assert 'name="next" value="/jobs?text=a%26b"' in form
    answer = log_in(closed, add(board, "viewer"), next="/jobs?text=a%26b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs?text=a%26b")
    assert "viewer" in closed.client.get("/jobs").text


@pytest.mark.parametrize("next", ["//evil.example", "/\\evil.example", "https://evil.example", "x"])
def test_the_login_never_leads_to_another_site(board: Board, closed: Served, next: str) -> None:
    assert log_in(closed, add(board, "viewer"), next=next).headers["location"] == "/"


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/jobs", JSON), ("/api/jobs", {}), ("/api/jobs", PAGE), ("/live", {"Accept": "text/event-stream"})],
)
def test_programs_are_told_to_send_a_token(closed: Served, path: str, headers: dict[str, str]) -> None:
    answer = closed.client.get(path, headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["title"]) == (401, "Unauthorized")
    assert problem["type"] == "urn:jobs:denied"
    assert "Authorization: Bearer TOKEN" in problem["detail"]


@pytest.mark.parametrize("path", ["/static/jobs.css", "/login", "/healthz", "/readyz"])
def test_some_paths_need_no_login(closed: Served, path: str) -> None:
    assert closed.client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/static/../jobs", "/static", "/healthz/x", "/%2e%2e/jobs", "//jobs", "/LOGIN"]
)
def test_no_other_path_goes_without(closed: Served, path: str) -> None:
    assert closed.client.get(path, headers=JSON).status_code in (401, 404)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_limits_what_is_shown_and_what_is_done(board: Board, closed: Served, role: Role) -> None:
    board.put("report", "console", "x", every=3600)
    secret = add(board, role)
    ran = closed.client.post("/actions/run", data={"job": "report"}, headers=bearer(secret))
    assert ran.status_code == (403 if role == "viewer" else 303)
    fields = {"job": "report", "confirmed": "1"}
    removed = closed.client.post("/actions/remove", data=fields, headers=bearer(secret))
    assert removed.status_code == (303 if role == "editor" else 403)
    assert board.count()["jobs"] == (0 if role == "editor" else 1)
    assert board.count()["queued"] == (0 if role == "viewer" else 1)


def test_changes_are_recorded_under_the_name_of_the_token(board: Board, closed: Served) -> None:
    board.put("report", "console", "x", every=3600)
    secret = add(board, "operator", "ann@example.com")
    for headers in (bearer(secret), {}):
        if not headers:
            log_in(closed, secret)
        closed.client.post("/actions/pause", data={"job": "report"}, headers={**HERE, **headers})
        assert next(board.changes("report")).by == "ann@example.com"
        board.resume("report")


def test_only_hashes_of_a_token_are_kept(board: Board) -> None:
    secret = add(board, "editor", "ann")
    assert secret.startswith("jobs_") and len(secret) >= 48
    kept = board.client.hgetall(f"{board.keys.tag}:web:tokens")
    assert json.loads(kept["ann"])["sha256"] == sha256(secret)
    assert secret not in str(kept) and session_proof(secret) not in str(kept)


def test_the_cookie_is_kept_from_scripts_and_other_sites(board: Board, closed: Served) -> None:
    cookie = log_in(closed, add(board, "viewer")).headers["set-cookie"]
    parts = {part.strip().lower() for part in cookie.split(";")}
    assert {"httponly", "samesite=lax", "path=/", f"max-age={30 * 86400}"} <= parts
    assert "secure" not in parts


def test_a_session_is_valid_on_every_server_of_the_board_only(board: Board, closed: Served) -> None:
    log_in(closed, add(board, "viewer"))
    with serving(jobs_web.app(board)) as other:
        other.client.cookies.update(closed.client.cookies)
        assert other.client.get("/").status_code == 200
    elsewhere = Board(f"{board.name}-b", client=board.client, validate=False)
    add(elsewhere, "viewer")
    with serving(jobs_web.app(elsewhere)) as other:
        other.client.cookies.update(closed.client.cookies)
        assert other.client.get("/").status_code == 303


def test_removing_a_token_ends_its_sessions_and_its_streams(board: Board, closed: Served) -> None:
    secret = add(board, "viewer")
    log_in(closed, secret)
    with closed.client.stream("GET", "/live", params={"on": "/jobs"}) as stream:
        assert stream.status_code == 200
        Tokens(board).remove("viewer")
        board.put("report", "console", "x", every=3600)
        wait_until(lambda: closed.client.get("/").status_code == 303)
        board.put("other", "console", "x", every=3600)
        for chunk in stream.iter_text():  # the stream ends
            assert "other" not in chunk
    assert closed.client.get("/", headers=bearer(secret)).status_code == 401
    again = add(board, "editor", "viewer")  # the same name, another token
    assert again != secret
    assert closed.client.get("/").status_code == 303


def test_a_stream_outlives_an_outage_of_redis(
    board: Board, closed: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(closed, add(board, "viewer"))
    tried = threading.Event()

    def away(tokens: Tokens) -> dict[str, Token]:
        tried.set()
        raise ServerError("cannot reach Redis")

    with closed.client.stream("GET", "/live", params={"on": "/jobs"}) as stream:
        chunks = stream.iter_text()
        next(chunks)
        monkeypatch.setattr(Tokens, "all", away)
        number = 0
        while not tried.is_set():  # what is known of the tokens is used for two seconds
            number += 1
            board.put(f"job-{number}", "console", "x", every=3600)
            next(chunks)
        board.put("last", "console", "x", every=3600)
        assert any("last" in chunk for chunk in chunks)
        assert closed.client.get("/").status_code == 503


@pytest.mark.parametrize("path", PAGES)
def test_a_viewer_sees_no_button_that_changes_something(board: Board, closed: Served, path: str) -> None:
    board.put("report", "console", "x", every=3600)
    board.alert_put("console", "console", "x", when="failed")
    fields = {"id": "report", "kind": "queue", "name": "console"}
    page = closed.client.get(path, params=fields, headers=bearer(add(board, "viewer")))
    assert page.status_code == (403 if path.endswith(("/edit", "/new")) else 404 if path == "/task" else 200)
    changing = set(re.findall(r"/actions/([\w-]+)", page.text))
    assert changing <= {"forecast", "cancel-forecast"}  # which change nothing on the board


def test_logging_out_ends_the_session_of_a_browser(board: Board, closed: Served) -> None:
    log_in(closed, add(board, "viewer"))
    assert closed.client.get("/logout").status_code == 405
    answer = closed.client.post("/logout", headers=HERE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert closed.client.get("/").status_code == 303


def forged(board: Board, secret: str, change: str) -> str:
    """Return a session with one thing wrong."""
    token, now = Tokens(board).all()["ann"], time.time()
    name, proof, key = "ann", session_proof(secret), token.sha256.encode()
    match change:
        case "nothing":
            pass
        case "expired":
            now -= LIFETIME + 1
        case "the hashes alone":  # what a viewer of Redis can read
            proof = token.session_sha256
        case "no key":
            key = proof.encode()
        case "another name":
            name = "root"
    session = new_session(name, proof, key, now)
    if change == "later":
        parts = session.split(".")
        session = ".".join((parts[0], str(int(parts[1]) + 1), *parts[2:]))
    return session[:-1] if change == "cut" else session


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("nothing", 200),
        *((word, 303) for word in ("expired", "the hashes alone", "no key", "another name", "later", "cut")),
    ],
)
def test_a_session_cannot_be_made_or_changed(board: Board, closed: Served, change: str, status: int) -> None:
    add(board, "editor", "root")
    session = forged(board, add(board, "viewer", "ann"), change)
    answer = closed.client.get("/", headers={"Cookie": f"{cookie_name(board.name)}={session}"})
    assert answer.status_code == status


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c.d", "....", "é.1.x.y", "YW5u.99999999999999999999.x.y"])
def test_cookies_that_are_no_session_are_ignored(board: Board, closed: Served, cookie: str) -> None:
    headers = {"Cookie": f"{cookie_name(board.name)}={cookie}".encode()}
    assert closed.client.get("/", headers=headers).status_code == 303
    session = read_session(cookie)
    assert session is None or not session.is_signed(b"key", 0)


def test_tokens_are_read_again_after_two_seconds(board: Board) -> None:
    now = 100.0
    known = KnownTokens(Tokens(board), lambda: now)
    assert known.all() == {}
    secret = add(board, "viewer")
    assert known.by_secret(secret) is None
    now += FRESH
    found = known.by_secret(secret)
    assert found is not None and found.name == "viewer"


def test_records_of_tokens_that_cannot_be_read_let_nobody_in(board: Board) -> None:
    good = {"role": "viewer", "added": 1, "sha256": "a", "session_sha256": "b"}
    bad = ("", "[]", "5", json.dumps(good | {"role": "root"}), json.dumps(good | {"sha256": 5}), "{}")
    for number, text in enumerate((json.dumps(good), *bad)):
        board.client.hset(f"{board.keys.tag}:web:tokens", str(number), text)
    assert list(Tokens(board).all()) == ["0"]


# Links


def test_a_link_logs_one_browser_in_once(board: Board) -> None:
    board.put("report", "console", "x", every=3600)
    link = OneTimeLink()
    with serving(jobs_web.app(board, access=jobs_web.Access(link=link))) as served:
        served.client.head("/login", params={"link": link.secret})  # a preview
        answer = served.client.get("/login", params={"link": link.secret})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert push(served, **HERE).status_code == 303
        assert next(board.changes("report")).by == board.by
        with httpx.Client(base_url=served.url) as second:
            answer = second.get("/login", params={"link": link.secret})
            assert answer.status_code == 401 and "has been used" in answer.text
            assert second.get("/").status_code == 303
        cookies = served.client.cookies
    with serving(jobs_web.app(board, access=jobs_web.Access(link=OneTimeLink()))) as served:
        served.client.cookies.update(cookies)
        assert served.client.get("/").status_code == 303  # another process


# Failed logins


def wrong_form(served: Served) -> httpx.Response:
    return log_in(served, "jobs_wrong")


def wrong_link(served: Served) -> httpx.Response:
    return served.client.get("/login", params={"link": "wrong"})


def wrong_bearer(served: Served) -> httpx.Response:
    return served.client.get("/", headers=bearer("jobs_wrong") | JSON)


@pytest.mark.parametrize("attempt", [wrong_form, wrong_link, wrong_bearer])
def test_ten_failed_logins_are_enough(
    board: Board, closed: Served, attempt: Callable[[Served], httpx.Response]
) -> None:
    secret = add(board, "viewer")
    log_in(closed, secret)
    for _ in range(MOST):
        assert attempt(closed).status_code == 401
    answer = attempt(closed)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= PERIOD
    with httpx.Client(base_url=closed.url) as other:
        assert other.post("/login", data={"token": secret}, headers=HERE).status_code == 429
        assert other.get("/", headers=bearer(secret)).status_code == 200  # who has a token is not locked out
    assert closed.client.get("/").status_code == 200  # nor who is logged in


def test_failed_logins_are_forgotten_after_a_minute() -> None:
    now = 0.0
    failures = FailedLogins(lambda: now)
    for second in range(MOST):
        assert failures.wait("192.0.2.1") == 0
        now = float(second)
        failures.add("192.0.2.1")
    assert failures.wait("192.0.2.1") == PERIOD - now
    assert failures.wait("192.0.2.2") == 0
    now = PERIOD
    assert failures.wait("192.0.2.1") == 0


def test_an_ipv6_network_counts_as_one_address() -> None:
    failures = FailedLogins(lambda: 0.0)
    for number in range(MOST):
        failures.add(f"2001:db8::{number:x}")
    assert failures.wait("2001:db8::ffff") > 0
    assert failures.wait("2001:db8:0:1::") == 0


def test_a_form_that_is_too_large_is_not_read(closed: Served) -> None:
    assert log_in(closed, "x" * 100_000).status_code == 413


# Requests of other sites


@contextmanager
def logged_in(board: Board) -> Iterator[Served]:
    board.put("report", "console", "x", every=3600)
    with serving(jobs_web.app(board)) as served:
        log_in(served, add(board, "editor"))
        yield served


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "HERE"}, 403),
        ({"Origin": "HERE"}, 303),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_only_pages_of_this_server_change_something(
    board: Board, headers: dict[str, str], status: int
) -> None:
    with logged_in(board) as served:
        sent = {name: value.replace("HERE", served.url) for name, value in headers.items()}
        answer = push(served, **sent)
        assert answer.status_code == status
        assert board.count()["queued"] == (1 if status == 303 else 0)
        assert served.client.post("/logout", headers=sent).status_code == status


def test_a_token_in_a_header_needs_no_origin(board: Board, closed: Served) -> None:
    board.put("report", "console", "x", every=3600)
    assert push(closed, **bearer(add(board, "operator"))).status_code == 303
