"""JLIMIT: limit the concurrency and rate of a queue or runner."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import OptionError
from tests.lua.helpers import MS, Lua, T


@pytest.mark.parametrize("kind", ["queue", "runner"])
@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"concurrency": 20, "rate": "100/1m"}, "20 100 60000"),
        ({"concurrency": 1}, "1 - -"),
        ({"rate": "5/s"}, "- 5 1000"),
        ({"rate": "10000/1h30m"}, "- 10000 5400000"),
        ({"rate": "1/0.5"}, "- 1 500"),
        ({}, "- - -"),
    ],
)
def test_jlimit_returns_the_stored_limit(lua: Lua, kind: str, options: dict[str, Any], kept: str) -> None:
    assert lua.jlimit(kind, "echo", **options) == kept
    assert lua.client.hget(lua.keys.limits, f"{kind}:echo") == (kept if options else None)


def test_an_omitted_limit_is_removed(lua: Lua) -> None:
    lua.jlimit("queue", "echo", concurrency=5, rate="5/1m")
    assert lua.jlimit("queue", "echo", rate="5/1m") == "- 5 60000"
    lua.jlimit("queue", "echo")
    assert lua.client.exists(lua.keys.limits) == 0


def test_a_queue_and_a_runner_of_one_name_have_limits_of_their_own(lua: Lua) -> None:
    lua.jlimit("queue", "echo", concurrency=1)
    lua.jlimit("runner", "echo", concurrency=2)
    assert lua.client.hgetall(lua.keys.limits) == {"queue:echo": "1 - -", "runner:echo": "2 - -"}


def test_a_removed_limit_leaves_no_keys(lua: Lua) -> None:
    lua.push()
    before = set(lua.client.keys(f"{lua.keys.tag}:*"))
    lua.jlimit("runner", "echo", concurrency=1, rate="1/1m")
    lua.push()
    token = lua.take(count=2, lease=30)[0]["token"]
    lua.jlimit("runner", "echo")
    lua.tick()
    lua.jack(token, "done")
    lua.jack(lua.held()["token"], "done")
    left = {key.partition(":")[2] for key in set(lua.client.keys(f"{lua.keys.tag}:*")) - before}
    assert left <= {"history", "hours", "changes", "stats", "wake", "wake:echo"}


@pytest.mark.parametrize("kind", ["queue", "runner"])
def test_a_change_wakes_a_clock_which_admits_held_tasks(lua: Lua, kind: str) -> None:
    lua.jlimit(kind, "echo", concurrency=1)
    for _ in range(3):
        lua.push()
    lua.take(count=3, lease=30)
    lua.tick()
    lua.forget_wakes()
    lua.jlimit(kind, "echo", concurrency=2)
    assert lua.wakes() == ["wake"]
    lua.tick()
    assert len(lua.take(count=9, lease=30)) == 1


def test_tasks_already_running_count(lua: Lua) -> None:
    for _ in range(4):
        lua.push()
    lua.take(count=2, lease=30)
    lua.jlimit("runner", "echo", concurrency=3)
    assert len(lua.take(count=9, lease=30)) == 1


def test_limits_are_per_board(lua: Lua) -> None:
    lua.jlimit("runner", "other", concurrency=1)
    for _ in range(3):
        lua.push()
    assert len(lua.take(count=9, lease=30)) == 3


def test_the_next_tick_is_when_the_gate_opens(lua: Lua) -> None:
    lua.jlimit("runner", "echo", rate="1/1m")
    lua.tick()
    lua.push()
    lua.push()
    lua.take(count=2, lease="1h")
    assert lua.jtick()[1] == MS + 60_000
    assert lua.jtick(now=T + 59.999)[0] == 0
    assert lua.jtick(now=T + 60)[0] == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], '^limit: expected "queue" or "runner", got'),
        (["job", "a", "concurrency", 5], '^limit: expected "queue" or "runner", got'),
        (["queue"], "^queue: expected one word of at most 256 bytes"),
        (["queue", "a b"], "^queue: expected one word of at most 256 bytes"),
        (["queue", "a!5"], "^queue: expected a name without !, got"),
        (["runner"], "^name: expected one word of at most 256 bytes"),
        (["runner", "a b"], "^name: expected one word of at most 256 bytes"),
        (["runner", "a", "concurrency", 0], "^concurrency: expected a whole number of at least 1, got '0'$"),
        (["runner", "a", "concurrency", "x"], "^concurrency: expected a whole number of at least 1, got 'x'"),
        (["runner", "a", "rate", "x"], "^rate: expected a rate such as 100/1m or 5/s, got 'x'$"),
        (["runner", "a", "rate", "0/1m"], "^rate: expected a rate such as 100/1m or 5/s, got '0/1m'"),
        (["runner", "a", "rate", "5/0"], "^rate: expected more than 0, got '0'$"),
        (["runner", "a", "rate", "10001/1m"], "^rate: expected at most 10000 in a period, got"),
        (["runner", "a", "rate"], "^rate: expected a value, got none$"),
        (["runner", "a", "now", "x"], "^now: expected a time such as .*, got 'x'"),
        (["runner", "a", "priority", 5], "^priority: unknown option$"),
    ],
)
def test_invalid_arguments_are_rejected(lua: Lua, arguments: list[Any], says: str) -> None:
    lua.refuses(OptionError, says, "JLIMIT", *arguments)
