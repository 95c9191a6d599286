"""ISO 8601 repeating intervals as values of `every`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs_core import OptionError
from tests.lua.helpers import Lua, T, ms


def runs(lua: Lua, every: str, count: int = 4, **options: Any) -> list[str]:
    """The next runs, as UTC."""
    found = lua.jnext("-", every=every, count=count, **options)
    return [datetime.fromtimestamp(run / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") for run in found]


def test_a_number_of_runs_a_start_and_an_interval(lua: Lua) -> None:
    assert runs(lua, "R3/2026-12-01T08:00:00Z/PT30M", 9) == [
        "2026-12-01T08:00:00",
        "2026-12-01T08:30:00",
        "2026-12-01T09:00:00",
    ]


def test_without_a_number_it_never_ends(lua: Lua) -> None:
    assert len(runs(lua, "R/2026-12-01T08:00:00Z/P1D", 1000)) == 1000


@pytest.mark.parametrize("every", ["R//PT1H", "R/PT1H"])
def test_without_a_start_it_begins_now(lua: Lua, every: str) -> None:
    assert lua.jnext("-", every=every, count=2) == [T * 1000, T * 1000 + 3_600_000]
    assert lua.jnext("-", every=every, start="+10") == [T * 1000 + 10_000]


def test_a_month_keeps_its_day_and_does_not_drift(lua: Lua) -> None:
    assert runs(lua, "R/2027-01-31T09:30:00Z/P1M", 6) == [
        "2027-01-31T09:30:00",
        "2027-02-28T09:30:00",
        "2027-03-31T09:30:00",
        "2027-04-30T09:30:00",
        "2027-05-31T09:30:00",
        "2027-06-30T09:30:00",
    ]


def test_a_leap_day_comes_again_after_four_years(lua: Lua) -> None:
    found = runs(lua, "R/2028-02-29T00:00:00Z/P1Y", 5)
    assert [run[:10] for run in found] == [
        "2028-02-29",
        "2029-02-28",
        "2030-02-28",
        "2031-02-28",
        "2032-02-29",
    ]


def test_a_period_of_months_and_days_and_hours(lua: Lua) -> None:
    assert runs(lua, "R/2027-01-31T00:00:00Z/P1M1DT2H", 3) == [
        "2027-01-31T00:00:00",
        "2027-03-01T02:00:00",
        "2027-04-02T04:00:00",
    ]


def test_months_are_counted_in_the_offset_of_start(lua: Lua) -> None:
    assert runs(lua, "R/2027-01-31T23:30:00-05:00/P1M", 3) == [
        "2027-02-01T04:30:00",
        "2027-03-01T04:30:00",
        "2027-04-01T04:30:00",
    ]


def reference(start: datetime, months: int, n: int) -> datetime:
    """Compute the nth occurrence independently: the last existing day, counting back from the 31st."""
    year, month = divmod(start.year * 12 + start.month - 1 + n * months, 12)
    for day in range(start.day, 27, -1):
        try:
            return start.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return start.replace(year=year, month=month + 1)


@pytest.mark.parametrize("months", [1, 2, 5, 12, 27])
@pytest.mark.parametrize("day", [1, 15, 28, 29, 30, 31])
def test_two_hundred_random_intervals(lua: Lua, months: int, day: int) -> None:
    start = datetime(2024, 1, day, 12, 34, 56, tzinfo=UTC)
    expected = [reference(start, months, n) for n in range(2400 // months)]
    expected = [time for time in expected if time.year < 2200][:200]
    found = lua.jnext(
        "-", every=f"R/{start:%Y-%m-%dT%H:%M:%SZ}/P{months}M", count=len(expected), now=start.timestamp()
    )
    assert found == [round(time.timestamp() * 1000) for time in expected]


def test_late_occurrences_are_counted(lua: Lua) -> None:
    lua.put(every="R/2024-01-31T00:00:00Z/P1M", now=datetime(2024, 1, 1, tzinfo=UTC).timestamp())
    lua.tick(datetime(2024, 8, 15, tzinfo=UTC).timestamp())
    assert lua.ledger() == {"coalesced": 6}
    (following,) = lua.jnext("a")
    assert datetime.fromtimestamp(following / 1000, UTC) == datetime(2024, 8, 31, tzinfo=UTC)


def test_each_occurrence_runs_once_in_order(lua: Lua) -> None:
    start = datetime(2024, 1, 30, tzinfo=UTC)
    every = "R20/2024-01-30T00:00:00Z/P1M"
    foreseen = lua.jnext("-", every=every, count=50, now=start.timestamp())
    lua.put(every=every, now=start.timestamp())
    for day in range(700):
        lua.tick((start + timedelta(days=day)).timestamp())
    assert lua.ids() == [f"a@{run}" for run in foreseen]
    assert len(foreseen) == 20


@pytest.mark.parametrize(
    "every",
    ["R5/2026-12-01T08:00:00+01:00/P1M", "R/2026-12-01T08:00:00Z/P1Y2M3DT4H", "R/2026-12-01T08:00:00Z/PT30M"],
)
def test_jget_output_can_be_put_again(lua: Lua, every: str) -> None:
    lua.put(every=every)
    shown = lua.job()
    kept = {name: shown[name] for name in ("every", "start", "repeat") if name in shown}
    lua.put("b", **kept)
    again = lua.job("b")
    assert {name: again[name] for name in kept} == kept
    assert lua.jnext("a", count=5) == lua.jnext("b", count=5)


def test_an_update_keeps_the_run_times(lua: Lua) -> None:
    every = "R5/2023-11-30T08:00:00Z/P1M"
    due = lua.put(every=every)
    lua.tick(ms(due))
    after = lua.jnext("a")
    lua.put(every=every, timeout=5, now=ms(due + 1))
    assert (lua.jnext("a"), lua.job()["left"]) == (after, 4)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"every": "R5/PT30M/2026-12-01T08:00:00Z"},
            "^every: expected a repeating interval such as .*, got 'R5/PT30M/2026-12-01T08:00:00Z'$",
        ),
        ({"every": "R5"}, "^every: expected a repeating interval such as .*, got 'R5'"),
        (
            {"every": "R/2026-12-01T08:00:00Z/P0.5M"},
            "^every: expected a repeating interval .*P0.5M'$",
        ),
        ({"every": "R/2026-12-01T08:00:00Z/PX"}, "^every: expected a duration such as .*, got 'PX'$"),
        ({"every": "R/yesterday/PT1H"}, "^every: expected a time such as .*, got 'yesterday'"),
        ({"every": "R0/PT1H"}, "^every: expected a whole number of at least 1, got '0'"),
        ({"every": "R5/PT1H", "repeat": 3}, "already says when the job starts"),
        ({"every": "R/2026-12-01T08:00:00Z/PT1H", "start": "+1h"}, "already says when the job starts"),
        ({"every": "R/P1M", "decay": 2}, "^decay: cannot be combined with an interval of months or years$"),
        ({"every": "R/P1M", "days": 2}, "^every: a repeating interval cannot be combined with seconds"),
        ({"every": "R/P101Y"}, "^every: expected at most a hundred years, got 'R/P101Y'$"),
    ],
)
def test_contradictory_options_are_rejected(lua: Lua, options: dict[str, Any], says: str) -> None:
    pairs = [part for pair in options.items() for part in pair]
    lua.refuses(OptionError, says, "JSET", "a", "echo", "x", *pairs)
