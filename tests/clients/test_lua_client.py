"""The Lua client: its own tests and the conformance file, with a real Lua 5.1 and a real server."""

from __future__ import annotations

import os
import shutil
import subprocess
from binascii import crc_hqx
from pathlib import Path

import pytest

from jobs_core import Board
from jobs_core.engine.build import commands
from jobs_core.engine.partitions.routes import RULES
from tests.clients.conftest import Partitioned
from tests.clients.test_client_conformance import CASES, CONFORMANCE

FOLDER = Path(__file__).parents[2] / "clients" / "lua"


def has(*modules: str) -> bool:
    """Whether Lua 5.1 is installed with these modules."""
    lua = shutil.which("lua5.1")
    words = " ".join(f"require '{module}'" for module in modules)
    return (
        lua is not None
        and subprocess.run([lua, "-e", words], capture_output=True, check=False).returncode == 0
    )


pytestmark = pytest.mark.skipif(not has("redis", "cjson"), reason="no lua5.1 with lua-redis and lua-cjson")


@pytest.fixture
def ready(board: Board) -> Board:
    """A board whose commands are loaded."""
    board.commands.load()
    return board


@pytest.mark.skipif(shutil.which("busted") is None, reason="no busted")
def test_the_lua_clients_own_tests_pass(ready: Board, url: str) -> None:
    done = subprocess.run(
        ["busted", "--lua=lua5.1", "-o", "TAP", "spec"],
        cwd=FOLDER,
        env=os.environ | {"JOBS_TEST_SOCKET": url.removeprefix("unix://"), "JOBS_TEST_BOARD": ready.name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\nok ") > 50


@pytest.mark.parametrize("partitions", [0, 4])
@pytest.mark.parametrize("way", ["FCALL", "EVALSHA"])
def test_the_lua_client_conforms(way: str, partitions: int, ready: Board, url: str) -> None:
    words = ["--partitions", str(partitions)]
    if way == "EVALSHA":  # what it must not call does not exist
        words += ["--evalsha", ready.name]
        ready.client.function_flush()
    else:
        ready.client.delete(ready.keys.commands)
    done = subprocess.run(
        ["lua5.1", "conformance.lua", url, *words],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith(("not ok", "#"))]
    assert done.returncode == 0, "\n".join(failed) + done.stderr
    assert done.stdout.count("\nok ") == len(CASES) + len(CONFORMANCE["policies"])


def test_the_client_routes_every_command() -> None:
    script = "for name in pairs(require('jobs.partitions').RULES) do print(name) end"
    done = subprocess.run(["lua5.1", "-e", script], cwd=FOLDER, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == set(RULES)


@pytest.mark.parametrize("name", ["", "a", "report", "123456789", "é€😀", "x" * 300])
def test_the_client_finds_the_partitions_of_names(name: str) -> None:
    script = f"io.write(require('jobs.partitions').crc16([[{name}]]))"
    done = subprocess.run(
        ["lua5.1", "-e", script],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == crc_hqx(name.encode(), 0)


def test_the_client_knows_the_read_only_commands() -> None:
    script = "for name in pairs(require('jobs').READS) do print(name) end"
    done = subprocess.run(["lua5.1", "-e", script], cwd=FOLDER, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {name for name, one in commands().items() if one.only_reads}


@pytest.mark.parametrize("is_committed", [True, False])
def test_the_client_goes_on_with_a_board_file_whose_client_was_lost(
    partitioned: Partitioned, url: str, is_committed: bool
) -> None:
    board = partitioned(4)
    words = [word for id in "aeimpt" for word in (3, id, "shell", "x")]
    stage = board.commands.call("JAPPLY", "begin")
    board.commands.call("JSTAGE", stage, "board.yml", "put", *words)
    for part, one in zip(board.commands.parts, stage.split(","), strict=True):
        part.call("JAPPLY", "prepare", one, "c1", "board.yml", "now", 1)
    if is_committed:
        board.commands.parts[0].call("JAPPLY", "settle", "c1", "commit")
    script = f"""
        local client = require('redis').connect {{ scheme = 'unix', path = '{url.removeprefix("unix://")}' }}
        local commands = require('jobs').commands(client, '{board.name}')
        local found = commands:call('JGET', 'a', 'e', 'i', 'm', 'p', 't')
        local count = 0
        for _ in pairs(found) do count = count + 1 end
        print(count)
    """
    done = subprocess.run(["lua5.1", "-e", script], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.stdout == ("6\n" if is_committed else "0\n"), done.stderr
