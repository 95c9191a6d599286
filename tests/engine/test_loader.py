"""A missing or older library is loaded, and a newer one is never replaced."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import redis
from click.testing import CliRunner

from jobs_core import AsyncBoard, ServerError
from jobs_core.cli import cli
from jobs_core.engine import build, connections, loader
from jobs_core.engine.commands import Call
from tests.engine.conftest import NEWER, OLDER, OWN, NewBoard, Version, library, load, loaded
from tests.helpers import wait_until

MANY = 250


def jobs(url: str, board: str, *words: str) -> Any:
    """Call `jobs` in this process."""
    return CliRunner().invoke(cli, words, env={"JOBS_REDIS_URL": url, "JOBS_BOARD": board}, prog_name="jobs")


def test_a_library_that_is_missing_is_loaded_with_the_first_call(
    server: redis.Redis, new_board: NewBoard
) -> None:
    assert loaded(server) is None
    assert new_board().count()["jobs"] == 0
    assert loaded(server) == OWN


@pytest.mark.parametrize("words", [["count"], ["init"], ["put", "a", "console", "x"], ["tick", "--once"]])
def test_the_command_line_loads_the_library(server: redis.Redis, server_url: str, words: list[str]) -> None:
    done = jobs(server_url, "engine-cli", *words)
    assert done.exit_code == 0, done.output
    assert loaded(server) == OWN


def test_an_older_library_is_replaced(server: redis.Redis, new_board: NewBoard) -> None:
    load(server, OLDER)
    assert new_board().count()["jobs"] == 0
    assert loaded(server) == OWN


def test_another_build_of_this_version_is_replaced_once(server: redis.Redis, new_board: NewBoard) -> None:
    text = library(OWN).replace("local modules = {}", "local modules = {} -- another", 1)
    digest = library(OWN).rpartition(f"{{ {OWN}, '")[2].partition("'")[0]
    other = text.replace(digest, "0" * len(digest))
    server.function_load(other, replace=True)
    board = new_board()
    board.count()
    assert server.fcall_ro("JVERSION", 0) == [OWN, digest]
    server.function_load(other, replace=True)
    board.count()
    assert server.fcall_ro("JVERSION", 0)[1] != digest


@pytest.mark.parametrize("call", ["count", "init"])
def test_a_newer_library_is_never_replaced_and_works(
    server: redis.Redis, new_board: NewBoard, call: str
) -> None:
    load(server, NEWER)
    getattr(new_board(), call)()
    board = new_board()
    board.put("a", "echo", "x", every=5)
    assert [job["id"] for job in board.list()] == ["a"]
    assert loaded(server) == NEWER


def test_a_command_missing_from_a_newer_library_fails_with_one_sentence(
    server: redis.Redis, new_board: NewBoard
) -> None:
    server.function_load(library(NEWER).replace("register('JCOUNT'", "register('JCOUNTED'"))
    with pytest.raises(ServerError, match=r"does not have this command of Jobs\. .*upgrade") as caught:
        new_board().count()
    assert "\n" not in str(caught.value)
    assert loaded(server) == NEWER


# Lost functions


def test_functions_lost_between_calls_are_restored(server: redis.Redis, new_board: NewBoard) -> None:
    board = new_board()
    for number in range(5):
        board.put(f"a{number}", "echo", "x")
        server.function_flush()
    assert board.count()["jobs"] == 5


def test_functions_lost_between_calls_are_restored_with_asyncio(server: redis.Redis, server_url: str) -> None:
    async def use() -> None:
        async with AsyncBoard("engine-async", server_url, validate=False) as board:
            await board.put("a", "echo", "x")
            for _ in range(3):
                server.function_flush()
                assert (await board.count())["jobs"] == 1
            server.function_flush()
            counts = await asyncio.gather(*(board.count() for _ in range(30)))
            assert [count["jobs"] for count in counts] == [1] * 30

    asyncio.run(use())
    assert loaded(server) == OWN


@pytest.mark.parametrize("at", [0, 10, 99, 100, 101, 249])
def test_functions_lost_during_a_stream_are_restored(
    server: redis.Redis, new_board: NewBoard, at: int
) -> None:
    board = new_board()
    board.count()

    def calls() -> Iterator[Call]:
        for number in range(MANY):
            if number == at:
                server.function_flush()
            yield "JPUSH", ["echo", str(number)]

    replies = list(board.commands.stream(calls(), size=50))
    assert sorted(int(id.partition("@")[0].removeprefix("push:")) for id in replies) == list(
        range(1, MANY + 1)
    )
    assert board.count()["queued"] == MANY


def test_functions_lost_during_a_batch_are_restored(
    server: redis.Redis, new_board: NewBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = new_board()
    board.count()
    send = board.commands.send

    def interrupted(connection: Any, calls: Sequence[Call]) -> None:
        send(connection, calls[:7])
        wait_until(lambda: server.llen(board.keys.queue("echo")) == 7)
        server.function_flush()
        monkeypatch.undo()
        send(connection, calls[7:])

    monkeypatch.setattr(board.commands, "send", interrupted)
    replies = board.commands.batch([("JPUSH", ["echo", str(number)]) for number in range(20)])
    assert [id.partition("@")[0] for id in replies] == [f"push:{number}" for number in range(1, 21)]
    assert [task.payload for task in board.pop("echo", count=50)] == [str(number) for number in range(20)]


def test_lost_scripts_are_restored_by_the_next_client(server: redis.Redis, new_board: NewBoard) -> None:
    new_board().count()
    server.script_flush()
    board = new_board()
    board.count()
    assert server.evalsha(server.hget(board.keys.commands, "JCOUNT"), 1, board.keys.tag)[:2] == ["jobs", 0]  # type: ignore[arg-type,index]


def test_scripts_of_a_newer_version_are_left_alone(server: redis.Redis, new_board: NewBoard) -> None:
    board = new_board()
    theirs = {"version": str(NEWER), "JSET": "theirs"}
    server.hset(board.keys.commands, mapping=theirs)
    board.count()
    board.init()
    assert server.hgetall(board.keys.commands) == theirs


@pytest.mark.parametrize("version", ["abc", "", "-1", "4.5"])
def test_an_invalid_scripts_version_is_overwritten(
    server: redis.Redis, new_board: NewBoard, version: str
) -> None:
    board = new_board()
    server.hset(board.keys.commands, mapping={"version": version, "JSET": "garbage"})
    board.count()
    assert server.hget(board.keys.commands, "version") == str(OWN)


# Users who may not load


@pytest.fixture
def limited(server: redis.Redis, server_url: str) -> Iterator[str]:
    """The URL of a user who may not load functions."""
    server.acl_setuser(
        "limited", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-function"]
    )
    yield server_url.replace("unix://", "unix://limited:pw@")
    server.acl_deluser("limited")


@pytest.mark.parametrize("there", [None, OLDER])
def test_a_user_who_may_not_load_is_told_what_to_do(
    server: redis.Redis, limited: str, new_board: NewBoard, there: int | None
) -> None:
    if there is not None:
        load(server, there)
    board = new_board(limited)
    for _ in range(2):
        with pytest.raises(ServerError, match=r"may not load them\. Run `jobs init`"):
            board.count()
    done = jobs(limited, board.name, "count")
    assert done.exit_code == 1
    assert done.stderr == f"Error: {loader.MAY_NOT_LOAD}\n"

    async def use() -> None:
        async with AsyncBoard(board.name, limited) as same:
            with pytest.raises(ServerError, match=r"may not load them\. Run `jobs init`"):
                await same.count()

    asyncio.run(use())
    assert loaded(server) == there


def test_a_user_who_may_not_load_uses_the_loaded_library(
    server: redis.Redis, limited: str, new_board: NewBoard
) -> None:
    new_board().init()
    board = new_board(limited)
    assert board.put("a", "echo", "x") is None
    server.function_flush()
    with pytest.raises(ServerError, match=r"may not load them\. Run `jobs init`"):
        board.count()
    load(server, NEWER)
    assert board.count()["jobs"] == 1


# Two versions of Jobs on one server


def test_two_versions_alternate(server: redis.Redis, new_board: NewBoard, version: Version) -> None:
    ours, theirs = new_board(), new_board()
    for number in range(10):
        ours.put(f"ours-{number}", "echo", "x")
        with version(NEWER):
            theirs.put(f"theirs-{number}", "echo", "x")
        assert loaded(server) == NEWER
    assert ours.count()["jobs"] == 20


@pytest.mark.parametrize("calls", [1, 2])
def test_a_newer_client_restores_its_library_if_an_older_loads_after_it(
    server: redis.Redis, new_board: NewBoard, calls: int
) -> None:
    board = new_board()
    for _ in range(calls):
        board.count()
        load(server, OLDER)
    board.count()
    assert loaded(server) == OWN


def test_a_newer_client_restores_its_library_if_an_older_loads_before_its_check(
    server: redis.Redis, new_board: NewBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = loader.exchange
    held_up = [OLDER]

    def interrupted(connection: Any, *calls: Sequence[Any]) -> list[Any]:
        replies = exchange(connection, *calls[:1])
        if calls[0][:2] == ("FUNCTION", "LOAD") and held_up:
            load(server, held_up.pop())
        return replies + (exchange(connection, *calls[1:]) if calls[1:] else [])

    monkeypatch.setattr(loader, "exchange", interrupted)
    new_board().count()
    assert not held_up
    assert loaded(server) == OWN


def test_a_long_running_client_notices_an_older_library(
    server: redis.Redis, server_url: str, new_board: NewBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_board().count()
    board = new_board()
    board.count()
    load(server, OLDER)
    monkeypatch.setattr(connections, "RECHECK", 0)
    board.commands._check_at = 0
    board.count()
    assert loaded(server) == OWN

    async def use() -> None:
        async with AsyncBoard(board.name, server_url) as same:
            await same.count()
            load(server, OLDER)
            await same.count()

    asyncio.run(use())
    assert loaded(server) == OWN


CLIENT = """
import sys
from jobs_core import Board
from jobs_core.engine import build

