"""Requests that are too large, too slow, or never come: they are bounded, and nobody logs anything."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import jobs_web
import pytest
from jobs_web import bodies, connections
from jobs_web.access.tokens import Tokens
from jobs_web.server import listen

from jobs_core import Board
from jobs_core.testing import PATIENCE

from .conftest import Served, serving

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def closed(board: Board) -> Iterator[Served]:
    """A server that asks for tokens."""
    with serving(jobs_web.app(board)) as found:
        yield found


@pytest.fixture
def secret(board: Board) -> str:
    return Tokens(board).add("ann", "editor")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bodies and requests come at once, or not at all."""
    monkeypatch.setattr(bodies, "PATIENCE", 0.2)
    monkeypatch.setattr(connections, "PATIENCE", 0.2)


@contextmanager
def connected(served: Served) -> Iterator[socket.socket]:
    """A bare connection to a server."""
    address = urlsplit(served.url)
    with closing(socket.create_connection((address.hostname, address.port), timeout=PATIENCE)) as found:
        yield found


def head(method: str, path: str, secret: str, **headers: str | int) -> bytes:
    """Return the head of a request."""
    given = {"Host": "127.0.0.1", "Authorization": f"Bearer {secret}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def rest(connection: socket.socket) -> bytes:
    """Return what a server sends until it closes the connection."""
    found = b""
    while data := connection.recv(1 << 16):
        found += data
    return found


FORMS = ("/actions/run", "/job/new", "/job/edit")


@pytest.mark.parametrize(
    ("path", "kind", "answer"),
    [
        ("/api/v1/tasks", "application/json", b"application/problem+json"),
        *((path, FORM, b"text/html") for path in FORMS),
        *((path, "multipart/form-data; boundary=x", b"text/html") for path in FORMS),
        ("/login", FORM, b"text/html"),
    ],
)
def test_a_body_that_comes_too_slowly_is_given_up(
    closed: Served, secret: str, hasty: None, path: str, kind: str, answer: bytes
) -> None:
    with connected(closed) as connection:
        connection.sendall(head("POST", path, secret, Content_Type=kind, Content_Length=9000) + b"--x\r\n")
        found = rest(connection)
    assert found.startswith(b"HTTP/1.1 408 ")
    assert answer in found and b"The body came too slowly." in found


@pytest.mark.parametrize("begin", [b"", b"GET /hea", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\r\n"])
def test_a_request_that_does_not_come_ends_its_connection(closed: Served, hasty: None, begin: bytes) -> None:
    with connected(closed) as connection:
        connection.sendall(begin)
        assert rest(connection) == b""


def test_the_rest_of_a_body_that_nobody_reads_ends_its_connection(
    closed: Served, secret: str, hasty: None
) -> None:
    with connected(closed) as connection:
        connection.sendall(head("GET", "/api/v1/count", secret, Content_Length=9000) + b"x")
        assert rest(connection).startswith(b"HTTP/1.1 200 ")


def test_a_stream_lives_longer_than_a_request_may_take_to_come(
    board: Board, closed: Served, secret: str, hasty: None
) -> None:
    board.put("a", "console", "x")
    headers = {"Authorization": f"Bearer {secret}"}
    with closed.client.stream("GET", "/api/v1/events", headers=headers) as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": open"
        with connected(closed) as other:
            assert rest(other) == b""  # as long as it takes to give up on one
        board.push("console", "x")
        for task in board.pop("console", lease=60):
            board.ack(str(task.token))
        assert any(line == "event: done" for line in lines)


@pytest.mark.parametrize("path", ["/api/v1/tasks", "/api/v1/load", "/login", *FORMS])
@pytest.mark.parametrize("is_announced", [True, False], ids=["announced", "chunked"])
def test_a_body_that_is_too_large_is_not_kept(
    closed: Served, secret: str, monkeypatch: pytest.MonkeyPatch, path: str, is_announced: bool
) -> None:
    monkeypatch.setattr(bodies, "LARGEST", 20_000)
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    if not path.startswith("/api"):
        headers["Content-Type"] = FORM
    data = b"a=" + b"x" * 100_000
    content = data if is_announced else (data[at : at + 1000] for at in range(0, len(data), 1000))
    response = closed.client.post(path, content=content, headers=headers)
    assert response.status_code == 413
    assert "The body has more than" in response.text
    assert "Traceback" not in response.text


def test_a_large_body_is_refused_before_it_is_sent(closed: Served, secret: str) -> None:
    """With `Expect: 100-continue`, a client need not send it at all."""
    with connected(closed) as connection:
        words = {"Content_Type": "application/json", "Content_Length": 1 << 40, "Expect": "100-continue"}
        connection.sendall(head("PUT", "/api/v1/jobs/a", secret, Connection="close", **words))
        assert rest(connection).startswith(b"HTTP/1.1 413 ")


def test_answers_are_sent_at_once() -> None:
    """Without TCP_NODELAY, the body of an answer waits until the client has confirmed its head."""
    with (
        closing(listen("127.0.0.1", 0)) as listener,
        closing(socket.create_connection(listener.getsockname())),
    ):
        accepted, _ = listener.accept()
        with closing(accepted):
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_client_that_goes_away_is_no_error(
    closed: Served, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for path, kind in (("/api/v1/tasks", "application/json"), ("/actions/run", FORM)):
            with connected(closed) as connection:
                connection.sendall(head("POST", path, secret, Content_Type=kind, Content_Length=9000) + b"{")
            assert closed.client.get("/healthz").status_code == 200
    assert caplog.text == ""


@pytest.mark.parametrize("path", ["/live?on=/", "/api/v1/events"])
def test_a_stream_of_a_busy_board_ends_with_its_token(
    board: Board, closed: Served, secret: str, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("jobs_web.api.streams.HEARTBEAT", 0.0)
    with closed.client.stream("GET", path, headers={"Authorization": f"Bearer {secret}"}) as stream:
        chunks = stream.iter_text()
        next(chunks)
        Tokens(board).remove("ann")
        for _ in chunks:  # something happens all the time, and yet the stream ends
            board.push("console", "x")
            for task in board.pop("console", lease=60):
                board.ack(str(task.token))
