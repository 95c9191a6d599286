"""JPAUSE until and for: a tick resumes the job."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs_core import OptionError
from tests.lua.helpers import MS, Lua, T


def resumes(lua: Lua) -> dict[str, float]:
    return dict(lua.client.zrange(f"{lua.keys.tag}:resumes", 0, -1, withscores=True))


def test_a_tick_resumes_the_job_at_its_next_occurrence_from_then_on(lua: Lua) -> None:
    lua.put(every=60, start=T)
    lua.jpause("a", **{"for": "2m"}, by="ann", because="moving")
    job = lua.job()
    assert job["state"] == "paused" and job["paused-at"] == T and job["paused-until"] == T + 120
    assert (job["paused-by"], job["paused-because"]) == ("ann", "moving")
    assert lua.jtick(now=T + 119) == [0, MS + 120_000, MS + 119_000]
    lua.keep_ticking(T + 121)
    assert lua.jtick(now=T + 121) == [1, MS + 180_000, MS + 121_000]
    assert lua.ids() == [f"a@{MS + 120_000}"]
    assert "paused-by" not in lua.job() and resumes(lua) == {}


def test_it_is_recorded_without_an_author(lua: Lua) -> None:
    lua.put(every=60)
    lua.jpause("a", until=T + 30, by="ann")
    lua.tick(T + 40)
    change = json.loads(lua.jchanges(job="a")[1][0])
    assert (change["what"], change["by"], change["because"]) == ("resume", "-", "paused until now")
    assert change["before"]["paused-until"] == T + 30 and change["after"]["next"] == T + 60


def test_a_single_run_that_passed_meanwhile_does_not_run(lua: Lua) -> None:
    lua.put(at=T + 10)
    lua.jpause("a", until=T + 30)
    assert lua.tick(T + 40) == 0
    assert lua.job()["state"] == "ended"


def test_pausing_again_without_an_end_takes_the_end_away(lua: Lua) -> None:
    lua.put(every=60)
    lua.jpause("a", until=T + 30, because="one")
    assert lua.jpause("a", until=T + 30, because="one") == 0
    assert lua.jpause("a", until=T + 50, because="two") == 1
    assert resumes(lua) == {"a": MS + 50_000} and lua.job()["paused-because"] == "two"
    assert lua.jpause("a") == 1
    assert resumes(lua) == {} and "paused-until" not in lua.job()
    assert lua.tick(T + 60) == 0
    assert lua.jresume("a", now=T + 61) == MS + 120_000


def test_an_edit_keeps_the_pause(lua: Lua) -> None:
    lua.put(every=60, start=T)
    lua.jpause("a", until=T + 300, by="ann", because="moving")
    lua.jedit("a", every=100, start=T)
    lua.put("a", "y", every=100, start=T)
    assert resumes(lua) == {"a": MS + 300_000} and lua.job()["paused-because"] == "moving"
    lua.tick(T + 300)
    assert lua.ids() == [f"a@{MS + 300_000}"]


@pytest.mark.parametrize("how", ["resume", "remove", "put"])
def test_a_pause_that_ends_earlier_leaves_nothing(lua: Lua, how: str) -> None:
    lua.put(every=60)
    lua.jpause("a", until=T + 300)
    if how == "resume":
        lua.jresume("a", now=T + 1)
    elif how == "remove":
        lua.jdel("a")
    else:
        lua.put(every=60, paused=0)
    assert resumes(lua) == {}
    if how == "remove":
        lua.put(every=60)
        assert lua.job()["state"] == "scheduled"


def test_a_dump_has_the_pause(lua: Lua) -> None:
    lua.put(every=60)
    lua.jpause("a", until=T + 300, by="ann", because="moving")
    before = lua.job()
    dumped = list(lua.board.dump())
    lua.jdel("a")
    assert None in list(lua.board.load(job | {"now": T + 1} for job in dumped))
    assert lua.job() == before and resumes(lua) == {"a": MS + 300_000}
    lua.tick(T + 300)
    assert lua.ids() == [f"a@{MS + 300_000}"]


def test_a_board_file_keeps_the_pause(lua: Lua) -> None:
    lua.put(every=60)
    lua.jpause("a", until=T + 300, because="moving")
    stage = lua.japply("begin")
    lua.jstage(stage, "f", "adopt", 5, "a", "echo", "y", "every", 60)
    lua.japply("commit", stage, "f")
    lua.japply("roll")
    assert lua.job()["payload"] == "y" and lua.job()["paused-because"] == "moving"
    assert resumes(lua) == {"a": MS + 300_000}


def test_a_tick_resumes_some_and_the_next_ones_the_rest(lua: Lua) -> None:
    for n in range(250):
        lua.put(f"j{n}", every=1000, start=T + 10)
        lua.jpause(f"j{n}", until=T + 60 + n / 1000)
    ticks = 0
    while resumes(lua):
        before = len(resumes(lua))
        _, due, now = lua.jtick(now=T + 100)
        assert before - len(resumes(lua)) <= 40
        assert due <= now or not resumes(lua)
        ticks += 1
    assert ticks == 7
    assert {lua.job(f"j{n}")["next"] for n in range(250)} == {T + 1010}


def test_a_job_that_cannot_be_read_does_not_hold_up_the_others(lua: Lua) -> None:
    lua.put("bad", every=60)
    lua.put(every=60)
    lua.jpause("bad", until=T + 10)
    lua.jpause("a", until=T + 20)
    lua.client.hset(lua.keys.job, "bad", "nonsense")
    lua.tick(T + 30)
    assert resumes(lua) == {} and lua.job()["state"] == "scheduled"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"until": T - 1}, "until: expected a time that is yet to come"),
        ({"until": T + 9, "for": "2h"}, "until: cannot be combined with for"),
        ({"for": "soon"}, "for: "),
    ],
)
def test_an_end_is_checked(lua: Lua, options: dict[str, Any], says: str) -> None:
    lua.put(every=60)
    with pytest.raises(OptionError, match=says):
        lua.jpause("a", **options)
    assert lua.job()["state"] == "scheduled"
