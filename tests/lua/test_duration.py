"""Durations, tested with the option `every` of JNEXT."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs_core import OptionError
from tests.lua.helpers import MS, Lua

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MONTH = 2_629_800_000  # 30.4375 days


def every(lua: Lua, text: str) -> int:
    """Return the ms between two runs."""
    first, second = lua.jnext("-", every=text, count=2)
    assert first == MS
    return int(second - first)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        # seconds
        ("5", 5000),
        ("5.", 5000),
        ("0.5", 500),
        (".25", 250),
        ("0.001", 1),
        ("0.0015", 2),
        ("007", 7000),
        # numbers with units
        ("250ms", 250),
        ("90s", 90_000),
        ("1m", MINUTE),
        ("1h30m", 90 * MINUTE),
        ("1.5h", 90 * MINUTE),
        ("2d", 2 * DAY),
        ("1w", 7 * DAY),
        ("1d12h30m15s500ms", DAY + 12 * HOUR + 30 * MINUTE + 15_500),
        ("30m1h", 90 * MINUTE),
        ("1second", 1000),
        ("1minute", MINUTE),
        ("1hour", HOUR),
        ("1day", DAY),
        ("1week", 7 * DAY),
        ("1month", MONTH),
        ("1quarter", 91 * DAY),
        ("1year", 12 * MONTH),
        # ISO 8601
        ("PT1H30M", 90 * MINUTE),
        ("PT0.5S", 500),
        ("P1D", DAY),
        ("P1W", 7 * DAY),
        ("P1M", MONTH),
        ("PT1M", MINUTE),
        ("P1Y", 12 * MONTH),
        ("P1Y2M3W4DT5H6M7.5S", 14 * MONTH + 25 * DAY + 5 * HOUR + 6 * MINUTE + 7500),
        ("100year", 1200 * MONTH),
    ],
)
def test_durations_are_parsed(lua: Lua, text: str, length: int) -> None:
    assert every(lua, text) == length


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", "x", "h", "-5", "+5", "1e3", "0x10", "1,5", "5 ", " 5", "5 m", "5_000"),
        *("5q", "5M", "1h30", "30m1", "1..5h", "1.2.3", "h1", "1hm", "1hours", "é", "5s\n"),
        *("P", "PT", "PT5", "P5", "P5H", "PT5D", "PT5Y", "pt5m", "P-5D", "P1.2.3D", "T5M", "PT1M2"),
        *(
            "P1M1M",
            "P1D1Y",
            "P1W1Y",
            "PT1S1H",
            "PT1M1M",
            "P1DT",
            "1h1h",
            "1m5s1minute",
            "nan",
            "inf",
            "1e400",
        ),
    ],
)
def test_an_invalid_duration_is_rejected_with_the_format(lua: Lua, text: str) -> None:
    says = "expected a duration such as 90, 1h30m or PT1H30M"
    lua.refuses(OptionError, says, "JSET", "a", "echo", "x", "every", text)


@pytest.mark.parametrize("text", ["P1M1M", "P1D1Y", "P1MT", "PnanM"])
def test_the_period_of_a_repeating_interval_is_as_strict(lua: Lua, text: str) -> None:
    says = f"^every: expected a duration such as 90, 1h30m or PT1H30M, got '{text}'$"
    lua.refuses(OptionError, says, "JSET", "a", "echo", "x", "every", f"R/{text}")


@pytest.mark.parametrize("text", ["200year", "P200Y", "9" * 30, "9" * 400])
def test_durations_over_a_hundred_years_are_rejected(lua: Lua, text: str) -> None:
    for option in ("every", "timeout"):
        says = f"^{option}: expected at most a hundred years, got '{text}'$"
        lua.refuses(OptionError, says, "JSET", "a", "echo", "x", option, text)


@pytest.mark.parametrize("text", ["0", "0s", "0.0004", "PT0S"])
def test_every_is_at_least_a_millisecond(lua: Lua, text: str) -> None:
    says = "^every: expected at least 0.001 seconds$"
    lua.refuses(OptionError, says, "JSET", "a", "echo", "x", "every", text)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    days=st.integers(0, 9),
    hours=st.integers(0, 99),
    minutes=st.integers(0, 99),
    millis=st.integers(1, 99_999),
)
def test_both_duration_formats_agree(lua: Lua, days: int, hours: int, minutes: int, millis: int) -> None:
    length = days * DAY + hours * HOUR + minutes * MINUTE + millis
    assert every(lua, f"{days}d{hours}h{minutes}m{millis}ms") == length
    assert every(lua, f"P{days}DT{hours}H{minutes}M{millis / 1000:.3f}S") == length
    assert every(lua, f"{length / 1000:.3f}") == length


@pytest.mark.parametrize("option", ["timeout", "lease", "backoff"])
def test_durations_for_workers_are_positive(lua: Lua, option: str) -> None:
    says = f"^{option}: expected more than 0, got '0'$"
    lua.refuses(OptionError, says, "JSET", "a", "echo", "x", option, "0")
    says = f"^{option}: expected a duration such as .*'soon'"
    lua.refuses(OptionError, says, "JSET", "a", "echo", "x", option, "soon")
