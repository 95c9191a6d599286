"""What alerts tell of now."""

from __future__ import annotations

import json

import pytest

from jobs_core import ConflictError, ExistsError
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


def test_a_reply_with_large_payloads_ends_early(lua: Lua) -> None:
    names = [f"a{number:02}" for number in range(30)]
    for name in names:
        lua.jalert("put", name, "tell", "x" * 65000, "when", "failed")
    tag = lua.keys.tag
    assert lua.client.fcall_ro("JALERTS", 1, tag)[-1] == ""
    assert len(lua.client.fcall_ro("JALERTS", 1, tag, *names)) < 30
    assert [one.name for one in lua.board.alert_list()] == names
    assert [json.loads(text)["name"] for text in lua.jalerts("-", "after", "a03")] == names[4:]
    found = lua.jalerts(*reversed(names), "none")
    assert [text and json.loads(text)["name"] for text in found] == [*reversed(names), None]
    assert {one.payload for one in lua.board.alert_list(payload=False)} == {""}
    assert len(lua.client.fcall_ro("JALERTS", 1, tag, "-", "payload", "0")) == 30


def test_alerts_and_what_they_tell_are_found_by_job(lua: Lua) -> None:
    lua.put("a", label="team=pay")
    lua.put("b")
    for name, terms in (("ids", "a,c"), ("labels", "team=pay"), ("queues", "queue:e*"), ("others", "b")):
        alert(lua, "failed, unserved 1s", name=name, **{"for": terms})
    alert(lua, "failed", name="all")
    board = lua.board
    assert [one.name for one in board.alert_list(job="a")] == ["all", "ids", "labels", "queues"]
    assert [one.name for one in board.alert_list(job="c")] == ["all", "ids"]
    assert [one.name for one in board.alert_list(job="none")] == ["all"]
    assert list(board.alert_list(job="alert:all")) == []
    die(lua)
    assert {(one.alert, one.kind) for one in board.alert_open(job="a")} == {
        ("all", "failed"),
        ("ids", "failed"),
        ("labels", "failed"),
        ("queues", "failed"),
    }
    assert list(board.alert_open(job="b")) == []
    assert [one.alert for one in board.alert_open("ids", job="a")] == ["ids"]
    assert {(one.alert, one.about) for one in board.alert_open()} == {
        (name, "a") for name in ("all", "ids", "labels", "queues")
    }
    lua.jpush("echo", "x")
    for step in range(40):
        lua.tick(T + step)
    assert {(one.alert, one.queue) for one in board.alert_open(job="b") if one.kind == "unserved"} == {
        ("queues", "echo")
    }


def test_how_often_and_when_an_alert_told_is_known(lua: Lua) -> None:
    lua.put(every=3600, start=T + 9e6)
    alert(lua, "failed", every="1h")
    assert next(lua.board.alert_list()).told is None
    for now in (T, T + 60, T + 3600, T + 3660):
        die(lua, now=now)
    (found,) = lua.board.alert_open("a1")
    assert (found.since, found.told, found.times, found.more) == (T, T + 3600, 2, 1)
    lua.jalert("test", "a1", now=T + 5000)
    assert next(lua.board.alert_list()).told == T + 3600
    lua.jalert("remove", "a1")
    alert(lua, "failed")
    assert next(lua.board.alert_list()).told is None


def test_an_alert_is_changed_only_as_it_was_read(lua: Lua) -> None:
    board = lua.board
    board.alert_put("a1", "tell", "x", when="failed", if_match="none")
    with pytest.raises(ExistsError, match="the alert 'a1' already exists"):
        board.alert_put("a1", "tell", "x", when="dead", if_match="none")
    etag = board.alert_show("a1").etag
    board.alert_put("a1", "tell", "x", when="failed")
    assert board.alert_show("a1").etag == etag
    board.alert_put("a1", "tell", "y", when="failed", if_match=etag)
    assert board.alert_show("a1").etag != etag
    with pytest.raises(ConflictError, match="the alert 'a1' has changed"):
        board.alert_put("a1", "tell", "z", when="failed", if_match=etag)
    with pytest.raises(ConflictError):
        board.alert_remove("a1", if_match=etag)
    assert board.alert_show("a1").payload == "y"
    assert board.alert_remove("a1", if_match=board.alert_show("a1").etag) == 1
    with pytest.raises(ConflictError):
        board.alert_remove("a1", if_match=etag)
