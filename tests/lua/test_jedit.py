"""JEDIT: change some options of a job, and keep the others."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import NotFoundError, OptionError
from tests.lua.helpers import MS, Lua, T

FULL = {
    "timeout": 20, "lease": 60, "attempts": 4, "backoff": "linear 10 max 60 jitter", "retry-on": "503,5*",
    "description": "what it is for", "queue": "slow", "priority": 3, "concurrency": 2, "rate": "5/60",
    "keep": 3600,
}  # fmt: skip


def options(lua: Lua, id: str = "a") -> dict[str, Any]:
    """The options of a job, without its state."""
    found = lua.job(id)
    return {name: value for name, value in found.items() if name not in ("id", "next", "state", "etag")}


@pytest.mark.parametrize(
    "schedule",
    [
        {"every": 60},
        {"every": 60, "start": T + 500, "stop": T + 9000, "repeat": 9},
        {"every": 60, "decay": 2, "step": 3600},
        {"every": "R/2026-12-01T09:00:00+01:00/P1M"},
        {"cron": "0 9 * * MON-FRI", "zone": "UTC", "jitter": 5, "misfire": "skip", "grace": 9},
        {"at": T + 99},
        {"after": "b,c", "on": "end", "join": "any"},
        {},
    ],
)
def test_an_edit_keeps_what_it_does_not_name(lua: Lua, schedule: dict[str, Any]) -> None:
    due = lua.put(**FULL, **schedule)
    before = options(lua)
    assert lua.jedit("a", timeout=30, now=T + 1) == due
    assert options(lua) == before | {"timeout": 30}


def test_an_edit_of_the_payload_or_the_runner_keeps_the_schedule(lua: Lua) -> None:
    due = lua.put(every=60)
    assert lua.jedit("a", payload="other", runner="print", now=T + 1) == due
    assert (lua.job()["payload"], lua.job()["runner"]) == ("other", "print")
    lua.jedit("a", payload="")
    assert lua.job()["payload"] == ""


def test_an_empty_value_removes_an_option(lua: Lua) -> None:
    lua.put(every=60, **FULL)
    lua.jedit("a", timeout="", description="", queue="", **{"retry-on": ""})
    assert options(lua).keys().isdisjoint({"timeout", "description", "queue", "retry-on"})
    assert options(lua)["attempts"] == 4


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"cron": "0 9 * * *"}, {"cron": "0 9 * * *"}),
        ({"at": T + 99}, {"at": T + 99}),
        ({"after": "b"}, {"after": ["b"]}),
        ({"minutes": 5}, {"every": 300, "start": T}),
    ],
)
def test_another_schedule_replaces_the_old_one(
    lua: Lua, change: dict[str, Any], left: dict[str, Any]
) -> None:
    lua.put(every=60, decay=2, timeout=9) if "minutes" not in change else lua.put(every=60, timeout=9)
    lua.jedit("a", **change, now=T)
    assert options(lua) == {"runner": "echo", "payload": "x", "timeout": 9, **left}


def test_a_new_interval_of_a_cron_job_drops_its_zone(lua: Lua) -> None:
    lua.put(cron="0 9 * * *", dst="ocps")
    lua.jedit("a", every=60)
    assert "cron" not in options(lua) and "dst" not in options(lua)


def test_an_edit_of_the_schedule_computes_the_next_run(lua: Lua) -> None:
    lua.put(every=60)
    lua.tick(T)
    assert lua.jedit("a", every=100, now=T + 10) == MS + 100_000


def test_a_paused_job_stays_paused_and_a_finished_one_finished(lua: Lua) -> None:
    lua.put(every=60)
    lua.jpause("a")
    lua.jedit("a", timeout=9)
    lua.put("b", every=60, repeat=1)
    lua.tick(T)
    lua.jedit("b", timeout=9, now=T + 1)
    assert (lua.job("a")["state"], lua.job("b")["state"]) == ("paused", "ended")


def test_an_edit_stays_the_declaration(lua: Lua) -> None:
    due = lua.put(every=60)
    lua.jedit("a", timeout=9, now=T + 7)
    assert lua.put(every=60, now=T + 8) == due


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"evry": 5}, "^evry: unknown option$"),
        ({"every": "soon"}, "^every: expected a duration"),
        ({"left": 5}, "^left: unknown option$"),
        ({"policy": "none"}, "cannot be combined with policy none, which has no lease"),
    ],
)
def test_an_edit_that_is_rejected_changes_nothing(lua: Lua, change: dict[str, Any], says: str) -> None:
    lua.put(every=60, lease=9)
    before = lua.everything()
    with pytest.raises(OptionError, match=says):
        lua.jedit("a", **change)
    assert lua.everything() == before


def test_an_unknown_job_cannot_be_edited(lua: Lua) -> None:
    lua.refuses(NotFoundError, "^there is no job 'a' on the board '[^']+'$", "JEDIT", "a", "timeout", 9)
