"""moto's Lambda, and a scripted one, both on real sockets."""

from __future__ import annotations

import base64
import io
import json
import shutil
import ssl
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import Request, urlopen

import boto3
import botocore.session
import jobs_lambda
import pytest
from jobs_lambda.clients import shared
from moto.server import ThreadedMotoServer

from jobs_core import Context, Outcome, Task
from jobs_core.testing import PATIENCE, make_task, read_settings, run_task
from tests.conftest import board as board
from tests.conftest import url as url

(RUNNER,) = jobs_lambda.jobs_runners()

REGION = "eu-west-1"

REPORT = (
    "REPORT RequestId: 7b1d\tDuration: 2.51 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\t"
    "Max Memory Used: 36 MB\tInit Duration: 120.50 ms\t"
)

DENIED = b"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>AccessDenied</Code><Message>s3cret</Message></Error><RequestId>7b1d</RequestId></ErrorResponse>"""
"""The response of STS to a denied role."""

ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/jobs/jobs-lambda</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey>
<SessionToken>token</SessionToken><Expiration>{until}</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""
"""The response of STS with credentials."""


@dataclass
class Seen:
    """A received invocation, with header names in lower case."""

    function: str
    qualifier: str
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def event(self) -> Any:
        return json.loads(self.body)

    @property
    def context(self) -> Any:
        """The client context, as the function sees it."""
        return json.loads(base64.b64decode(self.headers["x-amz-client-context"]))


class Handler(BaseHTTPRequestHandler):
    """Records an invocation, and answers with the route of its function, or else with the event."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Cloud

    def handle_one_request(self) -> None:
        with suppress(OSError):  # the client has disconnected
            super().handle_one_request()
            return
        self.close_connection = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = urlsplit(self.path)
        if parts.path == "/":  # STS
            self.server.assume(self)
            return
        function = unquote(parts.path.split("/")[3])
        qualifier = parse_qs(parts.query).get("Qualifier", [""])[0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append(Seen(function, qualifier, body, headers))
        self.server.came.set()
        route = self.server.routes.get(function)
        if route is not None:
            route(self)
        else:
            statuses = {"Event": 202, "DryRun": 204}
            status = statuses.get(headers.get("x-amz-invocation-type", ""), 200)
            self.reply(status, body if status == 200 else b"")

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send the whole answer at once."""
        self.send_response(status)
        known = {"x_amzn_requestid": "7b1d", "x_amz_executed_version": "3"}
        for name, value in {"content_length": str(len(body)), **known, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


class Cloud(ThreadingHTTPServer):
    """A fake Lambda: its requests and its answers."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://localhost:{self.server_port}"
        self.connections = 0
        self.seen: list[Seen] = []
        self.came = threading.Event()
        self.gone = threading.Event()
        self.minutes: float | None = None
        """Set the lifetime of a role's credentials. None denies them."""
        self.roles = 0
        self.over = threading.Event()
        self.routes: dict[str, Callable[[Handler], None]] = {}
        self._thread = threading.Thread(target=self.serve_forever, args=[0.02])
        self._thread.start()

    def route(self, function: str, status: int, body: bytes = b"", **headers: str) -> str:
        """Always give this answer. Returns the function's name."""
        self.routes[function] = lambda handler: handler.reply(status, body, **headers)
        return function

    def refuse(self, function: str, status: int, code: str, **headers: str) -> str:
        """Always answer with an AWS error whose message quotes the request, as some do."""
        body = json.dumps({"Type": "User", "message": "Could not parse s3cret"}).encode()
        return self.route(function, status, body, x_amzn_errortype=code, **headers)

    def fail(self, function: str, error: Any, kind: str = "Unhandled", **headers: str) -> str:
        """Always answer with an error of the function."""
        body = json.dumps(error).encode()
        return self.route(function, 200, body, x_amz_function_error=kind, **headers)

    def assume(self, handler: Handler) -> None:
        """Answer like STS, with new credentials each time."""
        if self.minutes is None:
            handler.reply(403, DENIED, content_type="text/xml")
            return
        self.roles += 1
        until = (datetime.now(UTC) + timedelta(minutes=self.minutes)).isoformat()
        body = ASSUMED.format(key=f"ASIA{self.roles}", until=until).encode()
        handler.reply(200, body, content_type="text/xml")

    def hang(self, handler: Handler) -> None:
        """A route that waits until the client disconnects."""
        handler.connection.settimeout(PATIENCE)
        with suppress(OSError):
            if handler.connection.recv(1) == b"":
                self.gone.set()
        handler.close_connection = True

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass

    def stop(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()
        self._thread.join()


class Drive:
    """Runs payloads with the plugin's runner, as a worker would."""

    def __init__(self, **settings: Any) -> None:
        self.settings = read_settings(**{f"lambda_{name}": value for name, value in settings.items()})
        self.lines: list[tuple[str, str]] = []

    def task(self, payload: Any, **fields: Any) -> Task:
        values = {"id": "a@1763900005000", "job": "a", "attempt": 2, "token": "a@1763900005000#1"}
        return make_task(RUNNER, payload, **(values | fields))

    def context(self, timeout: float | None = None) -> Context:
        def emit(text: str, stream: str) -> None:
            self.lines.append((text, stream))

        return Context("w1", timeout=timeout, emit=emit, settings=self.settings)

    def __call__(self, payload: Any, context: Context | None = None, **fields: Any) -> Outcome:
        return run_task(RUNNER, self.task(payload, **fields), context or self.context())

    def stopped(self, payload: Any, when: threading.Event) -> Outcome:
        """Run on a separate thread, and stop the task once an event is set."""
        context = self.context()
        outcomes: list[Outcome] = []
        thread = threading.Thread(target=lambda: outcomes.append(self(payload, context)))
        thread.start()
        assert when.wait(PATIENCE)
        context.stop()
        thread.join(PATIENCE)
        assert outcomes, "it goes on"
        return outcomes[0]


@pytest.fixture(autouse=True, scope="session")
def descriptions() -> Iterator[None]:
    """Make botocore read its AWS data once, not for each client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Set test credentials, and hide this machine's configuration."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("NO_PROXY", "*")
    yield
    shared.close()


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A scripted fake Lambda."""
    cloud = Cloud()
    yield cloud
    shared.close()
    cloud.stop()


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The same with TLS and a certificate that boto3 trusts."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl on PATH")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *words.split(" "), *more], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    cloud = Cloud(context)
    yield cloud
    shared.close()
    cloud.stop()


