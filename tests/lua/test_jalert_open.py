"""What alerts tell of now."""

from __future__ import annotations

from tests.lua.helpers import Lua, T
from tests.lua.test_jalert import alert, die, succeed, told


def opens(lua: Lua) -> int:
    return next(lua.board.alert_list()).open


def test_what_is_over_at_once_is_not_open(lua: Lua) -> None:
    lua.put(every=3600, start=T + 9e6)
    alert(lua, "failed, dead, done, recovered", every="4h")
    die(lua)
    assert [(one.kind, one.about) for one in lua.board.alert_open("a1")] == [("failed", "a")]
    assert opens(lua) == 1
    succeed(lua, now=T + 60)
    assert list(lua.board.alert_open("a1")) == []
    assert opens(lua) == 0


def test_each_one_off_task_is_not_a_job_of_its_own_to_every(lua: Lua) -> None:
    alert(lua, "dead, done", every="4h", burst=1000)
    for outcome in ("dead", "done") * 20:
        lua.push()
        lua.jack(lua.held()["token"], outcome, now=T)
    assert [one["kind"] for one in told(lua)] == ["dead", "done"]
    assert lua.size("alerting") == 2
    lua.push(now=T + 14400)
    lua.jack(lua.held(now=T + 14400)["token"], "dead", now=T + 14400)
    assert [one["more"] for one in told(lua, now=T + 14400)] == [19]


def test_what_an_alert_told_before_it_was_changed_is_not_open(lua: Lua) -> None:
    lua.put(every=3600, start=T + 9e6)
    alert(lua, "failed")
    die(lua)
    assert opens(lua) == 1
    alert(lua, "failed 5")
    assert opens(lua) == 0
    assert list(lua.board.alert_open("a1")) == []


def test_thousands_are_listed_in_pages(lua: Lua) -> None:
    alert(lua, "unserved 1s")
    alert(lua, "unserved 2s", name="a2")
    for number in range(1500):
        lua.jpush("echo", "x", queue=f"q{number}")
    for step in range(200):
        lua.tick(T + step / 4)
    assert {one.queue for one in lua.board.alert_open("a2")} == {f"q{number}" for number in range(1500)}


def test_a_job_that_is_removed_is_forgotten(lua: Lua) -> None:
    alert(lua, "failed, late 1s, silent 1h")
    for id in ("a", "b"):
        lua.put(id, every=3600, start=T)
    lua.tick(T)
    lua.tick(T + 2)
    lua.tick(T + 3600)
    assert {(one.kind, one.job) for one in lua.board.alert_open("a1")} >= {("late", "a"), ("silent", "a")}
    lua.jdel("a")
    assert {one.job for one in lua.board.alert_open("a1")} == {"b"}
    assert lua.client.zrange(f"{lua.keys.tag}:alerting:late", 0, -1) != []
    lua.jdel("b")
    assert list(lua.board.alert_open("a1")) == []
    assert lua.client.exists(f"{lua.keys.tag}:alerting", f"{lua.keys.tag}:alerting:late") == 0
