"""Leases that end while nobody can tick: they are extended once, because nobody could renew them either."""

from __future__ import annotations

import pytest

from tests.lua.helpers import MS, Lua, T


def working(lua: Lua, tasks: int = 1, lease: int = 30) -> list[str]:
    """Tasks in the hands of a worker, on a board that has ticked at T. Returns their tokens."""
    for _ in range(tasks):
        lua.push()
    tokens = [task["token"] for task in lua.take(count=tasks, lease=lease)]
    lua.jtick(now=T)
    return tokens


@pytest.mark.parametrize("outage", [40, 3600, 86400])
def test_a_lease_that_ended_in_an_outage_can_still_be_renewed(lua: Lua, outage: int) -> None:
    (token,) = working(lua)
    assert lua.jtick(now=T + outage) == [0, (T + outage + 10) * 1000, (T + outage) * 1000]
    assert lua.jbeat(30, token, "--", "now", T + outage + 5) == [1]
    lua.tick(T + outage + 34)
    lua.jack(token, "done", now=T + outage + 34)
    assert (lua.stats()["lost"], lua.stats()["done"]) == (0, 1)


def test_a_task_that_ended_or_was_given_back_in_an_outage_is_not_lost(lua: Lua) -> None:
    first, second = working(lua, tasks=2)
    lua.jtick(now=T + 40)
    lua.jack(first, "done", now=T + 41)
    lua.jack(second, "release", now=T + 41)
    (again,) = lua.take(now=T + 42, lease=30)
    assert (again["attempt"], again["history"]) == (1, "")
    assert (lua.stats()["lost"], lua.stats()["doubled"], lua.stats()["released"]) == (0, 0, 1)


def test_a_lease_is_extended_once(lua: Lua) -> None:
    (token,) = working(lua)
    lua.jtick(now=T + 40)
    lua.tick(T + 49)
    assert lua.jbeat(30, token, "--", "now", T + 49) == [1]
    lua.tick(T + 79)
    assert lua.jbeat(30, token, "--", "now", T + 79) == [0]
    assert lua.stats()["lost"] == 1


def test_a_worker_that_says_nothing_after_the_outage_has_lost_its_task(lua: Lua) -> None:
    working(lua)
    lua.jtick(now=T + 40)
    lua.tick(T + 49)
    assert lua.stats()["lost"] == 0
    lua.tick(T + 50)
    assert lua.stats()["lost"] == 1


def test_a_lease_that_ended_before_the_outage_is_lost(lua: Lua) -> None:
    working(lua, lease=2)
    lua.jtick(now=T + 1)
    lua.client.hset(f"{lua.keys.tag}:stats", "ticked", MS + 3000)  # a tick whose limit was reached
    lua.jtick(now=T + 40)
    assert lua.stats()["lost"] == 1


def test_a_board_that_ticks_every_second_loses_a_expired_lease_at_once(lua: Lua) -> None:
    working(lua, lease=5)
    for second in range(1, 6):
        lua.jtick(now=T + second)
    assert lua.stats()["lost"] == 1


def test_any_number_of_leases_is_extended(lua: Lua) -> None:
    tokens = [token for _ in range(3) for token in working(lua, tasks=400)]
    moved, earliest, _ = lua.jtick(now=T + 40)
    while earliest <= (T + 40) * 1000:
        moved, earliest, _ = lua.jtick(now=T + 40)
        assert moved == 0
    assert earliest == (T + 50) * 1000
    assert lua.jbeat(30, *tokens, "--", "now", T + 45) == [1] * len(tokens)


def test_an_accepted_task_may_be_answered_after_an_outage(lua: Lua) -> None:
    (token,) = working(lua)
    lua.jack(token, "accepted", timeout=20)
    lua.jtick(now=T + 40)
    lua.jack(token, "done", now=T + 41)
    assert (lua.stats()["done"], lua.stats()["failed"]) == (1, 0)


def test_a_clock_that_jumps_ahead_loses_no_lease(lua: Lua) -> None:
    (token,) = working(lua)
    lua.jtick(now=T + 3600)
    assert lua.jbeat(30, token, "--", "now", T + 3601) == [1]
