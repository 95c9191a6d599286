"""`jobs acl`: the server accepts the line for its version, and the output lists its gaps."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib import resources

import pytest

from jobs_core import Board
from jobs_core.engine import build
from jobs_core.engine.permissions import READS, called_in, everything, inner_commands
from jobs_core.engine.roles import ROLE_NAMES, role
from tests.acl.conftest import Users
from tests.helpers import Jobs, lines, refused

with_redis_cli = pytest.mark.skipif(not shutil.which("redis-cli"), reason="no redis-cli on PATH")


@pytest.fixture(params=["plain", "a*b[c]?", 'it\'s-"quoted"-\\'])
def board(request: pytest.FixtureRequest, url: str) -> Board:
    """An empty board, also with a name that needs escaping in patterns and quotes."""
    return Board(str(request.param), url, validate=False)


@with_redis_cli
@pytest.mark.parametrize("name", ROLE_NAMES)
def test_redis_cli_takes_the_line(board: Board, users: Users, jobs: Jobs, url: str, name: str) -> None:
    result = jobs("acl", name)
    assert result.stdout.count("\n") == 1
    user = f"{board.name}-{name}"
    users.names.append(user)
    socket = url.removeprefix("unix://")
    line = result.stdout.replace("PASSWORD", "secret")
    done = subprocess.run(["redis-cli", "-s", socket], input=line, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "OK"
    pool = board.client.connection_pool.connection_kwargs
    other = Board(board.name, f"unix://{pool['path']}", validate=False)
    other.client.connection_pool.connection_kwargs.update(username=user, password="secret")
    board.put("a", "echo", "x")
    board.client.acl_log_reset()
    assert [job["id"] for job in other.list()] == ["a"]
    assert users.denied() == []
    other.client.close()
    board.client.delete(*board.client.keys("*"), "none")


def test_no_other_board_can_be_read(board: Board, users: Users, url: str) -> None:
    for near in ("plai", "plain2", "axxb[c]?", "a*bcx"):
        other = Board(near, f"{users.add('viewer')}", validate=False)
        with pytest.raises(Exception, match="may not access the keys"):
            other.count()
        other.client.close()


def test_the_line_is_for_the_version_of_the_server(jobs: Jobs) -> None:
    for version, knows in (("7.0", False), ("7.0.15", False), ("7.2", True), ("8.4", True), ("9.1.2", True)):
        printed = jobs("acl", "viewer", "--server-version", version, "--url", "unix:///nowhere.sock").stdout
        assert ("+client|setinfo" in printed) is knows, version
    refused(jobs("acl", "viewer", "--server-version", "6.2"), "Jobs needs Redis 7.0 or later")
    refused(jobs("acl", "viewer", "--server-version", "new"), "expected a version such as 7.0, got 'new'")


def test_the_server_version_is_detected(jobs: Jobs, board: Board) -> None:
    (found,) = lines(jobs("acl", "viewer", "--json"))
    assert found["server_version"] == board.client.info("server")["redis_version"]


def test_json_contains_everything_printed(jobs: Jobs) -> None:
    result = jobs("acl", "client", "--user", "put", "--server-version", "7.0", "--json")
    (found,) = lines(result)
    assert (found["role"], found["user"]) == ("client", "put")
    assert isinstance(found["line"], str)
    printed = jobs("acl", "client", "--user", "put", "--server-version", "7.0")
    assert printed.stdout == found["line"] + "\n"
    assert isinstance(found["cannot_forbid"], list)
    for caveat in found["cannot_forbid"]:
        assert f"Not forbidden: {caveat}." in printed.stderr
    assert json.dumps(found).count("PASSWORD") == 2  # in the rules and in the line, never a real one


def test_the_output_lists_what_a_role_cannot_forbid(jobs: Jobs) -> None:
    def told(name: str) -> str:
        return jobs("acl", name, "--server-version", "7.0").stderr

    assert "it can read payloads and what tasks print, raw" in told("viewer")
    assert "raw records" not in told("viewer")
    assert "it can write raw records" in told("client")
    assert "it can replace the functions" in told("admin")


def test_a_user_name_has_no_spaces(jobs: Jobs) -> None:
    refused(jobs("acl", "viewer", "--user", "a b"), "user: expected a name without spaces")


def test_a_viewer_gets_no_writing_command(board: Board) -> None:
    found = role("viewer")
    assert found.only_reads
    assert found.commands - READS == {"CLUSTER|NODES", "CLUSTER|SLOTS", "SCRIPT|EXISTS"}
    assert all(call.startswith("FCALL_RO|") for call in found.functions)


def test_every_inner_command_is_a_name_in_the_sources() -> None:
    for name, source in build.read_sources(resources.files("jobs_core").joinpath("lua")).items():
        text = re.sub(r"--\[\[.*?\]\]|--[^\n]*", "", source.text, flags=re.DOTALL)
        for call in re.findall(r"redis\.p?call\b[^\n]*", text):
            assert called_in(call), f"{name}: {call}"


def test_commands_marked_read_only_do_not_write(board: Board) -> None:
    known = board.client.command()
    for name in {name for name in everything() if "|" not in name} & set(map(str.upper, known)):
        flags = known[name.lower()]["flags"]
        if name != "WAIT":  # changes nothing, and no function may call it
            assert ("write" not in flags) is (name in READS), name


def test_inner_commands_are_read_from_the_sources() -> None:
    assert {"XADD", "ZREM", "HSET"} <= inner_commands("JACK")
    assert "HGET" in inner_commands("JGET")
    assert inner_commands("JGET") <= READS
