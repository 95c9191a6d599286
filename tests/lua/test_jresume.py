"""JRESUME: schedule a paused job again."""

from __future__ import annotations

import pytest

from jobs_core import NotFoundError, OptionError
from tests.lua.helpers import MS, Lua, T


def test_a_job_resumes_on_its_grid(lua: Lua) -> None:
    lua.put(every=5)
    lua.jpause("a")
    assert lua.jresume("a", now=T + 23) == MS + 25_000
    assert (lua.job()["state"], lua.tick(T + 25)) == ("scheduled", 1)


def test_occurrences_during_a_pause_were_not_due(lua: Lua) -> None:
    lua.put(every=5)
    lua.jpause("a")
    lua.jresume("a", now=T + 23)
    lua.tick(T + 25)
    stats = lua.stats()
    assert (stats["due"], stats["coalesced"]) == (1, 0)


def test_a_job_that_is_not_paused_stays_as_it_is(lua: Lua) -> None:
    lua.put(every=5)
    lua.put("manual")
    before = lua.everything()
    assert lua.jresume("a", now=T + 99) == MS
    assert lua.jresume("manual") == 0
    assert lua.everything() == before


def test_a_job_with_no_runs_left_stays_ended(lua: Lua) -> None:
    lua.put("repeated", every=5, repeat=1)
    lua.put("stopped", every=5, stop=T + 3)
    lua.tick(T)
    for id in ("repeated", "stopped"):
        lua.jpause(id)
        assert lua.jresume(id, now=T + 9) == 0
        assert lua.job(id)["state"] == "ended"


def test_a_future_single_run_is_kept(lua: Lua) -> None:
    lua.put(at=T + 50)
    lua.jpause("a")
    assert lua.jresume("a", now=T + 20) == MS + 50_000


@pytest.mark.parametrize("already_ran", [True, False])
def test_a_past_single_run_is_dropped(lua: Lua, already_ran: bool) -> None:
    lua.put(at=T + 5)
    if already_ran:
        lua.tick(T + 5)
        lua.ids()
    lua.jpause("a")
    assert lua.jresume("a", now=T + 50) == 0
    assert lua.tick(T + 50) == 0


def test_a_queued_occurrence_is_not_repeated(lua: Lua) -> None:
    lua.put(every=5)
    lua.tick(T)
    lua.jpause("a")
    lua.jresume("a", now=T)
    lua.tick(T)
    assert lua.ids() == [f"a@{MS}"]


def test_resuming_wakes_a_clock_if_the_job_is_next(lua: Lua) -> None:
    lua.put("a", every=5)
    lua.put("b", every=9)
    lua.jpause("a")
    lua.forget_wakes()
    lua.jresume("a")
    assert lua.wakes() == ["wake"]


def test_invalid_arguments_are_rejected(lua: Lua) -> None:
    lua.put(paused=1)
    lua.refuses(NotFoundError, "^there is no job 'b' on the board '[^']+'$", "JRESUME", "b")
    lua.refuses(OptionError, "at: unknown option", "JRESUME", "a", "at", T)
    lua.refuses(OptionError, "now: expected a time such as .*, got 'noon'", "JRESUME", "a", "now", "noon")
