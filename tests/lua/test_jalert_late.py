"""Which runs alerts call late, and which only seem to be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lua.helpers import Lua, T
from tests.lua.test_jalert import alert, kinds, told

HOURS = 7200


@pytest.fixture(autouse=True)
def watched(lua: Lua) -> None:
    alert(lua, "late 1m, missed")


def test_jitter_is_no_lateness(lua: Lua) -> None:
    lua.put(every=864000, jitter=HOURS, start=T)
    lua.tick(T)
    ((_, due),) = lua.client.zrange(f"{lua.keys.tag}:delayed", 0, -1, withscores=True)
    assert due > T * 1000 + 60_000  # long after the time of the schedule
    lua.tick(due / 1000)
    lua.tick(due / 1000 + 60)
    assert told(lua, now=due / 1000 + 60) == []
    lua.held(now=due / 1000 + 61)
    assert kinds(told(lua, now=due / 1000 + 61)) == [("late", "firing")]


def test_a_backfill_is_no_lateness(lua: Lua) -> None:
    lua.put(cron="* * * * *")
    lua.jbackfill("start", "a", **{"from": T - 3600, "to": T})
    lua.tick(T)
    assert len(lua.take(count=9, lease=30)) == 1
    assert told(lua) == []


def test_a_dead_letter_that_is_run_again_is_no_lateness(lua: Lua) -> None:
    lua.put(keep="1h")
    lua.jpush("a")
    token = lua.held()["token"]
    for hour in range(3):
        lua.jack(token, "dead", now=T + hour * 3600)
        lua.call("JDEAD", "retry", token)
        lua.tick(T + hour * 3600 + 3000)
        task = lua.held(now=T + hour * 3600 + 3000)
        token = task["token"]
    assert told(lua, now=T + 9999) == []


@pytest.mark.parametrize("options", [{}, {"keep": "1h"}, {"jitter": 0}])
def test_others_are(lua: Lua, options: dict[str, Any]) -> None:
    lua.put(every=864000, start=T, **options)
    lua.tick(T)
    lua.held(now=T + 61)
    assert kinds(told(lua, now=T + 61)) == [("late", "firing")]
