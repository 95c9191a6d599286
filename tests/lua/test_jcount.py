"""JCOUNT: count what is on the board."""

from __future__ import annotations

from tests.lua.helpers import Lua, T

EMPTY = {"jobs": 0, "scheduled": 0, "queued": 0, "held": 0, "delayed": 0, "leased": 0, "dead": 0}


def test_an_empty_board(lua: Lua) -> None:
    assert lua.count() == EMPTY


def test_every_state_is_counted(lua: Lua) -> None:
    lua.put("a", every=5, start=T + 60)
    lua.put("manual")
    lua.put("paused", every=5, paused=1)
    for number in range(4):
        lua.push(str(number))
    lua.push(queue="slow")
    lua.push(at="+10")
    lua.jack(lua.held()["token"], "dead")
    lua.held()
    assert lua.count() == {
        "jobs": 3,
        "scheduled": 1,
        "queued": 3,
        "held": 0,
        "delayed": 1,
        "leased": 1,
        "dead": 1,
        "queue:echo": 2,
        "queue:slow": 1,
    }


def test_an_empty_queue_that_was_used_is_listed(lua: Lua) -> None:
    lua.push(queue="b")
    lua.push(queue="a")
    lua.ids("a", "b")
    assert lua.count() == EMPTY | {"queue:a": 0, "queue:b": 0}
    assert lua.jcount()[-4::2] == ["queue:a", "queue:b"]


def test_a_queue_is_counted_over_all_priorities(lua: Lua) -> None:
    for priority in (-9, 0, 9):
        lua.push(priority=priority)
    assert lua.count() == EMPTY | {"queued": 3, "queue:echo": 3}


def test_reading_changes_nothing(lua: Lua) -> None:
    lua.push()
    before = lua.everything()
    lua.jcount()
    assert lua.everything() == before


def test_a_board_may_have_thousands_of_queues(lua: Lua) -> None:
    lua.board.commands.batch([("JPUSH", ["echo", "x", "queue", f"q{n}", "now", T]) for n in range(4100)])
    assert lua.count()["queued"] == 4100
