"""Passwords from files and commands, and mutual TLS by settings."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs_core import AsyncBoard, Board, DeniedError, OptionError, ServerError
from tests.helpers import Jobs, refused
from torture.nodes import HOST, Node, Servers, free_port

SECRET = "s3cret-1"


@pytest.fixture
def server(binary: str, tmp_path: Path) -> Iterator[Node]:
    """A server with a password."""
    with Servers(binary, tmp_path) as servers:
        node = Node(binary, tmp_path / "server", ("--requirepass", SECRET))
        node.client.connection_pool.connection_kwargs["password"] = SECRET
        servers.nodes.append(node)
        yield node.start()


def url(node: Node) -> str:
    return f"redis://{HOST}:{node.port}"


def test_a_password_file_is_read_for_each_connection(
    server: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")
    monkeypatch.setenv("JOBS_REDIS_PASSWORD_FILE", str(file))
    with Board("a", url(server), validate=False) as board:
        board.push("echo", "x")
        server.client.config_set("requirepass", "s3cret-2")
        file.write_text("s3cret-2")
        server.client.connection_pool.connection_kwargs["password"] = "s3cret-2"
        server.client.client_kill_filter(_type="normal", skipme=True)
        board.commands.forget_connections()
        board.push("echo", "x")
        assert board.count()["queued"] == 2


def test_a_command_prints_the_password(server: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_REDIS_PASSWORD_COMMAND", f"echo {SECRET}")

    async def count() -> int:
        async with AsyncBoard("a", url(server), validate=False) as board:
            return (await board.count())["queued"]

    with Board("a", url(server), validate=False) as board:
        board.push("echo", "x")
    assert asyncio.run(count()) == 1


def test_a_password_in_the_url_comes_first(server: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_REDIS_PASSWORD_COMMAND", "echo wrong")
    with Board("a", f"redis://:{SECRET}@{HOST}:{server.port}", validate=False) as board:
        assert board.count()["jobs"] == 0


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        (
            "COMMAND",
            "false",
            "the command that prints the password of Redis failed: it ended with exit code 1",
        ),
        ("COMMAND", "/no/such", "failed: No such file or directory"),
        ("COMMAND", "true", "redis_password_command: expected the password of Redis as one line"),
    ],
)
def test_a_password_that_cannot_be_had_is_one_sentence(
    server: Node, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, says: str
) -> None:
    monkeypatch.setenv(f"JOBS_REDIS_PASSWORD_{setting}", value)
    with Board("a", url(server), validate=False) as board, pytest.raises(ServerError) as caught:
        board.count()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_password_file_is_a_mistake(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    monkeypatch.setenv("JOBS_REDIS_PASSWORD_FILE", str(file))
    refused(jobs("list"), f"redis_password_file: {file} cannot be read (No such file or directory)")
    file.write_text("\n")
    refused(jobs("list"), f"redis_password_file: {file}: expected the password of Redis as one line")


def test_two_sources_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_REDIS_PASSWORD_FILE", "a")
    monkeypatch.setenv("JOBS_REDIS_PASSWORD_COMMAND", "b")
    with pytest.raises(OptionError, match=r"^redis_password_file and .*: set one of them"):
        Board("a", "redis://localhost")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority (ca), and certificates of a server and a client, with keys."""
    folder = tmp_path_factory.mktemp("certificates")
    if not shutil.which("openssl"):
        pytest.skip("no openssl on PATH")

    def openssl(words: str) -> None:
        subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)

    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    for name in ("server", "client"):
        openssl(f"req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr")
        authority = "-CA ca.crt -CAkey ca.key -CAcreateserial -extfile names"
        openssl(f"x509 -req -days 2 -in {name}.csr {authority} -out {name}.crt")
    return folder


