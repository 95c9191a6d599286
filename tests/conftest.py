"""A private server for all tests, and a fresh board for each."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jobs_core import Board
from jobs_core.cli import cli
from jobs_core.embedded import EmbeddedServer, find_binary
from jobs_core.plugins import notices
from tests.helpers import Jobs

_numbers = itertools.count()

SERVERS = {"embedded": None, "redis-server": shutil.which("redis-server")}
"""The embedded Valkey, and redis-server if it is on PATH."""


REMOVE = "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('UNLINK', key) end"
"""Removes the keys of a board, whose names need not be text, so that KEYS of later tests stays quick."""


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a private Valkey, which keeps nothing on disk."""
    with EmbeddedServer(tmp_path_factory.mktemp("server"), keeps=False) as server:
        yield server.url


@pytest.fixture(scope="session")
def other_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a private redis-server. Skips if it is not on PATH."""
    if not SERVERS["redis-server"]:
        pytest.skip("no redis-server on PATH")
    data: Path = tmp_path_factory.mktemp("redis")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JOBS_SERVER", "redis-server")
        server = EmbeddedServer(data, keeps=False)
        server.start()
    yield server.url
    server.stop()


@pytest.fixture(autouse=True)
def _say_again() -> None:
    """Let each test hear what is said once a process."""
    notices.forget()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a module with PARTITIONS on boards with so many partitions; 0 is a board without."""
    counts = getattr(metafunc.module, "PARTITIONS", ())
    if counts and "board" in metafunc.fixturenames:
        is_whole = metafunc.definition.get_closest_marker("whole") is not None
        metafunc.parametrize("board", counts[:1] if is_whole else counts, indirect=True)


@pytest.fixture
def board(url: str, request: pytest.FixtureRequest) -> Iterator[Board]:
    """An empty board that does not check runners. Its keys are removed at the end."""
    found = Board(f"test-{next(_numbers)}", url, validate=False)
    if count := getattr(request, "param", 0):
        found.commands.make_partitions(count)
    yield found
    for name in {found.keys.tag, *(part.keys.tag for part in found.commands.parts)}:
        found.client.eval(REMOVE, 0, f"{name}:*")
    found.client.close()


@pytest.fixture
def jobs(board: Board, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    """Call `jobs` in this process, on a board of its own: jobs("put", "a", "console", "x")."""
    monkeypatch.setenv("JOBS_REDIS_URL", url)
    monkeypatch.setenv("JOBS_BOARD", board.name)

    def call(*words: str, input: str | None = None) -> Result:
        return CliRunner().invoke(cli, words, input=input, prog_name="jobs")

    yield call


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost` with its key, in one file."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl on PATH")
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    words = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    command = ["openssl", *words.split(" "), "-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run(command, check=True, capture_output=True)
    with path.open("a") as file:
        file.write(Path(f"{path}.crt").read_text())
    return path


@pytest.fixture(params=["valkey", "redis"], scope="module")
def binary(request: pytest.FixtureRequest) -> str:
    """The program of a server."""
    found = str(find_binary()) if request.param == "valkey" else shutil.which("redis-server")
    if found is None:
        pytest.skip("no redis-server on PATH")
    return found
