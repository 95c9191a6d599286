"""Times, tested with the option `at` of JNEXT."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs_core import OptionError
from tests.lua.helpers import MS, Lua

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def at(lua: Lua, text: str) -> int:
    (run,) = lua.jnext("-", at=text)
    return int(run)


def epoch(*parts: int) -> int:
    """The ms since the epoch of a date and time in UTC."""
    return round(datetime(*parts, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("0", 0),
        ("1800000000", 1_800_000_000_000),
        ("1800000000.25", 1_800_000_000_250),
        ("1800000000.0006", 1_800_000_000_001),
        ("+0", MS),
        ("+10", MS + 10_000),
        ("+10m", MS + 600_000),
        ("+1h30m", MS + 5_400_000),
        ("+PT1H", MS + 3_600_000),
        ("2026-12-01", epoch(2026, 12, 1)),
        ("2026-12-01Z", epoch(2026, 12, 1)),
        ("2026-12-01T08:00", epoch(2026, 12, 1, 8)),
        ("2026-12-01 08:00", epoch(2026, 12, 1, 8)),
        ("2026-12-01T08:00:30", epoch(2026, 12, 1, 8, 0, 30)),
        ("2026-12-01T08:00:30.5Z", epoch(2026, 12, 1, 8, 0, 30) + 500),
        ("2026-12-01T08:00Z", epoch(2026, 12, 1, 8)),
        ("2026-12-01T08:00+01:00", epoch(2026, 12, 1, 7)),
        ("2026-12-01T08:00-0530", epoch(2026, 12, 1, 13, 30)),
        ("2026-12-01T08:00:00+14", epoch(2026, 11, 30, 18)),
        ("2024-02-29", epoch(2024, 2, 29)),
        ("2000-02-29", epoch(2000, 2, 29)),
        ("1970-01-01", 0),
        ("2199-12-31T23:59:59.999Z", epoch(2200, 1, 1) - 1),
    ],
)
def test_times_are_parsed(lua: Lua, text: str, instant: int) -> None:
    assert at(lua, text) == instant


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "noon", "-5", "+", "+x", "+-5", "1e9", "0x10", "1.2.3", "12:00", "T12:00"),
        *("2026-12", "2026-1-1", "26-12-01", "2026-12-01T", "2026-12-01T8:00", "2026-12-01T08"),
        *("2026-02-29", "2100-02-29", "2026-13-01", "2026-00-01", "2026-12-00", "2026-12-32", "2026-04-31"),
        *("2026-12-01T24:00", "2026-12-01T08:60", "2026-12-01T08:00:60", "2026-12-01T08:00:5"),
        *("2026-12-01T08:00X", "2026-12-01T08:00 +1", "2026-12-01T08:00+1", "2026-12-01T08:00z"),
        *("2026-12-01T08:00[Europe/Brussels]", "2026-12-01t08:00", "20261201T080000Z"),
        *(
            "2026-12-01T08:00+99:00",
            "2026-12-01T08:00+24:00",
            "2026-12-01T08:00-01:60",
            "nan",
            "inf",
            "1e400",
        ),
    ],
)
def test_an_invalid_time_is_rejected_with_the_format(lua: Lua, text: str) -> None:
    lua.refuses(OptionError, "^at: expected a (time|duration) such as", "JSET", "a", "echo", "x", "at", text)


@pytest.mark.parametrize("text", ["1800000000000", "2200-01-01", "9999-12-31", "9" * 400])
def test_milliseconds_instead_of_seconds_are_detected(lua: Lua, text: str) -> None:
    says = r"^at: expected a time before 2200, in seconds, not milliseconds, got"
    lua.refuses(OptionError, says, "JSET", "a", "echo", "x", "at", text)


@pytest.mark.parametrize("text", ["1969-12-31", "0000-01-01", "1970-01-01T00:00+00:01"])
def test_no_time_lies_before_1970(lua: Lua, text: str) -> None:
    lua.refuses(OptionError, "^at: expected a time from 1970 on, got", "JSET", "a", "echo", "x", "at", text)


@pytest.mark.parametrize("option", ["start", "stop", "at", "now", "next"])
def test_every_option_that_is_a_time_names_itself(lua: Lua, option: str) -> None:
    every = () if option == "at" else ("every", "5")
    says = f"^{option}: expected a time such as .*, got 'noon'"
    lua.refuses(OptionError, says, "JSET", "a", "echo", "x", *every, option, "noon")


@QUICK
@given(st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30)), st.integers(-840, 840))
def test_a_time_is_read_as_python_reads_it(lua: Lua, local: datetime, offset: int) -> None:
    instant = local.replace(tzinfo=timezone(timedelta(minutes=offset)))
    text = instant.isoformat(timespec="milliseconds")
    assert at(lua, text) == round(datetime.fromisoformat(text).timestamp() * 1000)


def test_a_relative_time_counts_from_now(lua: Lua) -> None:
    assert lua.jnext("-", every=60, start="+10", stop="+1m", count=9) == [MS + 10_000]
