"""JNEXT: the next runs of a job, or of options given inline."""

from __future__ import annotations

import pytest

from jobs_core import NotFoundError, OptionError
from tests.lua.helpers import MS, Lua, T


def test_it_lists_the_next_runs_of_a_job(lua: Lua) -> None:
    lua.put(every=5)
    assert lua.jnext("a") == [MS]
    assert lua.jnext("a", count=3) == [MS, MS + 5_000, MS + 10_000]
    lua.tick(T)
    assert lua.jnext("a", count=2) == [MS + 5_000, MS + 10_000]


def test_it_lists_the_runs_that_options_describe(lua: Lua) -> None:
    assert lua.jnext("-", every="1h", start="+10m", count=2) == [MS + 600_000, MS + 4_200_000]
    assert lua.jnext("-", at="+10m", count=2) == [MS + 600_000]
    assert lua.jnext("-", count=2) == []


def test_the_listed_runs_match_the_actual_runs(lua: Lua) -> None:
    options = {"every": 7, "decay": 1.5, "step": 10, "stop": T + 99, "repeat": 6}
    foreseen = lua.jnext("-", **options, count=50)
    lua.put(**options)
    for second in range(120):
        lua.tick(T + second)
    assert lua.ids() == [f"a@{run}" for run in foreseen]


def test_the_list_ends_with_the_remaining_runs(lua: Lua) -> None:
    lua.put(every=5, repeat=3)
    lua.tick(T)
    assert lua.jnext("a", count=9) == [MS + 5_000, MS + 10_000]


def test_a_job_without_future_runs_has_an_empty_list(lua: Lua) -> None:
    lua.put("manual")
    lua.put("paused", every=5, paused=1)
    lua.put("ended", at=T, next="none")
    assert [lua.jnext(id, count=9) for id in ("manual", "paused", "ended")] == [[], [], []]


def test_reading_changes_nothing(lua: Lua) -> None:
    lua.put(every=5, repeat=9)
    before = lua.everything()
    lua.jnext("a", count=9)
    lua.jnext("-", every=5, count=9)
    assert lua.everything() == before


def test_a_thousand_runs_at_most(lua: Lua) -> None:
    assert len(lua.jnext("-", every=1, count=1000)) == 1000
    lua.refuses(
        OptionError, "^count: expected at most 1000, got 1001$", "JNEXT", "-", "every", 1, "count", 1001
    )


def test_no_run_comes_after_the_year_2199(lua: Lua) -> None:
    last = 7_258_118_400
    assert lua.jnext("-", at=last) == [last * 1000]
    assert lua.jnext("-", every="1d", start=last - 86_400, count=9) == [(last - 86_400) * 1000, last * 1000]
    assert lua.jnext("-", every=1, decay=1000, step=1, count=9) == [MS, MS + 1_000, MS + 1_001_000]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-", "every", "x"], "every: expected a duration such as 90, 1h30m or PT1H30M, got 'x'"),
        (["-", "every", 5, "count", 0], "count: expected a whole number of at least 1, got '0'"),
        (["-", "timeout", 5], "timeout: unknown option"),
        (["-", "every", 5, "now", "x"], "now: expected a time such as .*, got 'x'"),
        (["a", "every", 5], "every: unknown option"),
    ],
)
def test_invalid_arguments_are_rejected(lua: Lua, arguments: list[str], says: str) -> None:
    lua.put(every=5)
    lua.refuses(OptionError, says, "JNEXT", *arguments)


def test_a_missing_job_is_an_error(lua: Lua) -> None:
    lua.refuses(NotFoundError, "^there is no job 'b'$", "JNEXT", "b")
    lua.refuses(NotFoundError, "^there is no job ''$", "JNEXT")
