"""JSTATS: the ledger."""

from __future__ import annotations

from tests.lua.helpers import Lua, T

NAMES = (
    *("due", "queued", "coalesced", "pushed", "leased", "unleased", "succeeded"),
    *("retried", "lost", "released", "stale", "dead", "trimmed"),
)


def test_an_empty_board_has_counted_nothing(lua: Lua) -> None:
    assert lua.stats() == dict.fromkeys(NAMES, 0)


def test_every_counter_counts_what_it_says(lua: Lua) -> None:
    lua.put("a", every=5)
    lua.tick(T + 12)
    for _ in range(5):
        lua.push()
    token = lua.held()["token"]
    lua.jack(token, "release")
    lua.jack(lua.held()["token"], "retry")
    lua.jack(lua.held()["token"], "done")
    lua.jack(lua.held()["token"], "dead")
    lua.held(lease=5)
    lua.tick(T + 13)  # ends that lease
    lua.board.commands.batch([("JACK", [token, "done"])])
    lua.take()
    lua.jtrim("echo", 1)
    assert lua.stats() == {
        "due": 8,
        "queued": 6,
        "coalesced": 2,
        "pushed": 5,
        "leased": 5,
        "unleased": 1,
        "succeeded": 1,
        "retried": 1,
        "lost": 1,
        "released": 1,
        "stale": 1,
        "dead": 1,
        "trimmed": 2,
    }


def test_removing_jobs_takes_nothing_back(lua: Lua) -> None:
    lua.put(every=5)
    lua.tick(T)
    before = lua.stats()
    lua.jdel("a")
    assert lua.stats() == before
