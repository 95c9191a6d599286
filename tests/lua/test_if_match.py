"""The etag of a job, and `if-match`: a change of what somebody else has changed meanwhile is rejected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jobs_core import ConflictError, NotFoundError, OptionError
from tests.lua.helpers import Lua, T

SCHEDULES: list[dict[str, Any]] = [
    {"every": 60},
    {"every": 60, "start": T + 500, "stop": T + 9000, "repeat": 9},
    {"every": 60, "decay": 2, "step": 3600},
    {"every": "R//P1M"},
    {"cron": "0 9 * * MON-FRI", "zone": "UTC", "jitter": 5, "misfire": "skip", "grace": 9},
    {"cron": "H H * * *", "start": T + 9},
    {"at": T + 99},
    {"after": "b,c", "on": "end", "join": "any"},
    {"cron": "@daily", "after": "b", "deadline": 60, "at-deadline": "run"},
    {},
]
WORK = {
    "timeout": 20, "lease": 60, "attempts": 4, "backoff": "linear 10 max 60 jitter", "retry-on": "503,5*",
    "description": "what\nit is for", "queue": "slow", "priority": 3, "concurrency": 2,
    "label": "team=a,tier=1",
}  # fmt: skip

CHANGES: list[Callable[[Lua, str], Any]] = [
    lambda lua, etag: lua.put("a", "y", **{"if-match": etag}),
    lambda lua, etag: lua.jedit("a", timeout=30, **{"if-match": etag}),
    lambda lua, etag: lua.jpause("a", **{"if-match": etag}),
    lambda lua, etag: lua.jresume("a", **{"if-match": etag}),
    lambda lua, etag: lua.jdel("a", "-", **{"if-match": etag}),
]
changes = pytest.mark.parametrize("change", CHANGES, ids=["JSET", "JEDIT", "JPAUSE", "JRESUME", "JDEL"])
schedules = pytest.mark.parametrize("schedule", SCHEDULES, ids=str)


def etag(lua: Lua, id: str = "a") -> str:
    """Return the etag of a job."""
    return str(lua.job(id)["etag"])


@schedules
def test_putting_the_same_job_again_keeps_the_etag(lua: Lua, schedule: dict[str, Any]) -> None:
    options = {**schedule, **WORK}
    lua.put(**options)
    first = etag(lua)
    lua.put(**dict(reversed(options.items())), now=T + 1)
    assert etag(lua) == first
    lua.jedit("a", timeout=20, now=T + 2)
    assert etag(lua) == first


@pytest.mark.parametrize("overlap", [{}, {"overlap": "skip"}])
def test_a_run_keeps_the_etag(lua: Lua, overlap: dict[str, str]) -> None:
    lua.put(every=60, repeat=9, **overlap)
    first = etag(lua)
    lua.tick(T)
    lua.jack(lua.held()["token"], "done")
    assert (lua.job()["left"], etag(lua)) == (8, first)
    lua.jpush("a")
    assert etag(lua) == first


@schedules
def test_a_pause_changes_the_etag_and_its_end_restores_it(lua: Lua, schedule: dict[str, Any]) -> None:
    lua.put(**schedule)
    first = etag(lua)
    lua.jpause("a")
    paused = etag(lua)
    lua.jpause("a", because="the database moves", **{"for": 60})
    explained = etag(lua)
    lua.jresume("a")
    assert len({first, paused, explained}) == 3
    assert etag(lua) == first


@pytest.mark.parametrize(
    "change",
    [
        *(
            {"every": 61},
            {"start": T - 60},
            {"repeat": 8},
            {"jitter": 5},
            {"overlap": "skip"},
            {"cron": "@daily"},
        ),
        *({"payload": "y"}, {"runner": "other"}, {"queue": "slow"}, {"priority": 1}, {"timeout": 21}),
        *({"timeout": ""}, {"description": "new"}, {"label": "team=b"}, {"keep": 60}, {"after": "b"}),
    ],
    ids=str,
)
def test_every_change_changes_the_etag(lua: Lua, change: dict[str, Any]) -> None:
    lua.put(every=60, timeout=20)
    before = etag(lua)
    lua.jedit("a", **change)
    assert etag(lua) != before


def test_a_board_file_changes_the_etag(lua: Lua) -> None:
    lua.put(every=60)
    before = etag(lua)
    lua.board.apply([{"id": "a", "runner": "echo", "payload": "y", "every": 60}], "board.yml", adopt=True)
    assert etag(lua) != before


@changes
def test_the_etag_that_was_read_permits_a_change(lua: Lua, change: Callable[[Lua, str], Any]) -> None:
    lua.put(every=60)
    before = lua.everything()
    change(lua, etag(lua))
    assert lua.everything() != before or lua.job()["state"] == "scheduled"


@changes
@pytest.mark.parametrize("other", ["", "0123456789abcdef"])
def test_another_etag_changes_nothing(lua: Lua, change: Callable[[Lua, str], Any], other: str) -> None:
    lua.put(every=60)
    before = lua.everything()
    with pytest.raises(ConflictError, match=r"^the job 'a' has changed since you read it: read it again$"):
        change(lua, other)
    assert lua.everything() == before


@changes
def test_of_two_changes_of_one_version_the_second_is_rejected(
    lua: Lua, change: Callable[[Lua, str], Any]
) -> None:
    lua.put(every=60)
    read = etag(lua)
    lua.jedit("a", timeout=7, **{"if-match": read})
    with pytest.raises(ConflictError):
        change(lua, read)
    assert (lua.job()["timeout"], lua.job()["state"]) == (7, "scheduled")


@pytest.mark.parametrize("name", ["JEDIT", "JPAUSE", "JRESUME"])
def test_a_job_that_is_gone_is_not_found(lua: Lua, name: str) -> None:
    lua.refuses(NotFoundError, "there is no job 'a'", name, "a", "if-match", "0")
    lua.refuses(NotFoundError, "there is no job 'a'", "JDEL", "a", "-", "if-match", "0")
    lua.refuses(ConflictError, "^the job 'a' has changed", "JSET", "a", "echo", "x", "if-match", "0")
    assert lua.jget("a") == [None]


def test_it_is_about_one_job(lua: Lua) -> None:
    lua.put()
    lua.put("b")
    says = "^if-match: only JSET and JEDIT take it$"
    lua.refuses(
        OptionError, "^if-match: expected one job, got 2$", "JDEL", "a", "b", "-", "if-match", etag(lua)
    )
    lua.refuses(OptionError, says, "JSETNX", "c", "echo", "x", "if-match", "0")
    (refused,) = lua.call("JMSET", "set", 5, "a", "echo", "x", "if-match", etag(lua))
    assert (type(refused), str(refused)) == (OptionError, "if-match: only JSET and JEDIT take it")
