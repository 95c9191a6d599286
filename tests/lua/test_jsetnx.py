"""JSETNX: create a job, and fail if it exists."""

from __future__ import annotations

from jobs_core import ExistsError, OptionError
from tests.lua.helpers import MS, Lua, T


def test_jsetnx_creates_a_job_as_jset_does(lua: Lua) -> None:
    assert lua.jsetnx("a", "echo", "x", every=5, repeat=2, timeout=9) == MS
    lua.put("b", every=5, repeat=2, timeout=9)
    assert lua.job("a") == lua.job("b") | {"id": "a"}


def test_an_existing_id_is_rejected_and_unchanged(lua: Lua) -> None:
    lua.put("a", "old", every=5)
    lua.refuses(ExistsError, "^the job 'a' already exists$", "JSETNX", "a", "echo", "new", "now", T)
    assert lua.job()["payload"] == "old"


def test_a_paused_or_ended_job_exists_too(lua: Lua) -> None:
    lua.put("paused", every=5, paused=1)
    lua.put("ended", at=T, next="none")
    for id in ("paused", "ended"):
        lua.refuses(ExistsError, "already exists", "JSETNX", id, "echo", "x")


def test_an_id_can_be_reused_after_removal(lua: Lua) -> None:
    lua.put(every=5)
    lua.jdel("a")
    assert lua.jsetnx("a", "echo", "x", every=5) == MS


def test_jsetnx_rejects_what_jset_rejects(lua: Lua) -> None:
    lua.refuses(OptionError, "evry: unknown option", "JSETNX", "a", "echo", "x", "evry", 5)
