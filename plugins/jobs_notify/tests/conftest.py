"""Real servers on the loopback address: one for HTTP, and one for mail."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jobs_notify
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from jobs_core import Context, Outcome
from jobs_core.testing import PATIENCE, make_task, read_settings, run_task
from tests.conftest import board as board
from tests.conftest import certificate as certificate
from tests.conftest import jobs as jobs
from tests.conftest import url as url

(RUNNER,) = jobs_notify.jobs_runners()


class Handler(BaseHTTPRequestHandler):
    """Records what is posted, and answers with the status of its path, or 200."""

    server: Web

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append((self.path, json.loads(body)))
        self.server.came.set()
        answers = self.server.answers.get(self.path, [])
        status = answers.pop(0) if answers else 200
        if status == 0:
            self.server.over.wait(PATIENCE)
            return
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def handle_one_request(self) -> None:
        with suppress(OSError):  # the client has disconnected
            super().handle_one_request()

    def log_message(self, *arguments: Any) -> None:
        pass


class Web(ThreadingHTTPServer):
    """A server for the services `json` and `ntfy`. `answers` has statuses by path; 0 hangs."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, Any]] = []
        self.answers: dict[str, list[int]] = {}
        self.came = threading.Event()
        self.over = threading.Event()
        threading.Thread(target=self.serve_forever, args=[0.02], daemon=True).start()

    def url(self, path: str, service: str = "json") -> str:
        return f"{service}://127.0.0.1:{self.server_port}{path}"

    def paths(self) -> list[str]:
        return [path for path, _ in self.seen]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass

    def stop(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


@dataclass
class Mailbox:
    """What a mail server has got. `answers` has replies by recipient, before 250."""

    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    port: int = 0
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if waiting := self.answers.get(address):
            return waiting.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails += [(address, mail) for address in envelope.rcpt_tos]
        return "250 OK"

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"s3cret-password", handled=False)


class AnyPort(Controller):
    """Serves on a port that is free."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def web() -> Iterator[Web]:
    """An HTTP server."""
    server = Web()
    yield server
    server.stop()


@pytest.fixture
def mail_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Mailbox]]:
    """Start a mail server and set it: mail_server() or mail_server(tls_context=…)."""
    started = []

    def start(**options: Any) -> Mailbox:
        box = Mailbox()
        controller = AnyPort(box, hostname="127.0.0.1", port=0, ready_timeout=PATIENCE, **options)
        controller.start()
        started.append(controller)
        box.port = controller.port
        for name, value in {"host": "localhost", "port": str(box.port), "tls": "none"}.items():
            monkeypatch.setenv(f"JOBS_NOTIFY_SMTP_{name.upper()}", value)
        monkeypatch.setenv("JOBS_NOTIFY_SMTP_FROM", "Jöbs <jobs@example.com>")
        return box

    yield start
    for controller in started:
        controller.stop()


@pytest.fixture
def mailbox(mail_server: Callable[..., Mailbox]) -> Mailbox:
    """A mail server without encryption or login."""
    return mail_server()


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """The TLS context of a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def targets(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set targets: targets(ops="json://…")."""

    def add(**urls: str) -> None:
        for name, value in urls.items():
            monkeypatch.setenv(f"JOBS_NOTIFY_{name.upper()}", value)

    return add


Drive = Callable[..., Outcome]


@pytest.fixture
def drive() -> Drive:
    """Run a payload as a worker would: drive({"to": "ops", "body": "x"})."""

    def run(payload: Any, *, settings: Any = None, timeout: float | None = None, **fields: Any) -> Outcome:
        context = Context("w1", timeout=timeout, settings=settings or read_settings())
        return run_task(RUNNER, make_task(RUNNER, payload, **fields), context)

    return run
