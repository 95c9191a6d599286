"""In a cluster, only `jobs init` creates a board: a missing one may be in a migrating slot."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result
from redis.crc import key_slot

from jobs_core import AgainError, AsyncBoard, Board
from jobs_core.cli import cli
from jobs_core.engine import commands as commands_module
from jobs_core.engine.build import commands
from tests.helpers import wait_until

SAYS = r"this node has no board .*: run `jobs init --board [\w.-]+`"


@pytest.fixture(scope="module")
def cluster(binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a cluster of one node with all slots."""
    with node(binary, tmp_path_factory.mktemp("cluster")) as (client, path, _):
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        wait_until(lambda: "cluster_state:ok" in str(client.execute_command("CLUSTER", "INFO")))
        yield f"unix://{path}"


@contextmanager
def node(binary: str, folder: Path) -> Iterator[tuple[redis.Redis, Path, tuple[int, int]]]:
    """Start a node: a client of it, its socket, its port and that of the cluster's bus."""
    ports = free_port(), free_port()
    options = {
        "cluster-enabled": "yes",
        "port": str(ports[0]),
        "cluster-port": str(ports[1]),
        "bind": "127.0.0.1",
        "unixsocket": str(folder / "s"),
        "dir": str(folder),
        "save": "",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    process = subprocess.Popen([binary, *words], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(unix_socket_path=str(folder / "s"), decode_responses=True) as client:
            wait_until(lambda: answers(client))
            yield client, folder / "s", ports
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def board(cluster: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """A board that does not exist, and a client with a short timeout."""
    monkeypatch.setattr(commands_module, "PATIENCE", 0.01)
    found = Board(f"cluster-{abs(hash(request.node.name))}", cluster, validate=False)
    yield found
    found.client.close()


ARGUMENTS = {"JSET": ["a", "echo", "x"], "JPOP": ["1", "echo"], "JAPPLY": ["begin"], "JTASKS": ["0"]}


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_on_a_missing_board_fails_with_one_sentence(board: Board, name: str) -> None:
    with pytest.raises(AgainError, match=SAYS) as caught:
        board.commands.call(name, *ARGUMENTS.get(name, ["a"]))
    assert "\n" not in str(caught.value)
    assert set(board.client.keys(f"{board.keys.tag}:*")) <= {board.keys.commands}


def test_bulk_work_on_a_missing_board_fails_with_one_sentence(board: Board) -> None:
    with pytest.raises(AgainError, match=SAYS):
        list(board.put_many([{"id": "a", "runner": "echo", "payload": "x"}]))


def test_asyncio_on_a_missing_board_fails_with_one_sentence(board: Board, cluster: str) -> None:
    async def use() -> None:
        async with AsyncBoard(board.name, cluster) as same:
            await same.count()

    with pytest.raises(AgainError, match=SAYS):
        asyncio.run(use())


@pytest.mark.parametrize("words", [["count"], ["put", "a", "console", "x"], ["list"], ["tick", "--once"]])
def test_the_command_line_on_a_missing_board_fails_with_one_sentence(
    board: Board, cluster: str, words: list[str]
) -> None:
    environment = {"JOBS_REDIS_URL": cluster, "JOBS_BOARD": board.name}
    done = CliRunner().invoke(cli, words, env=environment, prog_name="jobs")
    assert done.exit_code == 1, done.output
    assert done.stderr.startswith(
        f"Error: this node has no board {board.keys.tag}: run `jobs init --board {board.name}`"
    )
    assert len(done.stderr.splitlines()) == 1


def test_init_creates_the_board(board: Board, cluster: str) -> None:
    environment = {"JOBS_REDIS_URL": cluster, "JOBS_BOARD": board.name}
    done = CliRunner().invoke(cli, ["init"], env=environment, prog_name="jobs")
    assert done.exit_code == 0, done.output
    board.put("a", "echo", "x", cron="@daily", zone="Europe/Brussels")
    board.push("echo", "x")
    (task,) = board.pop("echo", lease=30)
    board.ack(task.token)
    assert board.stats()["done"] == 1


def test_a_waiting_client_continues_once_the_board_exists(
    board: Board, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulate a slot that arrives during a call."""

    def make_it(seconds: float) -> None:
        Board(board.name, cluster).init()

    monkeypatch.setattr(commands_module, "PATIENCE", 60)
    monkeypatch.setattr("jobs_core.engine.commands.time.sleep", make_it)
    assert board.count()["jobs"] == 0


def test_doctor_reports_a_migrating_slot(board: Board, cluster: str, binary: str, tmp_path: Path) -> None:
    board.init()
    call: Any = board.client.execute_command

    def doctor() -> Result:
        environment = {"JOBS_REDIS_URL": cluster, "JOBS_BOARD": board.name}
        return CliRunner().invoke(cli, ["doctor"], env=environment, prog_name="jobs")

    slot = key_slot(board.keys.tag.encode())
    assert f"✓ slot: the cluster slot {slot} is not migrating" in doctor().output
    with node(binary, tmp_path) as (other, _, ports):
        name = other.execute_command("CLUSTER", "MYID")
        call("CLUSTER", "MEET", "127.0.0.1", *ports)
        wait_until(lambda: name in str(board.client.cluster("nodes")))
        call("CLUSTER", "SETSLOT", slot, "MIGRATING", name)
        result = doctor()
        call("CLUSTER", "SETSLOT", slot, "STABLE")
    call("CLUSTER", "FORGET", name)
    assert result.exit_code == 1
    assert f"✗ slot: this board's slot {slot} is being migrated key by key" in result.output
