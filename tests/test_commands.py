"""The commands as Redis has them: loaded, lost, healed, as functions, refused whole, and from redis-cli."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from jobs_core import Board, ServerError
from jobs_core.commands import commands, functions_library
from jobs_core.server import EmbeddedServer

T = 1_700_000_000


@pytest.fixture
def private(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server of the test's own, to flush, fill and stop."""
    with EmbeddedServer(tmp_path) as server:
        yield server


@pytest.fixture
def alone(private: EmbeddedServer) -> Iterator[Board]:
    board = Board("alone", private.url, validate=False)
    yield board
    board.client.close()


def everything(client: redis.Redis) -> dict[str, Any]:
    """All that a server holds."""
    return {str(key): client.dump(key) for key in client.scan_iter()}


def test_includes_are_resolved_and_each_comes_once() -> None:
    for command in commands().values():
        assert "@include" not in command.script
        assert len(set(command.includes)) == len(command.includes)
        assert command.script.startswith("#!lua")
    assert "@include" not in functions_library()


def test_the_commands_hash_maps_names_to_shas_for_any_client(board: Board) -> None:
    board.init()
    shas = board.client.hgetall(board.keys.commands)
    assert set(shas) == {*commands(), "version"}
    options = ("every", "5", "now", T)
    answer = board.client.evalsha(str(shas["JSET"]), 1, board.keys.tag, "a", "shell", "x", *options)
    assert answer == T * 1000


def test_the_first_call_of_any_board_writes_the_commands_hash(board: Board) -> None:
    board.count()
    assert board.client.hget(board.keys.commands, "JSET") == commands()["JSET"].sha


def test_an_older_client_leaves_the_hash_of_a_newer_one_alone(board: Board) -> None:
    board.client.hset(board.keys.commands, mapping={"JSET": "newer", "version": "999"})
    board.client.script_flush()
    board.put("a", "console", "x")
    assert board.client.hget(board.keys.commands, "JSET") == "newer"


def test_lost_scripts_are_loaded_again(board: Board) -> None:
    board.put("a", "console", "x", every=5, now=T)
    board.client.script_flush()
    assert board.tick(now=T).moved == 1
    board.client.script_flush()
    jobs = ({"id": f"j{i}", "runner": "console", "payload": "x"} for i in range(1200))
    assert list(board.put_many(jobs)) == [None] * 1200
    assert board.count()["jobs"] == 1201


def test_functions_answer_as_scripts_do(board: Board) -> None:
    board.init(functions=True)
    calls: list[tuple[str, list[Any]]] = [
        ("JSET", ["a", "shell", "x", "every", 5, "now", T]),
        ("JSETNX", ["b", "shell", "x", "now", T]),
        ("JMSET", ["create", 3, "c", "shell", "x", 7, "d", "shell", "x", "every", 9, "now", T]),
        ("JGET", ["b"]),
        ("JNEXT", ["a", "count", 3]),
        ("JPAUSE", ["b"]),
        ("JRESUME", ["b", "now", T]),
        ("JTICK", ["now", T]),
        ("JPUSH", ["a", "now", T]),
        ("JPOP", [1, "shell", "count", 2, "lease", 30, "now", T]),
        ("JBEAT", [30, f"a@{T}000#1", "--", "now", T]),
        ("JACK", [f"a@{T}000#1", "done"]),
        ("JREGISTER", ["host-1", "shell"]),
        ("JTRIM", ["shell", 0]),
        ("JCOUNT", []),
        ("JSTATS", []),
        ("JDEL", ["a", "b"]),
    ]
    assert {name for name, _ in calls} == set(commands())
    twin = Board(f"{board.name}-twin", client=board.client, validate=False)
    for name, arguments in calls:
        by_function = board.client.fcall(name, 1, board.keys.tag, *arguments)
        assert by_function == twin.commands.call(name, *arguments), name


def test_errors_of_functions_are_the_same_sentence(board: Board) -> None:
    board.init(functions=True)
    with pytest.raises(redis.ResponseError, match=r"^JOBS NOTFOUND there is no job 'nobody'$"):
        board.client.fcall("JNEXT", 1, board.keys.tag, "nobody")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("JSET", ["a b", "console", "x"]),
        ("JSET", ["a", "bad runner", "x"]),
        ("JSET", ["a", "console", "x", "every", "5", "stop", "1"]),
        ("JSET", ["a", "console", "x", "every", "5", "timeout", "0"]),
        ("JSET", ["a", "console", "x", "every", "5", "attempts", "0"]),
        ("JSET", ["a", "console", "x", "every", "5", "repeat", "1.5"]),
        ("JSET", ["a", "console", "x", "every", "5", "step", "5"]),
        ("JSET", ["a", "console", "x", "every", "5", "decay", "-1"]),
        ("JSET", ["a", "console", "x", "every", "5", "duration", "5", "stop", "+1h"]),
        ("JSET", ["a", "console", "x", "queue", "a b"]),
        ("JSET", ["a", "console", "x", "every"]),
        ("JSET", ["a", "console", "x" * 1048577]),
        ("JSET", ["a", "console"]),
        ("JSETNX", ["kept", "console", "x"]),
        ("JPUSH", ["nobody"]),
        ("JPUSH", ["kept", "at", "noon"]),
        ("JPUSH", ["console", "x", "queue", "a b"]),
        ("JPUSH", ["console", "x" * 1048577]),
        ("JPAUSE", ["nobody"]),
        ("JRESUME", ["nobody"]),
        ("JNEXT", ["nobody"]),
        ("JTICK", ["now", "noon"]),
        ("JACK", ["token#1", "dead", "delay", "x"]),
    ],
)
def test_what_is_refused_leaves_nothing_behind(board: Board, name: str, arguments: list[Any]) -> None:
    board.put("kept", "console", "x", every=5, now=T)
    before = everything(board.client)
    reply = board.commands.batch([(name, arguments)])[0]
    assert isinstance(reply, Exception)
    assert "x" * 100 not in str(reply)
    assert everything(board.client) == before


