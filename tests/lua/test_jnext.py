"""JNEXT: the next runs of a job, or of options given inline."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import NotFoundError, OptionError
from jobs_core.engine import zones
from tests.lua.helpers import MS, Lua, T

DAY_MS = 86_400_000
MS_MIDNIGHT = MS // DAY_MS * DAY_MS
END = 7_258_118_400_000
"""2200-01-01, in ms."""


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
    options: dict[str, Any] = {"every": 7, "decay": 1.5, "step": 10, "stop": T + 99, "repeat": 6}
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
    end = 7_258_118_400
    lua.refuses(OptionError, "^at: expected a time before 2200", "JNEXT", "-", "at", end)
    assert lua.jnext("-", at=end - 1) == [(end - 1) * 1000]
    assert lua.jnext("-", every="1d", start=end - 86_400, count=9) == [(end - 86_400) * 1000]
    assert lua.jnext("-", every=1, decay=1000, step=1, count=9) == [MS, MS + 1_000, MS + 1_001_000]


@pytest.mark.parametrize("cron", ["0 0 * * *", "0 0 1-31 * *", "* * * * *", "0 0 1 * *", "0 0 1 1 *"])
def test_no_pattern_has_a_run_after_2199(lua: Lua, cron: str) -> None:
    zones.load(lua.board.commands)
    for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
        found = lua.jnext("-", cron=cron, zone=zone, **{"from": "2199-12-31T23:59"}, count=9)
        assert all(run < END for run in found)
        assert lua.jnext("-", cron=cron, zone=zone, **{"from": "2199-12-31T23:59:59"}) == []
        with pytest.raises(OptionError, match=r"^cron: .* never runs: no day before 2200 matches$"):
            lua.jnext("-", cron=cron, zone=zone, now="2199-12-31T23:59:59")


def test_a_run_comes_after_all_the_microseconds_of_now(lua: Lua) -> None:
    every_second = {"cron": "* * * * * *"}
    assert lua.jnext("-", **every_second, now="1699999999.999999") == [MS]
    assert lua.jnext("-", **every_second, now="1700000000.000001") == [MS + 1000]
    assert lua.jnext("-", **every_second, now="2023-11-14T22:13:19.9999999Z") == [MS]
    assert lua.jnext("-", **every_second, **{"from": "1699999999.999999"}) == [MS]
    assert lua.jnext("-", cron="* * * * * *", start="1699999999.9999", now=T - 60) == [MS]


def test_a_zone_begins_with_the_first_day_of_1970(lua: Lua) -> None:
    zones.load(lua.board.commands)
    found = {zone: lua.jnext("-", cron="0 0 * * *", zone=zone, now=0) for zone in ("America/New_York", "UTC")}
    assert found == {"America/New_York": [18_000_000], "UTC": [86_400_000]}
    assert lua.jnext("-", cron="0 0 1-31 * *", zone="America/New_York", now=0) == [18_000_000]
    assert lua.jnext("-", cron="30 18 * * *", zone="America/Lima", now=0) == [84_600_000]


# from


def test_from_may_be_past(lua: Lua) -> None:
    past = {"from": T - 7 * 86_400, "count": 2}
    assert lua.jnext("-", cron="0 0 * * *", **past) == [MS_MIDNIGHT - 6 * DAY_MS, MS_MIDNIGHT - 5 * DAY_MS]
    assert lua.jnext("-", every="1h", **past) == [MS - 7 * DAY_MS + 3_600_000, MS - 7 * DAY_MS + 7_200_000]
    assert lua.jnext("-", every="1h", start=T - 86_400, **past) == [MS - DAY_MS, MS - DAY_MS + 3_600_000]
    assert lua.jnext("-", at=T - 60, **past) == [MS - 60_000]
    assert lua.jnext("-", at=T - 60, **{"from": T - 60}) == []
    assert lua.jnext("-", cron="0 0 0 1 1 * 1999", **{"from": "1998-01-01"}) == [915_148_800_000]
    lua.refuses(OptionError, "^cron: .* never runs", "JNEXT", "-", "cron", "0 0 30 2 *", "from", T - 9)


def test_the_past_of_a_job_begins_with_its_start(lua: Lua) -> None:
    lua.put(every=60, start=T - 120, repeat=3)
    lua.tick(T)
    assert lua.jnext("a", **{"from": T - 900, "count": 4}) == [MS - 120_000, MS - 60_000, MS, MS + 60_000]
    lua.put("ended", every=60, start=T - 120, stop=T - 30)
    assert lua.jnext("ended", **{"from": T - 900, "count": 9}) == [MS - 120_000, MS - 60_000]
    lua.put("paused", every=60, start=T - 120, paused=1)
    assert lua.jnext("paused", **{"from": T - 61, "count": 9}) == [MS - 60_000, MS]


def test_without_from_runs_begin_now(lua: Lua) -> None:
    assert lua.jnext("-", every="1h") == [MS]
    assert lua.jnext("-", cron="* * * * * *") == [MS + 1000]


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
    lua.refuses(NotFoundError, "^there is no job 'b' on the board '[^']+'$", "JNEXT", "b")
    lua.refuses(NotFoundError, "^there is no job '' on the board '[^']+'$", "JNEXT")
