"""Alerts on large boards: rounds take several steps, and what was read of rules is never out of date."""

from __future__ import annotations

from tests.lua.helpers import Lua, T
from tests.lua.test_jalert import alert, die, kinds, told


def test_many_queues_without_workers_are_found_in_steps(lua: Lua) -> None:
    alert(lua, "unserved 10s, late 20s", recovery="yes", burst=10000)
    for number in range(500):
        lua.jpush("echo", "x", queue=f"q{number}")
    for step in range(120):
        lua.tick(T + step / 4)
    found = told(lua, now=T + 30)
    assert {one["queue"] for one in found if one["kind"] == "unserved"} == {f"q{n}" for n in range(500)}
    assert len(found) == 1000
    assert {one["since"] for one in found if one["kind"] == "late"} == {T}
    for number in range(500):
        lua.take(f"q{number}", now=T + 30)
    for step in range(120):
        lua.tick(T + 31 + step / 4)
    over = [("late", "over")] * 500 + [("unserved", "over")] * 500
    assert sorted(kinds(told(lua, now=T + 61))) == over
    for step in range(60):
        lua.tick(T + 62 + step / 4)
    assert lua.client.exists(f"{lua.keys.tag}:alerts:idle", f"{lua.keys.tag}:alerts:idle:next") == 0


def test_rules_are_read_again_when_they_change(lua: Lua) -> None:
    lua.put(every=3600, start=T + 9e6)
    alert(lua, "dead")
    die(lua)
    alert(lua, "dead", name="a2")
    die(lua)
    lua.jalert("remove", "a1")
    die(lua)
    assert [one["alert"] for one in told(lua)] == ["a1", "a1", "a2", "a2"]


def test_another_board_of_the_same_name_has_its_own_rules(lua: Lua) -> None:
    for payload in ("one", "two"):
        lua.put(every=3600, start=T + 9e6)
        lua.jalert("put", "a1", "tell", payload, "when", "dead")
        die(lua)
        assert [task["payload"] for task in lua.take("tell")] == [payload]
        lua.reset()
        lua.put(every=3600, start=T + 9e6)
        die(lua)
        assert lua.take("tell") == []
        lua.reset()
