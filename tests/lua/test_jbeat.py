"""JBEAT: extend leases."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import OptionError
from tests.lua.helpers import MS, Lua, T


def beat(lua: Lua, now: float, *tokens: str, lease: Any = 30) -> list[int]:
    return list(lua.jbeat(lease, *tokens, "--", "now", now))


def test_a_lease_holds_from_the_beat_on(lua: Lua) -> None:
    lua.push()
    held = lua.held(lease=30)
    assert beat(lua, T + 20, held["token"]) == [1]
    assert [lua.tick(T + 30), lua.tick(T + 49.999), lua.tick(T + 50)] == [0, 0, 1]


def test_it_answers_for_each_token_whether_it_holds(lua: Lua) -> None:
    for _ in range(3):
        lua.push()
    ended, lapsed, held = (task["token"] for task in lua.take(count=3, lease=30))
    lua.jack(ended, "done")
    beat(lua, T + 20, held)
    lua.tick(T + 30)
    assert beat(lua, T + 31, ended, held, lapsed, "nobody#9") == [0, 1, 0, 0]


def test_it_brings_no_lease_back(lua: Lua) -> None:
    lua.push()
    lapsed = lua.held()
    lua.tick(T + 30)
    before = lua.everything()
    assert beat(lua, T + 31, lapsed["token"]) == [0]
    assert lua.everything() == before


def test_a_lease_that_nobody_has_ended_yet_can_still_be_extended(lua: Lua) -> None:
    lua.push()
    late = lua.held(lease=30)
    assert beat(lua, T + 45, late["token"]) == [1]
    assert lua.tick(T + 45) == 0


def test_without_a_time_it_goes_by_the_clock_of_redis(lua: Lua) -> None:
    lua.push()
    held = lua.held()
    assert lua.jbeat("1m", held["token"]) == [1]
    seconds, _ = lua.client.time()
    assert abs(lua.jtick(now=T)[1] / 1000 - (seconds + 60)) < 5


def test_no_tokens_are_no_trouble(lua: Lua) -> None:
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
def test_what_is_refused_extends_nothing(lua: Lua, arguments: list[Any], says: str) -> None:
    lua.push()
    lua.held(lease=30)
    lua.refuses(OptionError, says, "JBEAT", *arguments)
