"""`jobs web` and its tokens, as real processes; and the page beside `jobs up`."""

from __future__ import annotations

import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from jobs_web.access.tokens import Tokens
from jobs_web.server import is_loopback, listen, url_of

from jobs_core import Board, OptionError
from jobs_core.testing import PATIENCE
from tests.helpers import Jobs, jobs_process, lines, refused, wait_until

from .test_web_access import HERE, bearer

get = partial(httpx.get, timeout=PATIENCE)
post = partial(httpx.post, timeout=PATIENCE)

URL = re.compile(r"https?://\S+")


class Process:
    """A running `jobs`, and what it has printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.out, self.err = "", ""
        self._readers = [threading.Thread(target=self._read, args=(name,)) for name in ("out", "err")]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str) -> None:
        for line in getattr(self.process, f"std{name}"):
            setattr(self, name, getattr(self, name) + line)

    @property
    def url(self) -> str:
        """The first URL that it prints."""
        wait_until(lambda: bool(URL.search(self.out + self.err)) or self.process.poll() is not None)
        found = URL.search(self.out + self.err)
        assert found, self.err
        return found[0]

    @property
    def root(self) -> str:
        """The URL of the server."""
        return self.url.partition("/login")[0]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end. Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe
            pipe.close()
        return code


Start = Callable[..., Process]


@pytest.fixture
def start(url: str, board: Board, tmp_path: Path) -> Iterator[Start]:
    """Start `jobs` in a process of its own, on the board of the test."""
    started: list[Process] = []

    def begin(*words: str, **environment: str) -> Process:
        given = {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name, "PYTHONUNBUFFERED": "1"} | environment
        started.append(Process(jobs_process(*words, path=tmp_path, **given)))
        return started[-1]

    yield begin
    for process in started:
        if process.process.stdout and not process.process.stdout.closed:
            process.end()


def run(start: Start, *words: str, **environment: str) -> tuple[int, str]:
    """Run `jobs` until it ends by itself. Returns the exit code and standard error."""
    process = start(*words, **environment)
    process.process.wait(timeout=60)
    return process.end(), process.err


# Tokens


def test_a_token_is_printed_once_and_listed_without_it(jobs: Jobs, board: Board) -> None:
    added = jobs("web", "token", "add", "ann@example.com", "--role", "operator")
    assert added.exit_code == 0
    secret = added.stdout.strip()
    assert re.fullmatch(r"jobs_[\w-]{43}", secret)
    jobs("web", "token", "add", "ben")
    listed = lines(jobs("web", "token", "list", "--json"))
    assert [(one["name"], one["role"]) for one in listed] == [
        ("ann@example.com", "operator"),
        ("ben", "viewer"),
    ]
    assert set(listed[0]) == {"name", "role", "added"}
    table = jobs("web", "token", "list").stdout
    assert "operator" in table and secret not in table
    assert jobs("web", "token", "remove", "ben").exit_code == 0
    assert list(Tokens(board).all()) == ["ann@example.com"]


def test_mistakes_with_tokens_are_one_sentence(jobs: Jobs) -> None:
    jobs("web", "token", "add", "ann")
    refused(jobs("web", "token", "add", "ann"), "there is a token 'ann' already: remove it first")
    refused(jobs("web", "token", "remove", "ben"), "there is no token 'ben'")
    refused(jobs("web", "token", "add", "a\nb"), "name: expected")
    refused(jobs("web", "token", "add", "ann", "--role", "root"), "--role")
    refused(jobs("web", "--board", "x", "token", "list"), "--board goes after the command")


@pytest.mark.parametrize("role", ["client", "admin"])
def test_users_of_redis_who_change_the_board_manage_tokens(
    board: Board, role: str, jobs: Jobs, url: str
) -> None:
    rules = json.loads(jobs("acl", role, "--json").stdout)["rules"]
    board.client.execute_command("ACL", "SETUSER", "tester", *rules, "on", ">pw")
    socket = url.removeprefix("unix://")
    try:
        mine = f"unix://tester:pw@{socket}"
        assert jobs("web", "token", "add", "ann", "--url", mine).exit_code == 0
        assert jobs("web", "token", "list", "--url", mine).exit_code == 0
        assert jobs("web", "token", "remove", "ann", "--url", mine).exit_code == 0
    finally:
        board.client.execute_command("ACL", "DELUSER", "tester")


# Starting


def test_without_tokens_a_link_is_printed_that_works_once(start: Start) -> None:
    web = start("web", "--port", "0")
    assert "/login?link=" in web.url
    with httpx.Client(timeout=PATIENCE) as browser:
        assert browser.get(web.url).headers["location"] == "/"
        assert browser.get(web.root).status_code == 200
    assert get(web.url).status_code == 401
    secret = web.url.partition("link=")[2]
    assert web.end() == 0
    assert (web.out + web.err).count(secret) == 1  # the link is in no log


def test_with_tokens_no_link_is_printed(start: Start, board: Board) -> None:
    secret = Tokens(board).add("ann", "viewer")
    web = start("web", "--port", "0")
    assert "link" not in web.url
    assert get(web.root).status_code == 303
    assert get(web.root, headers=bearer(secret)).status_code == 200
    assert web.end() == 0
    assert web.err == "" and secret not in web.out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_although_streams_are_open(start: Start, number: int) -> None:
    web = start("web", "--port", "0", "--open")
    with httpx.stream("GET", f"{web.root}/live?on=/jobs", timeout=PATIENCE) as stream:
        next(stream.iter_raw())  # it is being sent
        assert web.end(number) == 0
    assert web.err == ""


def test_what_strangers_send_is_not_logged(start: Start, board: Board) -> None:
    secret = Tokens(board).add("ann", "editor")
    web = start("web", "--port", "0")
    head = f"HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n"
    for request in (
        "nonsense\r\n\r\n",
        "GET /" + "x" * 200_000,
        f"GET /healthz {head}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        f"GET /api/v1/events {head}\r\n",
        f"PUT /api/v1/jobs/a {head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{{",
    ):
        port = int(web.root.rpartition(":")[2])
        connection = socket.create_connection(("127.0.0.1", port))
        with closing(connection), suppress(ConnectionError):  # it may be done before all of it is sent
            connection.sendall(request.encode())
            if not request.startswith("PUT"):  # which waits for the rest of its body
                connection.recv(10)
    assert get(f"{web.root}/healthz").status_code == 200
    assert web.end() == 0
    assert web.err == ""


def test_a_public_address_needs_tokens(start: Start, board: Board) -> None:
    code, err = run(start, "web", "--host", "0.0.0.0", "--port", "0")
    assert code == 2
    assert err.startswith("Error: host: 0.0.0.0 is public, and the board") and "--open" in err
    Tokens(board).add("ann", "viewer")
    web = start("web", "--host", "0.0.0.0", "--port", "0")
    local = web.root.replace("0.0.0.0", "127.0.0.1")
    assert get(local, headers={"Host": "jobs.example.com"}).status_code == 303


def test_open_servers_and_their_role(start: Start, board: Board) -> None:
    board.put("report", "console", "x", every=3600)
    for words, status in (((), 303), (("--open-role", "viewer"), 403)):
        web = start("web", "--host", "0.0.0.0", "--port", "0", "--open", *words)
        local = web.root.replace("0.0.0.0", "127.0.0.1")
        answer = post(f"{local}/actions/run", data={"job": "report"}, headers=HERE)
        assert answer.status_code == status


PROXY = ("--trusted-proxy", "127.0.0.1/32", "--user-header", "X-Forwarded-User")


@pytest.mark.parametrize("words", [(), ("--open",), PROXY])
def test_a_local_server_answers_only_to_local_names(start: Start, words: tuple[str, ...]) -> None:
    web = start("web", "--port", "0", "--host-name", "jobs.test", *words)
    for name, status in (
        ("evil.example", 400),
        ("evil.example:8080", 400),
        ("", 400),
        ("127.0.0.1.evil", 400),
    ):
        assert get(f"{web.root}/healthz", headers={"Host": name}).status_code == status
    for name in ("localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "jobs.test"):
        assert get(f"{web.root}/healthz", headers={"Host": name}).status_code == 200


def test_several_boards_are_one_server(start: Start, board: Board, url: str) -> None:
    other = f"{board.name}-b"
    web = start("web", "--port", "0", "--open", "--board", board.name, "--board", other)
    for path, name in (("/", board.name), (f"/boards/{other}/", other)):
        assert f"· {name} ·" in get(web.root + path).text


def test_a_proxy_names_users(start: Start) -> None:
    web = start("web", "--port", "0", *PROXY, "--user-role", "operator")
    assert "link" not in web.url
    assert get(web.root).status_code == 303
    page = get(web.root, headers={"X-Forwarded-User": "ann"}).text
    assert "ann" in page and "operator" in page


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--board", "a", "--board", "a"), "board: 'a' is given twice"),
        (("--tls-cert", "x"), "tls-cert: needs --tls-key, too"),
        (("--tls-key", "x"), "tls-key: needs --tls-cert, too"),
        (
            ("--tls-cert", "/nope.crt", "--tls-key", "/nope.key"),
            "tls-cert: cannot read /nope.crt: ",
        ),
        (("--tls-cert", "/etc/hosts", "--tls-key", "/etc/hosts"), "are no certificate in PEM and its key"),
        (("--open-role", "viewer"), "open-role: needs --open, too"),
        (("--user-header", "X-User"), "user-header: needs --trusted-proxy, too"),
        (("--user-role", "viewer"), "user-role: needs --user-header, too"),
        (("--trusted-proxy", "ten"), "trusted-proxy: expected an address"),
        (("--host", "no.such.host.invalid"), "host: there is no address of 'no.such.host.invalid' here"),
        (("--host", "192.0.2.1"), "host: cannot listen on 192.0.2.1:0: "),
        (("--port", "70000"), "--port"),
        (("--board", "a b"), "board: expected a name"),
    ],
)
def test_mistakes_are_one_sentence(jobs: Jobs, words: tuple[str, ...], says: str) -> None:
    refused(jobs("web", "--port", "0", *words), says)


def test_a_port_that_is_taken_is_one_sentence(jobs: Jobs) -> None:
    with listen("127.0.0.1", 0) as listener:
        port = str(listener.getsockname()[1])
        refused(jobs("web", "--port", port), f"port: 127.0.0.1:{port} is taken: choose another port")


def test_it_starts_before_its_redis_but_not_on_a_public_address(start: Start, free_port: int) -> None:
    away = f"redis://127.0.0.1:{free_port}"
    code, err = run(start, "web", "--host", "0.0.0.0", "--port", "0", JOBS_REDIS_URL=away)
    assert code == 1
    assert len(err.splitlines()) == 1 and "cannot reach Redis" in err
    web = start("web", "--port", "0", JOBS_REDIS_URL=away)
    with httpx.Client(timeout=PATIENCE) as browser:
        browser.get(web.url)
        answer = browser.get(web.root, headers={"Accept": "text/html"})
        assert answer.status_code == 503 and "tries again" in answer.text
        assert browser.get(f"{web.root}/readyz").status_code == 503
        assert browser.get(f"{web.root}/healthz").status_code == 200
    assert web.end() == 0
    assert "The page says so until it does." in web.err and "Traceback" not in web.err


def test_addresses() -> None:
    with listen("localhost", 0) as one:
        assert is_loopback(one)
        assert url_of("localhost", one) == f"http://localhost:{one.getsockname()[1]}"
        assert url_of("::1", one, is_https=True) == f"https://[::1]:{one.getsockname()[1]}"
    with listen("0.0.0.0", 0) as one:
        assert not is_loopback(one)
    with pytest.raises(OptionError, match="there is no address of 'no host'"):
        listen("no host", 0)


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for 127.0.0.1, signed by itself, and its key."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    signed = builder.sign(key, hashes.SHA256())
    paths = folder / "web.crt", folder / "web.key"
    paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(*encoding))
    return paths


def test_tls(start: Start, board: Board, tmp_path: Path) -> None:
    secret = Tokens(board).add("ann", "viewer")
    crt, key = certificate(tmp_path)
    web = start("web", "--port", "0", "--tls-cert", str(crt), "--tls-key", str(key))
    assert web.root.startswith("https://127.0.0.1:")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with httpx.Client(base_url=web.root, verify=context, timeout=PATIENCE) as client:
        answer = client.post("/login", data={"token": secret}, headers=HERE)
        assert "; secure" in answer.headers["set-cookie"].lower()
        assert client.get("/").status_code == 200


# Beside `jobs up`


def up(start: Start, tmp_path: Path, *words: str) -> Process:
    found = start("up", *words, JOBS_DATA=str(tmp_path / "data"), JOBS_REDIS_URL="", JOBS_BOARD="")
    wait_until(lambda: " started " in found.out or found.process.poll() is not None)
    return found


def test_jobs_up_serves_the_page_beside_its_worker(start: Start, tmp_path: Path) -> None:
    found = up(start, tmp_path, "--web-port", "0")
    link = re.search(r"See the board: (\S+)", found.err)
    assert link, found.err
    with httpx.Client(timeout=PATIENCE) as browser:
        assert browser.get(link[1]).status_code == 303
        root = link[1].partition("/login")[0]
        page = browser.get(root)
        assert page.status_code == 200 and "editor" in page.text
        assert browser.get(root, headers={"Host": "evil.example"}).status_code == 400
        with browser.stream("GET", f"{root}/live?on=/jobs") as stream:
            next(stream.iter_raw())
            assert found.end() == 0
    assert "Jobs is down" in found.err and "Traceback" not in found.err


def test_jobs_up_without_the_page(start: Start, tmp_path: Path) -> None:
    found = up(start, tmp_path, "--no-web")
    assert "See the board" not in found.err
    assert found.end() == 0


def test_jobs_up_goes_on_if_the_port_is_taken(start: Start, tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as listener:
        port = str(listener.getsockname()[1])
        found = up(start, tmp_path, "--web-port", port)
        assert f"web: port: 127.0.0.1:{port} is taken: choose another port\n" in found.err
        assert " started " in found.out
        assert found.end() == 0


def test_two_of_jobs_up_have_pages_of_their_own(start: Start, tmp_path: Path) -> None:
    roots = []
    for name in ("one", "two"):
        found = up(start, tmp_path / name)
        link = re.search(r"See the board: (\S+)", found.err)
        assert link, found.err
        roots.append(link[1].partition("/login")[0])
    assert roots[0] != roots[1]


def test_the_command_imports_no_web_server() -> None:
    script = (
        "import sys; from jobs_core.cli import cli; cli.load_plugins();"
        "print(*{'starlette', 'uvicorn', 'jinja2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
