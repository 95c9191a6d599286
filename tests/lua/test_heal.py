"""The commands in Redis: resolving, publishing, losing and reloading them, and calling them as functions."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import pytest
import redis

from jobs_core import Board
from jobs_core.engine.build import LIBRARY_VERSION, commands
from jobs_core.engine.loader import VERSION
from tests.lua.helpers import MS, Lua, T
from tests.lua.partitioned import Partitioned

FILES = {
    entry.name.removesuffix(".lua").upper(): entry.read_text("utf-8")
    for entry in resources.files("jobs_core").joinpath("lua").iterdir()
    if entry.name.endswith(".lua")
}

SESSION: list[tuple[str, list[Any]]] = [
    ("JLOAD", ["begin", "d1", VERSION]),
    ("JLOAD", ["add", "d1", 5, 1, "counts", "", "due", 12]),
    ("JLOAD", ["end", "d1"]),
    ("JSET", ["a", "echo", "x", "every", 5, "timeout", "1m", "now", T]),
    ("JSETNX", ["b", "echo", "x", "at", "+1h", "now", T]),
    ("JMSET", ["create", 3, "c", "echo", "x", 7, "d", "echo", "x", "every", 9, "now", T]),
    ("JEDIT", ["c", "timeout", "20s", "now", T]),
    ("JGET", ["a", "nobody"]),
    ("JNEXT", ["a", "count", 3]),
    ("JPERMIT", ["HGET", "FCALL|JACK"]),
    ("JSET", ["z", "echo", "x", "after", "a,b", "join", "any", "queue", "after", "now", T]),
    ("JWHEN", ["a", "z"]),
    ("JPAUSE", ["b"]),
    ("JRESUME", ["b", "now", T]),
    ("JTICK", ["now", T + 12]),
    ("JRUNS", ["a"]),
    ("JSUMMARY", ["a", "b"]),
    ("JHOURS", ["now", T + 12]),
    ("JGAPS", ["now", T + 12]),
    ("JLABELS", []),
    ("JTOP", ["now", T + 12]),
    ("JFIND", ["0", "now", T + 12]),
    ("JLOGS", [f"a@{MS}"]),
    ("JPUSH", ["a", "now", T + 13]),
    ("JPOP", [1, "echo", "count", 2, "lease", 30, "now", T + 13]),
    ("JBEAT", [30, f"a@{MS}#1", "--", "now", T + 20]),
    ("JACK", [f"a@{MS}#1", "retry", "delay", 5, "now", T + 21]),
    ("JPUSH", ["echo", "x", "queue", "quick", "now", T + 21]),
    ("JPOP", [1, "quick", "lease", 30, "now", T + 21]),
    ("JPUSH", ["echo", "x", "queue", "kept", "keep", "1h", "now", T]),
    ("JPOP", [1, "kept", "lease", 30, "now", T + 21]),
    ("JOUTPUT", [f"push:3@{MS}#4", "stdout", "hello"]),
    ("JMACK", [4, f"push:2@{MS + 21000}#3", "done", "now", T + 21]),
    ("JREGISTER", ["host-1", "echo"]),
    ("JRETAIN", ["dead-letters", 5000]),
    ("JCHANGES", ["job", "a", "to", T]),
    ("JLIMIT", ["runner", "echo", "concurrency", 5]),
    ("JTASKS", [0, "state", "leased"]),
    ("JCANCEL", [f"a@{MS}"]),
    ("JPUSH", ["echo", "x", "queue", "slow", "now", T + 22]),
    ("JPOP", [1, "slow", "lease", 30, "worker", "host-1", "now", T + 22]),
    ("JACK", [f"push:4@{MS + 22000}#5", "dead", "note", "broken", "now", T + 23]),
    ("JDEAD", ["retry", f"push:4@{MS + 22000}#5"]),
    ("JZONES", ["put", "Etc/GMT-1", "=Etc/GMT-2"]),
    ("JZONES", ["refresh", 0]),
    ("JZONES", ["done", "2026a"]),
    ("JTRIM", ["echo", 0]),
    ("JCOUNT", []),
    ("JSTATS", []),
    ("JDUES", ["a", "from", T - 10, "to", T, "now", T]),
    ("JBACKFILL", ["start", "a", "from", T - 10, "to", T, "now", T]),
    ("JBACKFILLS", []),
    ("JBACKFILL", ["cancel", "1", "now", T]),
    ("JALERT", ["put", "ops", "echo", "x", "when", "failed 3", "now", T]),
    ("JALERTS", ["ops"]),
    ("JALERT", ["test", "ops", "now", T]),
    ("JAPPLY", ["begin", "now", T]),
    ("JSTAGE", ["1-1", "board.yml", "put", 7, "s", "echo", "x", "every", 5, "start", T]),
    ("JAPPLY", ["check", "1-1", "s"]),
    ("JAPPLY", ["commit", "1-1", "board.yml"]),
    ("JAPPLY", ["roll"]),
    ("JDEL", ["a", "b"]),
    ("JDUMP", ["counts", 0]),
]
"""A session that calls every command at least once, each with an effect."""

CHECK = b"\x93\xa11\xa10\xa5check"
"""A message of another partition, as JOUTBOX packs it: the first one, which asks for an answer."""

BETWEEN: list[tuple[str, list[Any]]] = [
    ("JINBOX", [1, CHECK]),
    ("JOUTBOX", [1, "upto", 9 * 10**15]),
]
"""A session of a partition, with the commands that only partitions have: it answers, and forgets that."""


def test_the_sessions_have_every_command() -> None:
    assert {name for name, _ in SESSION + BETWEEN} == set(commands()) == set(FILES)


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_file_starts_with_signature_purpose_example_and_reply(name: str) -> None:
    shebang, header = FILES[name].partition("--]]")[0].split("\n", 1)
    assert re.fullmatch(r"#!lua( flags=[a-z,-]+)?", shebang)
    assert header.startswith(f"--[[ {name} board")
    way = "FCALL_RO" if commands()[name].only_reads else "FCALL"
    assert set(re.findall(rf"(\w+) {name} 1 {{jobs(?:\.\d+)?}}", header)) == {way}
    assert re.search(r"\n  Returns |\n      1\) |as name and number pairs", header)


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_header_names_every_error_that_the_command_raises(name: str) -> None:
    command = commands()[name]
    header = FILES[name].partition("--]]")[0]
    raised = set(re.findall(r"fail\('([A-Z]+)'", command.source))
    assert all(code in header for code in raised)


def test_the_commands_hash_maps_every_name_to_the_sha_that_redis_knows(lua: Lua) -> None:
    found = lua.client.hgetall(lua.keys.commands)
    assert found.pop("version") == str(LIBRARY_VERSION)
    assert set(found) == set(FILES)
    assert all(lua.client.script_exists(*found.values()))
    for name, sha in found.items():
        assert lua.client.script_load(commands()[name].script) == sha


def test_any_client_calls_a_command_by_the_sha_in_the_hash(lua: Lua, url: str) -> None:
    with redis.Redis.from_url(url) as stranger:

        def call(name: str, *arguments: Any) -> Any:
            sha = stranger.hget(lua.keys.commands, name)
            return stranger.evalsha(sha.decode(), 1, lua.keys.tag, *arguments)

        assert call("JSET", "a", "shell", "echo hi", "every", 5, "now", T) == MS
        assert call("JTICK", "now", T) == [1, MS + 5000, MS]
        ((*_, payload),) = call("JPOP", 1, "shell")
        assert payload == b"echo hi"


def test_a_board_publishes_its_commands_with_the_first_call(lua: Lua, url: str) -> None:
    other = Board(f"{lua.board.name}-other", url, validate=False)
    assert lua.client.exists(other.keys.commands) == 0
    other.count()
    assert lua.client.hget(other.keys.commands, "JSET") == commands()["JSET"].sha
    other.client.close()


@pytest.mark.parametrize("place", range(len(SESSION)))
def test_lost_functions_are_reloaded_before_any_command(lua: Lua, place: int) -> None:
    replies = []
    for step, (name, arguments) in enumerate(SESSION):
        if step == place:
            lua.client.function_flush()
        replies.append(lua.call(name, *arguments))
    lua.reset()
    assert replies == [lua.call(name, *arguments) for name, arguments in SESSION]


@pytest.mark.parametrize("place", range(len(BETWEEN)))
def test_lost_functions_are_reloaded_before_any_command_of_a_partition(board: Board, place: int) -> None:
    parts = Partitioned(board)
    replies = between(parts, flush=place)
    parts.reset()
    assert replies == between(parts)


def test_scripts_and_functions_return_the_same_on_a_partition(board: Board) -> None:
    parts = Partitioned(board)
    by_function = between(parts)
    parts.reset()
    part = parts.parts[0]
    shas = part.board.commands.load()
    for (name, arguments), reply in zip(BETWEEN, by_function, strict=True):
        assert part.client.evalsha(shas[name], 1, part.keys.tag, *arguments) == reply, name


def between(parts: Partitioned, flush: int | None = None) -> list[Any]:
    """Play BETWEEN on the first partition, which answers. Functions are lost before the step `flush`."""
    part, replies = parts.parts[0], []
    for step, (name, arguments) in enumerate(BETWEEN):
        assert parts.outgoing(0) == [1] * step
        if step == flush:
            part.client.function_flush()
        replies.append(part.call(name, *arguments))
    assert parts.outgoing(0) == []
    return replies


def test_a_batch_runs_each_call_once_in_order_after_functions_are_lost(lua: Lua) -> None:
    lua.client.function_flush()
    pushed = lua.board.commands.batch([("JPUSH", ["echo", "x", "now", T])] * 20)
    assert pushed == [f"push:{number}@{MS}" for number in range(1, 21)]
    assert lua.ids() == pushed


def test_scripts_and_functions_return_the_same(lua: Lua) -> None:
    by_function = [lua.call(name, *arguments) for name, arguments in SESSION]
    lua.reset()
    shas = lua.board.commands.load()
    for (name, arguments), reply in zip(SESSION, by_function, strict=True):
        assert lua.client.evalsha(shas[name], 1, lua.keys.tag, *arguments) == reply, name


def test_scripts_and_functions_raise_the_same_errors(lua: Lua) -> None:
    shas = lua.board.commands.load()
    for name, arguments in (("JNEXT", ["nobody"]), ("JSET", ["a b", "echo", "x"]), ("JACK", ["a#1", "done"])):
        (ours,) = lua.board.commands.batch([(name, arguments)])
        with pytest.raises(redis.ResponseError) as caught:
            lua.client.evalsha(shas[name], 1, lua.keys.tag, *arguments)
        assert str(caught.value).split(" ", 2)[2] == str(ours)


def test_read_only_functions_work_with_fcall_ro(lua: Lua) -> None:
    lua.put(every=5)
    assert lua.client.fcall_ro("JNEXT", 1, lua.keys.tag, "a") == [MS]
    with pytest.raises(redis.ResponseError, match="write flag"):
        lua.client.fcall_ro("JTICK", 1, lua.keys.tag)


def test_boards_of_one_redis_do_not_see_each_other(lua: Lua, url: str) -> None:
    other = Board(f"{lua.board.name}-twin", url, validate=False)
    lua.put(every=5)
    lua.push()
    assert other.tick(now=T + 99).moved == 0
    assert not other.pop("echo")
    assert other.count()["jobs"] == 0
    other.client.close()


def test_every_key_of_a_board_lies_in_its_hash_slot(lua: Lua) -> None:
    before = set(lua.client.keys())
    for name, arguments in SESSION:
        lua.call(name, *arguments)
    assert all(key.startswith(f"{lua.keys.tag}:") for key in set(lua.client.keys()) - before)
