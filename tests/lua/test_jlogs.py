"""JLOGS, and the end of what tasks printed, which comes with JACK."""

from __future__ import annotations

import pytest

from jobs_core import OptionError
from tests.lua.helpers import Lua


def report(lua: Lua, verb: str, tail: str, **options: object) -> str:
    """Take a task and report it with what it printed. Returns its id."""
    return str(lua.jack(lua.held()["token"], verb, tail=tail, **options))


def kept(lua: Lua) -> int:
    """Return the bytes of all tails, as the board counts them."""
    return int(lua.client.hget(f"{lua.keys.tag}:stats", "tails") or 0)


def stored(lua: Lua) -> int:
    """Return the bytes of all tails that are stored."""
    return sum(len(text.encode()) for text in lua.client.hvals(f"{lua.keys.tag}:tails"))


@pytest.mark.parametrize("verb", ["done", "failed", "retry", "dead", "cancelled"])
def test_what_a_task_printed_is_kept_however_it_ended(lua: Lua, verb: str) -> None:
    lua.push()
    id = report(lua, verb, "a1\nohi\neno")
    assert lua.jlogs(id, "other@1") == ["a1\nohi\neno", None]


def test_each_attempt_adds_what_it_printed(lua: Lua) -> None:
    lua.push()
    report(lua, "retry", "a1\nofirst")
    id = report(lua, "done", "a2\nosecond")
    assert lua.jlogs(id) == ["a1\nofirst\na2\nosecond"]
    assert kept(lua) == stored(lua)


def test_a_stale_report_adds_nothing(lua: Lua) -> None:
    lua.push()
    token = lua.held()["token"]
    id = lua.jack(token, "done", tail="a1\nofresh")
    with pytest.raises(Exception, match="no longer holds"):
        lua.jack(token, "done", tail="a1\nostale")
    assert lua.jlogs(id) == ["a1\nofresh"]


def test_of_too_much_the_end_is_kept(lua: Lua) -> None:
    lua.jretain("tail-bytes", 20)
    lua.push()
    (text,) = lua.jlogs(report(lua, "done", "a1\no" + "é" * 30))
    assert text == "…" + "é" * 8
    assert kept(lua) == stored(lua) <= 20


@pytest.mark.parametrize("bound", ["off", "0"])
def test_a_board_may_keep_none(lua: Lua, bound: str) -> None:
    lua.jretain("tail-bytes", bound)
    lua.push()
    assert lua.jlogs(report(lua, "done", "a1\nohi")) == [None]
    assert not lua.client.exists(f"{lua.keys.tag}:tails:order")


def test_the_oldest_make_room(lua: Lua) -> None:
    lua.jretain("tails-bytes", 30)
    ids = []
    for _ in range(5):
        lua.push()
        ids.append(report(lua, "done", "a1\no" + 6 * "x"))
    assert lua.jlogs(*ids) == [None, None, *(["a1\noxxxxxx"] * 3)]
    assert kept(lua) == stored(lua) == 30


def test_a_removed_job_leaves_none(lua: Lua) -> None:
    lua.put("a")
    for _ in range(3):
        lua.jpush("a")
        id = report(lua, "done", "a1\nosecret")
    assert lua.jlogs(id) != [None]
    lua.jdel("a")
    assert stored(lua) == kept(lua) == 0


def test_a_task_that_prints_nothing_stores_nothing(lua: Lua) -> None:
    lua.push()
    report(lua, "done", "")
    assert not lua.client.exists(f"{lua.keys.tag}:tails", f"{lua.keys.tag}:tails:order")


@pytest.mark.parametrize("ids", [[], ["a@1"] * 101])
def test_one_to_a_hundred_tasks_are_read_at_once(lua: Lua, ids: list[str]) -> None:
    with pytest.raises(OptionError, match="JLOGS expects 1 to 100 task ids"):
        lua.jlogs(*ids)
