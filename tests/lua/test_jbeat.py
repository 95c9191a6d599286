"""JBEAT: extend leases."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import OptionError
from tests.lua.helpers import MS, Lua, T


def beat(lua: Lua, now: float, *tokens: str, lease: Any = 30) -> list[int]:
    return list(lua.jbeat(lease, *tokens, "--", "now", now))


def test_a_lease_is_extended_from_the_time_of_the_beat(lua: Lua) -> None:
    lua.push()
    held = lua.held(lease=30)
    assert beat(lua, T + 20, held["token"]) == [1]
    assert [lua.tick(T + 30), lua.tick(T + 49.999), lua.tick(T + 50)] == [0, 0, 1]


def test_jbeat_returns_the_state_of_each_token(lua: Lua) -> None:
    for _ in range(3):
        lua.push()
    ended, expired, held = (task["token"] for task in lua.take(count=3, lease=30))
    lua.jack(ended, "done")
    beat(lua, T + 20, held)
    lua.tick(T + 30)
    assert beat(lua, T + 31, ended, held, expired, "nobody#9") == [0, 1, 0, 0]


def test_jbeat_does_not_revive_an_ended_lease(lua: Lua) -> None:
    lua.push()
    expired = lua.held()
    lua.tick(T + 30)
    before = lua.everything()
    assert beat(lua, T + 31, expired["token"]) == [0]
    assert lua.everything() == before


def test_an_expired_lease_can_be_extended_before_the_tick(lua: Lua) -> None:
    lua.push()
    late = lua.held(lease=30)
    assert beat(lua, T + 45, late["token"]) == [1]
    assert lua.tick(T + 45) == 0


def test_jbeat_uses_the_clock_of_redis_by_default(lua: Lua) -> None:
    lua.push()
    held = lua.held()
    assert lua.jbeat("1m", held["token"]) == [1]
    seconds, _ = lua.client.time()
    assert abs(lua.jtick(now=T)[1] / 1000 - (seconds + 60)) < 5


def test_jbeat_accepts_no_tokens(lua: Lua) -> None:
    assert lua.jbeat(30) == []
    assert beat(lua, T) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "lease: expected a duration such as 90, 1h30m or PT1H30M, got ''"),
        (["x"], "lease: expected a duration such as 90, 1h30m or PT1H30M, got 'x'"),
        ([30, f"push:1@{MS}#1", "--", "now", "x"], "now: expected a time such as .*, got 'x'"),
        ([30, f"push:1@{MS}#1", "--", "lease", 5], "lease: unknown option"),
    ],
)
def test_a_rejected_beat_extends_nothing(lua: Lua, arguments: list[Any], says: str) -> None:
    lua.push()
    lua.held(lease=30)
    lua.refuses(OptionError, says, "JBEAT", *arguments)
