"""A real HTTP server on the loopback address, with and without TLS."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jobs_http
import pytest
from jobs_http import connect

from jobs_core import Context, Outcome, Task
from jobs_core.testing import PATIENCE, make_task, read_settings, run_task
from tests.conftest import board as board
from tests.conftest import certificate as certificate
from tests.conftest import url as url

(RUNNER,) = jobs_http.jobs_runners()


@dataclass
class Seen:
    """A received request, with header names in lower case."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    certified: bool = False


class Handler(BaseHTTPRequestHandler):
    """Records a request, and answers with the route of its path, or else echoes the request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Target

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def handle_one_request(self) -> None:
        with suppress(OSError):  # the client has disconnected
            super().handle_one_request()
            return
        self.close_connection = True

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        certified = isinstance(self.connection, ssl.SSLSocket) and bool(self.connection.getpeercert())
        seen = Seen(self.command, self.path, body, headers, certified)
        self.server.seen.append(seen)
        self.server.came.set()
        route = self.server.routes.get(self.path.partition("?")[0])
        if route is not None:
            route(self)
        else:
            self.reply(200, json.dumps(seen.headers).encode(), content_type="application/json")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send the whole answer at once."""
        self.send_response(status)
        for name, value in {"content_length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


class Target(ThreadingHTTPServer):
    """The server: its received requests and its answers."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.connections = 0
        self.seen: list[Seen] = []
        self.came = threading.Event()
        self.over = threading.Event()
        self.routes: dict[str, Callable[[Handler], None]] = {}
        self.scheme = "http"
        if context is not None:
            self.scheme = "https"
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self._thread = threading.Thread(target=self.serve_forever, args=[0.02])
        self._thread.start()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.server_port}{path}"

    def route(self, path: str, status: int, body: bytes = b"", **headers: str) -> str:
        """Always give this answer. Returns the URL."""
        self.routes[path] = lambda handler: handler.reply(status, body, **headers)
        return self.url(path)

    def hang(self, handler: Handler) -> None:
        """A route that does not answer until the test is over."""
        self.over.wait(PATIENCE)
        handler.close_connection = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass

    def stop(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()
        self._thread.join()


class Drive:
    """Runs payloads with the plugin's runner, as a worker would."""

    def __init__(self) -> None:
        self.settings = read_settings(http_allow=["loopback"])

    def task(self, payload: Any, **fields: Any) -> Task:
        values = {"id": "a@1763900005000", "job": "a", "attempt": 2, "token": "a@1763900005000#1"}
        return make_task(RUNNER, payload, **(values | fields))

    def context(self, timeout: float | None = None) -> Context:
        return Context("w1", timeout=timeout, settings=self.settings)

    def __call__(self, payload: Any, context: Context | None = None, **fields: Any) -> Outcome:
        return run_task(RUNNER, self.task(payload, **fields), context or self.context())

    def stopped(self, payload: Any, when: threading.Event) -> Outcome:
        """Run on a separate thread, and stop the task once an event is set."""
        context = self.context()
        outcomes: list[Outcome] = []

        def work() -> None:
            outcomes.append(self(payload, context))
            connect.close()

        thread = threading.Thread(target=work)
        thread.start()
        assert when.wait(PATIENCE)
        context.stop()
        thread.join(PATIENCE)
        assert outcomes, "it goes on"
        return outcomes[0]


@pytest.fixture
def drive() -> Iterator[Drive]:
    """Run a payload: drive({"url": …})."""
    yield Drive()
    connect.close()


@pytest.fixture
def target() -> Iterator[Target]:
    """A server."""
    server = Target()
    yield server
    connect.close()
    server.stop()


@pytest.fixture
def other() -> Iterator[Target]:
    """A second server. Another port is another origin."""
    server = Target()
    yield server
    connect.close()
    server.stop()


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """A TLS context that requests a client certificate without requiring it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


@pytest.fixture
def secure(tls: ssl.SSLContext) -> Iterator[Target]:
    """A server with TLS."""
    server = Target(tls)
    yield server
    connect.close()
    server.stop()


@pytest.fixture
def other_secure(tls: ssl.SSLContext) -> Iterator[Target]:
    """A second server with TLS."""
    server = Target(tls)
    yield server
    connect.close()
    server.stop()


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A listening socket that never accepts; connections stay in its backlog."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        yield server


@pytest.fixture
def full(silent: socket.socket) -> Iterator[socket.socket]:
    """A listening socket with a full backlog: new connections wait."""
    clients = []
    for _ in range(8):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(silent.getsockname())
        clients.append(client)
    yield silent
    for client in clients:
        client.close()