@pytest.fixture
def secure(certificates: Path, tmp_path: Path) -> Iterator[int]:
    """The port of a redis-server that asks clients for a certificate."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("no redis-server on PATH")
    with Servers(binary, tmp_path) as servers:
        names = (
            ("--tls-ca-cert-file", "ca.crt"),
            ("--tls-cert-file", "server.crt"),
            ("--tls-key-file", "server.key"),
        )
        files = [word for option, name in names for word in (option, str(certificates / name))]
        port = free_port()
        servers.add(*files, "--tls-port", str(port), "--tls-auth-clients", "yes")
        yield port


def test_mutual_tls_by_settings(secure: int, certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, file in (("CA", "ca.crt"), ("CERT", "client.crt"), ("KEY", "client.key")):
        monkeypatch.setenv(f"JOBS_REDIS_TLS_{name}", str(certificates / file))

    async def count() -> int:
        async with AsyncBoard("a", f"rediss://{HOST}:{secure}", validate=False) as board:
            return (await board.count())["queued"]

    with Board("a", f"rediss://{HOST}:{secure}", validate=False) as board:
        board.push("echo", "x")
    assert asyncio.run(count()) == 1


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (
            {"CERT": "client.csr", "KEY": "client.key"},
            "client.key are no certificate and its key",
        ),
        (
            {"CERT": "client.crt", "KEY": "server.key"},
            "server.key are no certificate and its key",
        ),
        ({"CA": "names"}, "names has no certificates (they do not match, or have another format)"),
    ],
)
def test_wrong_files_are_mistakes(
    jobs: Jobs, certificates: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], says: str
) -> None:
    for name, file in files.items():
        monkeypatch.setenv(f"JOBS_REDIS_TLS_{name}", str(certificates / file))
    refused(jobs("list", "--url", f"rediss://{HOST}:1"), says)


def test_wrong_files_in_the_url_are_mistakes_too(jobs: Jobs) -> None:
    url = f"rediss://{HOST}:1?ssl_ca_certs=/no/such"
    refused(jobs("list", "--url", url), "/no/such has no certificates (No such file or directory)")


def test_mutual_tls_by_the_url(secure: int, certificates: Path) -> None:
    files = "&".join(
        f"{name}={certificates / file}"
        for name, file in (
            ("ssl_ca_certs", "ca.crt"),
            ("ssl_certfile", "client.crt"),
            ("ssl_keyfile", "client.key"),
        )
    )
    with Board("a", f"rediss://{HOST}:{secure}?{files}", validate=False) as board:
        assert board.count()["jobs"] == 0


def test_without_a_certificate_the_server_refuses(secure: int, certificates: Path) -> None:
    url = f"rediss://{HOST}:{secure}?ssl_ca_certs={certificates / 'ca.crt'}"
    with Board("a", url, validate=False) as board, pytest.raises((ServerError, DeniedError)) as caught:
        board.count()
    assert str(caught.value) == (
        f"TLS: {HOST}:{secure} ended the connection. If it asks clients for a certificate, "
        "name one that it accepts in the settings redis_tls_cert and redis_tls_key."
    )


@pytest.mark.parametrize(
    ("host", "authority", "advice"),
    [
        ("localhost", "ca.crt", "Write a host in the URL that the certificate is for."),
        (
            HOST,
            "client.crt",
            "Name its authority in the setting redis_tls_ca, or in the URL: ?ssl_ca_certs=FILE.",
        ),
    ],
)
def test_a_certificate_that_does_not_fit(
    secure: int, certificates: Path, host: str, authority: str, advice: str
) -> None:
    url = f"rediss://{host}:{secure}?ssl_ca_certs={certificates / authority}"
    with Board("a", url, validate=False) as board, pytest.raises(ServerError) as caught:
        board.count()
    assert str(caught.value).startswith(f"The certificate of {host}:{secure} cannot be verified (")
    assert str(caught.value).endswith(f"). {advice}")


def test_a_missing_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_REDIS_TLS_CA", "/no/such")
    with pytest.raises(OptionError, match=r"^JOBS_REDIS_TLS_CA: there is no file '/no/such'$"):
        Board("a", "rediss://localhost")