@pytest.fixture
def drive(cloud: Cloud) -> Drive:
    """Run a payload on it: drive({"function": …})."""
    return Drive(endpoint=cloud.url)


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """The URL of moto's server in the mode in which it answers for functions without running them."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    configure(f"http://{host}:{port}", use_docker=False)
    yield f"http://{host}:{port}"
    server.stop()


def configure(address: str, **words: Any) -> None:
    """Configure moto's Lambda."""
    body = json.dumps({"lambda": words}).encode()
    with urlopen(Request(f"{address}/moto-api/config", body, {"content-type": "application/json"})):
        pass


@pytest.fixture
def strict(functions: str) -> Iterator[str]:
    """The URL of moto's server in the mode in which it looks functions up."""
    configure(functions, use_docker=True)
    yield functions
    configure(functions, use_docker=False)


@pytest.fixture(scope="session")
def functions(moto_url: str) -> Iterator[str]:
    """The functions `thumbs`, with a version 1 and the alias `live`, in moto; its URL."""
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": REGION}
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "def handle(event, context): return event")
    iam, client = (boto3.client(name, endpoint_url=moto_url, **keys) for name in ("iam", "lambda"))
    role = iam.create_role(RoleName="runs", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client.create_function(
        FunctionName="thumbs",
        Runtime="python3.12",
        Role=role,
        Handler="main.handle",
        Code={"ZipFile": code.getvalue()},
        Publish=True,
    )
    client.create_alias(FunctionName="thumbs", Name="live", FunctionVersion="1")
    yield moto_url
    iam.close()
    client.close()


def tail(*lines: str) -> str:
    """Return the end of a log as in the header."""
    return base64.b64encode("".join(f"{line}\n" for line in lines).encode()).decode()
