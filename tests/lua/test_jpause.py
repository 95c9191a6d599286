"""JPAUSE: stop scheduling a job."""

from __future__ import annotations

import pytest

from jobs_core import NotFoundError, OptionError
from tests.lua.helpers import MS, Lua, T


def test_a_paused_job_is_not_due(lua: Lua) -> None:
    lua.put(every=5)
    assert lua.jpause("a") == 1
    assert lua.jtick(now=T + 99) == [0, 0, MS + 99_000]
    assert lua.stats()["due"] == 0
    assert lua.jnext("a", count=3) == []


def test_pausing_it_again_changes_nothing(lua: Lua) -> None:
    lua.put(every=5)
    lua.jpause("a")
    before = lua.everything()
    assert lua.jpause("a") == 0
    assert lua.everything() == before


def test_it_keeps_everything_else_of_the_job(lua: Lua) -> None:
    lua.put("a", "x\ny", every=5, repeat=3, decay=2, timeout=9, queue="slow")
    lua.tick(T)
    before = lua.job()
    lua.jpause("a")
    paused = lua.job()
    assert before.pop("etag") != paused.pop("etag")
    del before["next"]
    assert paused == before | {"state": "paused", "paused-at": T}


def test_queued_tasks_still_run(lua: Lua) -> None:
    lua.put(every=5)
    lua.tick(T)
    lua.jpause("a")
    assert lua.ids() == [f"a@{MS}"]


def test_a_paused_job_runs_when_it_is_pushed(lua: Lua) -> None:
    lua.put(every=5)
    lua.jpause("a")
    task = lua.jpush("a", now=T + 1)
    assert lua.ids() == [task]
    assert lua.job()["state"] == "paused"


def test_a_job_that_is_not_there_cannot_be_paused(lua: Lua) -> None:
    lua.refuses(NotFoundError, "^there is no job 'a' on the board '[^']+'$", "JPAUSE", "a")


def test_a_pause_for_no_time_is_rejected(lua: Lua) -> None:
    lua.put(every=5)
    before = lua.everything()
    with pytest.raises(OptionError, match=r"^for: expected a duration above 0, got '0'"):
        lua.jpause("a", "for", "0")
    assert lua.everything() == before
