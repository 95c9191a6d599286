"""moto's CloudWatch, and a scripted one that fails on request, both on real sockets."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from jobs_cloudwatch import jobs_loggers, jobs_settings, sender
from moto.server import ThreadedMotoServer

from jobs_core import Event, Logger, WorkerInfo
from tests.conftest import board as board
from tests.conftest import jobs as jobs
from tests.conftest import url as url

PATIENCE = 30.0
"""Seconds after which a test gives up waiting."""

_numbers = itertools.count()

BEGIN = "the logger 'cloudwatch' "
"""The prefix of every message of the logger."""

Answer = tuple[int, Any]
"""A status and a JSON body."""


def refusal(code: str, status: int = 400) -> Answer:
    """An AWS error response whose message quotes the request, as some do."""
    return status, {"__type": code, "message": "Value '[s3cret]' failed"}


class Handler(BaseHTTPRequestHandler):
    """Answers one operation."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Service

    def setup(self) -> None:
        self.server.connected(1)
        super().setup()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.server.connected(-1)

    def handle_one_request(self) -> None:
        with suppress(OSError):  # the client has disconnected
            super().handle_one_request()
            return
        self.close_connection = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = self.server.answer(self.headers["x-amz-target"].partition(".")[2], body)
        if answer is None:
            self.close_connection = True
            return
        content = json.dumps(answer[1]).encode()
        self.send_response(answer[0])
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        pass


class Service(ThreadingHTTPServer):
    """A fake CloudWatch Logs. `routes` override the answers to operations; by default they succeed."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes: dict[str, Callable[[dict[str, Any]], Answer | None]] = {}
        self.asked: list[str] = []
        self.stored: list[dict[str, Any]] = []
        self.connections = 0
        self.over = threading.Event()
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self.serve_forever, args=[0.02])
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The events that it accepted."""
        return [json.loads(event["message"]) for event in self.stored]

    @property
    def notes(self) -> list[str]:
        """Their notes."""
        return [str(message.get("note")) for message in self.messages]

    def connected(self, change: int) -> None:
        with self._news:
            self.connections += change
            self._news.notify_all()

    def answer(self, operation: str, body: dict[str, Any]) -> Answer | None:
        with self._news:
            self.asked.append(operation)
            self._news.notify_all()
        answer = self.routes.get(operation, lambda body: (200, {}))(body)
        if operation == "PutLogEvents" and answer and answer[0] == 200:
            with self._news:
                self.stored += body["logEvents"]
                self._news.notify_all()
        return answer

    def script(self, operation: str, *answers: Answer) -> None:
        """Answer an operation with these answers in turn, then successfully."""
        left = list(answers)
        self.routes[operation] = lambda body: left.pop(0) if left else (200, {})

    def hang(self, body: dict[str, Any]) -> None:
        """A route that does not answer until the test is over."""
        self.over.wait(PATIENCE)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on the requests or the stored events holds."""
        with self._news:
            assert self._news.wait_for(condition, PATIENCE), (self.asked[-20:], self.notes[-20:])

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass

    def stop(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()
        self._thread.join()
        for thread in threading.enumerate():
            if thread.name == "jobs-cloudwatch":
                thread.join(PATIENCE)


class Stored:
    """The contents of moto's CloudWatch."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def lines(self, group: str, stream: str = "host-1") -> list[dict[str, Any]]:
        """Return the events of a stream in CloudWatch's order; none if the stream does not exist."""
        words = {"logGroupName": group, "logStreamName": stream}
        found: list[dict[str, Any]] = []
        try:
            answer = self.client.get_log_events(**words, startFromHead=True)
        except self.client.exceptions.ResourceNotFoundException:
            return []
        while answer["events"]:
            found += answer["events"]
            token = answer["nextForwardToken"]
            answer = self.client.get_log_events(**words, startFromHead=True, nextToken=token)
        return [json.loads(event["message"]) for event in found]


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Hide all other credentials. Returns the file for profiles."""
    config = tmp_path / "aws-config"
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret-key")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    return config


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses between attempts."""
    monkeypatch.setattr(sender, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(sender, "LONGEST_PAUSE", 0.05)


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """The URL of moto's server."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def stored(moto_url: str, credentials: Path) -> Iterator[Stored]:
    """The contents of moto's CloudWatch."""
    client = boto3.client("logs", endpoint_url=moto_url)
    yield Stored(client)
    client.close()


@pytest.fixture
def service() -> Iterator[Service]:
    """A scripted fake CloudWatch."""
    service = Service()
    yield service
    service.stop()


def worker_info(**settings: Any) -> WorkerInfo:
    """A worker on its own board, with the plugin's settings."""
    values: Mapping[str, Any] = {setting.name: setting.default for setting in jobs_settings()}
    changed = {f"cloudwatch_{name}": value for name, value in settings.items()}
    return WorkerInfo("host-1", f"board-{next(_numbers)}", ("shell",), 10, {**values, **changed})


@contextmanager
def opened(endpoint: str, **settings: Any) -> Iterator[tuple[Logger, str]]:
    """The logger while it is open, and the name of its group: opened(url, buffer=10)."""
    (logger,) = jobs_loggers()
    info = worker_info(**{"endpoint": endpoint, "every": 0.01, **settings})
    logger.open(info)
    try:
        yield logger, f"/jobs/{info.board}"
    finally:
        logger.close()


def event(note: Any, time: float) -> Event:
    """Return an event at a time in epoch seconds."""
    return Event("trouble", time, "host-1", data={"note": note})


def said(capsys: Any) -> list[str]:
    """Return the lines on standard error, after checking that they are sentences without secrets."""
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith(BEGIN) and "s3cret" not in line for line in lines), lines
    return [line.removeprefix(BEGIN) for line in lines]
