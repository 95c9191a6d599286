"""JDEL: remove jobs."""

from __future__ import annotations

from tests.lua.helpers import MS, Lua, T


def test_jdel_returns_the_number_of_removed_jobs(lua: Lua) -> None:
    lua.put("a", every=5)
    lua.put("b")
    assert lua.jdel("a", "b", "c") == 2
    assert lua.jdel("a") == 0
    assert lua.jget("a", "b") == [None, None]


def test_a_removed_job_is_not_due_any_more(lua: Lua) -> None:
    lua.put(every=5)
    lua.jdel("a")
    assert lua.jtick(now=T + 99) == [0, 0, MS + 99_000]
    assert lua.stats()["due"] == 0


def test_its_queued_and_leased_tasks_still_run(lua: Lua) -> None:
    lua.put("a", "queued", every=5)
    lua.tick(T)
    lua.tick(T + 5)
    held = lua.held()
    lua.jdel("a")
    assert lua.jack(held["token"], "done") == held["id"]
    assert [task["payload"] for task in lua.take()] == ["queued"]


def test_other_jobs_stay(lua: Lua) -> None:
    lua.put("a", every=5)
    lua.put("b", every=5)
    lua.jdel("a")
    lua.tick(T)
    assert lua.ids() == [f"b@{MS}"]


def test_an_id_is_not_a_pattern(lua: Lua) -> None:
    lua.put("a")
    assert lua.jdel("*") == 0
    assert lua.count()["jobs"] == 1


def test_two_tasks_of_one_id_do_not_harm_each_other(lua: Lua) -> None:
    for payload in ("old", "new"):
        lua.put("a", payload, at=T)
        lua.tick(T)
        lua.jdel("a")
    old, new = lua.take(count=2, lease=30)
    assert (old["id"], old["payload"], new["payload"]) == (new["id"], "old", "new")
    lua.jack(old["token"], "retry", delay=10)
    lua.jack(new["token"], "dead")
    lua.tick(T + 10)
    again = lua.held()
    assert (again["payload"], again["attempt"]) == ("old", 2)
