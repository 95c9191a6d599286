"""Redis's clock jumps ahead and back: jobs follow the current clock."""

from __future__ import annotations

import pytest

from tests.lua.helpers import MS, Lua, T

HOUR = 3600


def due(lua: Lua, id: str) -> float | None:
    found = lua.client.zscore(lua.keys.schedule, id)
    return None if found is None else found / 1000 - T


def go_ahead_and_back(lua: Lua) -> None:
    lua.tick(T)
    lua.tick(T + HOUR)
    lua.tick(T + 20)


@pytest.mark.parametrize(
    ("options", "following"),
    [({"every": 1}, 21), ({"every": 7}, 21), ({"cron": "* * * * *"}, 40), ({"every": 5, "repeat": 9}, 25)],
)
def test_a_job_that_ran_ahead_follows_the_clock_again(
    lua: Lua, options: dict[str, object], following: int
) -> None:
    lua.put("a", start=T, **options)
    go_ahead_and_back(lua)
    assert due(lua, "a") == following
    assert lua.tick(T + following) == 1


def test_a_clock_step_back_is_recorded(lua: Lua) -> None:
    lua.put("a", every=1)
    go_ahead_and_back(lua)
    stats = lua.client.hgetall(lua.keys.stats)
    assert (stats["clock_back_by"], stats["clock_back_at"]) == (str((HOUR - 20) * 1000), str(MS + 20_000))
    ((_, entry),) = lua.client.xrevrange(lua.keys.history, count=1)
    assert (entry["what"], entry["note"]) == ("clock", "Redis went back by 3580 s")


def test_a_job_that_was_put_for_later_stays_where_it_is(lua: Lua) -> None:
    lua.put("tick", every=1)
    lua.put("later", at=T + 2 * HOUR)
    lua.put("starts", every=60, start=T + HOUR + 1800)
    go_ahead_and_back(lua)
    assert (due(lua, "later"), due(lua, "starts")) == (2 * HOUR, HOUR + 1800)


def test_a_paused_job_resumes_by_the_clock(lua: Lua) -> None:
    lua.put("tick", every=1)
    lua.put("a", every=5, start=T)
    lua.tick(T)
    lua.tick(T + HOUR)
    lua.jpause("a")
    lua.tick(T + 21)
    assert lua.jresume("a", now=T + 21) == MS + 25_000


def test_a_small_step_back_changes_nothing(lua: Lua) -> None:
    lua.put("a", every=60, start=T)
    lua.tick(T)
    lua.tick(T + 60)
    before = lua.everything()
    lua.tick(T + 55)
    assert lua.everything() == before


def test_a_large_board_is_corrected_over_several_ticks(lua: Lua) -> None:
    for number in range(1000):
        lua.put(f"j{number}", every=1, start=T)
    for now in (T, T + HOUR):
        while lua.tick(now):
            pass
    ticks = 0
    while (reply := lua.jtick(now=T + 20))[1] == MS + 20_000:
        ticks += 1
    assert ticks > 3
    assert reply[1] == MS + 21_000
    assert {score for _, score in lua.client.zrange(lua.keys.schedule, 0, -1, withscores=True)} == {
        MS + 21_000
    }


def test_alerts_follow_the_clock_again(lua: Lua) -> None:
    lua.jalert("put", "ops", "tell", "x", "when", "late 1m, dead", "burst", 1)
    lua.tick(T)
    lua.tick(T + HOUR)
    for _ in range(3):
        lua.push(now=T + HOUR)
        lua.jack(lua.held(now=T + HOUR)["token"], "dead", now=T + HOUR)
    assert len(lua.take("tell", count=9)) == 1  # the others are counted, until an hour later
    lua.tick(T + 20)
    assert len(lua.take("tell", count=9, now=T + 20)) == 1
    lua.push(now=T + 21)
    lua.tick(T + 90)
    (task,) = lua.take("tell", count=9, now=T + 90)
    assert '"kind":"late"' in task["options"]