version, url = int(sys.argv[1]), sys.argv[2]
text = build.build_library(build.read_sources(build.resources.files("jobs_core").joinpath("lua")), version)
build.LIBRARY_VERSION, build.library = version, lambda: text
board = None
for line in sys.stdin:
    if line == "start\\n":
        board = Board("engine-race", url, validate=False)
    print(board.count()["jobs"], flush=True)
"""
"""A process with a client of some version of Jobs. It calls a command for each line it reads."""


@pytest.fixture
def client_of(server_url: str) -> Iterator[Callable[[int], subprocess.Popen[str]]]:
    """Start processes with clients of some version of Jobs."""
    started: list[subprocess.Popen[str]] = []

    def start(number: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", CLIENT, str(number), server_url]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.communicate()


def tell(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdin
    process.stdin.write(f"{word}\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def test_two_versions_load_at_the_same_moment(
    server: redis.Redis, client_of: Callable[[int], subprocess.Popen[str]]
) -> None:
    older, newer = client_of(OWN), client_of(NEWER)
    for process in (older, newer):
        tell(process, "start")
        assert hear(process) == "0\n"
    for number in range(20):
        server.function_flush()
        first, second = (older, newer) if number % 2 else (newer, older)
        tell(first, "start")
        tell(second, "start")
        assert (hear(first), hear(second)) == ("0\n", "0\n")
        tell(newer, "again")
        assert hear(newer) == "0\n"
        assert loaded(server) == NEWER
        tell(older, "again")
        assert hear(older) == "0\n"
        assert loaded(server) == NEWER


def test_the_library_names_its_version_and_its_text(server: redis.Redis) -> None:
    server.function_load(build.library())
    number, digest = server.fcall_ro("JVERSION", 0)
    assert number == OWN
    assert f"'{digest}'" in build.library()
    assert server.fcall("JVERSION", 0) == [number, digest]