def test_the_payload_limit_can_be_raised(board: Board) -> None:
    board.client.hset(board.keys.settings, "payload_limit", 2_000_000)
    board.put("a", "console", "x" * 1_500_000)
    with pytest.raises(Exception, match="the limit is 2000000"):
        board.put("a", "console", "x" * 2_000_001)


def test_a_full_server_refuses_more_work_but_lets_work_end(alone: Board) -> None:
    alone.put("a", "console", "x", every=5, now=T)
    alone.push("console", "y", now=T)
    alone.client.config_set("maxmemory", 1)
    before = alone.count()
    for attempt in (
        lambda: alone.put("b", "console", "x"),
        lambda: alone.push("console", "x"),
        lambda: alone.tick(now=T + 99),
    ):
        with pytest.raises(ServerError, match="Redis is full"):
            attempt()
    assert alone.count() == before
    (task,) = alone.pop("console", lease=30, now=T)
    assert alone.ack(task.token) == task.id
    assert alone.remove("a") == 1


def test_a_replica_refuses_changes(alone: Board) -> None:
    alone.put("a", "console", "x", every=5, now=T)
    alone.init()
    alone.client.replicaof("127.0.0.1", "1")
    with pytest.raises(ServerError, match="read-only replica"):
        alone.put("b", "console", "x")
    with pytest.raises(ServerError, match="read-only replica"):
        alone.tick(now=T)
    alone.client.replicaof("NO", "ONE")
    assert alone.tick(now=T).moved == 1


def test_a_wrong_password_is_said_in_one_sentence(private: EmbeddedServer, alone: Board) -> None:
    alone.client.config_set("requirepass", "sesame")
    stranger = Board("alone", private.url, validate=False)
    with pytest.raises(ServerError, match="password"):
        stranger.count()
    stranger.client.close()


def test_jobs_work_on_redis_too(other_url: str) -> None:
    board = Board("redis", other_url, validate=False)
    board.init(functions=True)
    board.put("a", "console", "x", every=5, timeout="1m", now=T)
    assert board.tick(now=T + 12).moved == 1
    (task,) = board.pop("console", lease=30, now=T + 12)
    assert (task.id, task.options) == (f"a@{T}000", {"timeout": 60})
    assert board.ack(task.token) == task.id
    assert board.show("a")["next"] == T + 15
    with pytest.raises(Exception, match=r"^every '5q' is not a duration: write seconds"):
        board.put("a", "console", "x", every="5q")
    assert board.stats()["coalesced"] == 2
    board.client.close()


@pytest.mark.skipif(not shutil.which("redis-cli"), reason="no redis-cli on PATH")
def test_redis_cli_alone_is_a_complete_client(url: str, board: Board) -> None:
    board.init()
    socket, tag = url.removeprefix("unix://"), board.keys.tag

    def cli(*words: str) -> list[str]:
        done = subprocess.run(["redis-cli", "-s", socket, *words], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    def call(name: str, *words: str) -> list[str]:
        (sha,) = cli("HGET", f"{tag}:commands", name)
        return cli("EVALSHA", sha, "1", tag, *words)

    now = str(T)
    assert call("JSET", "tick", "shell", "echo hi", "every", "5", "now", now) == [f"{T}000"]
    assert call("JNEXT", "tick", "count", "3") == [f"{T}000", f"{T + 5}000", f"{T + 10}000"]
    assert call("JTICK", "now", now)[0] == "1"
    popped = call("JPOP", "1", "shell", "lease", "30", "now", now)
    task = dict(zip(popped[::2], popped[1::2], strict=True))
    assert (task["id"], task["payload"]) == (f"tick@{T}000", "echo hi")
    assert call("JACK", task["token"], "done") == [task["id"]]
    assert call("JACK", task["token"], "done")[0].startswith("JOBS STALE the token")
    stats = call("JSTATS")
    assert stats[stats.index("succeeded") + 1] == "1"
