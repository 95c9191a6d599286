"""Moments as people say them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from jobs_core.errors import OptionError
from jobs_core.why.moment import read_moment

NOW = datetime(2026, 12, 2, 11, 30, tzinfo=UTC).timestamp()
"""A Wednesday, 12:30 in Brussels."""


@pytest.fixture(autouse=True)
def brussels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this machine be in Brussels."""
    monkeypatch.setenv("TZ", "Europe/Brussels")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("tue 03:00", "2026-12-01T03:00:00+01:00"),
        ("Tuesday 03:00", "2026-12-01T03:00:00+01:00"),
        ("wed 12:30", "2026-12-02T12:30:00+01:00"),
        ("wed 12:31", "2026-11-25T12:31:00+01:00"),
        ("thu 00:00:05", "2026-11-26T00:00:05+01:00"),
        ("next wed 12:30", "2026-12-09T12:30:00+01:00"),
        ("next wed 12:31", "2026-12-02T12:31:00+01:00"),
        ("next mon", "2026-12-07T00:00:00+01:00"),
        ("03:00", "2026-12-02T03:00:00+01:00"),
        ("13:00", "2026-12-01T13:00:00+01:00"),
        ("today", "2026-12-02T00:00:00+01:00"),
        ("today 18:00", "2026-12-02T18:00:00+01:00"),
        ("yesterday 8:30", "2026-12-01T08:30:00+01:00"),
        ("tomorrow 08:30", "2026-12-03T08:30:00+01:00"),
        ("now", "2026-12-02T12:30:00+01:00"),
        ("-2h", "2026-12-02T10:30:00+01:00"),
        ("-1h30m", "2026-12-02T11:00:00+01:00"),
        ("+1d", "2026-12-03T12:30:00+01:00"),
        ("2026-12-01T08:00:00Z", "2026-12-01T09:00:00+01:00"),
        ("2026-12-01T08:00", "2026-12-01T09:00:00+01:00"),
        ("2026-12-01 08:00+01:00", "2026-12-01T08:00:00+01:00"),
        ("2026-12-01", "2026-12-01T01:00:00+01:00"),
        ("1796112000", "2026-12-01T09:00:00+01:00"),
    ],
)
def test_a_moment_is_read(text: str, expected: str) -> None:
    assert read_moment(text, NOW) == datetime.fromisoformat(expected).timestamp()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tue 03:00", "2026-12-01T03:00:00+09:00"),
        ("20:00", "2026-12-02T20:00:00+09:00"),
        ("2026-12-01T08:00", "2026-12-01T08:00:00+09:00"),
        ("2026-12-01T08:00Z", "2026-12-01T08:00:00+00:00"),
        ("-2h", "2026-12-02T10:30:00+01:00"),
    ],
)
def test_a_moment_is_read_by_the_clock_of_a_zone(text: str, expected: str) -> None:
    assert read_moment(text, NOW, ZoneInfo("Asia/Tokyo")) == datetime.fromisoformat(expected).timestamp()


def test_numbers_and_datetimes_are_moments() -> None:
    assert read_moment(1796112000, NOW) == 1796112000
    assert read_moment(datetime(2026, 12, 1, tzinfo=UTC), NOW) == 1796083200


def test_a_day_is_counted_on_the_wall_clock_over_a_clock_change() -> None:
    monday = datetime(2026, 10, 26, 12, tzinfo=UTC).timestamp()
    assert read_moment("sat 12:00", monday) == datetime.fromisoformat("2026-10-24T12:00+02:00").timestamp()


@pytest.mark.parametrize(
    "text",
    ["", "soon", "tu 03:00", "25:00", "03:60", "next 03:00", "next today", "2026-13-01", "-2x", "3", "+1e9w"],
)
def test_anything_else_is_rejected(text: str) -> None:
    with pytest.raises(OptionError, match=r"^at: expected a time such as") as caught:
        read_moment(text, NOW)
    assert caught.value.option == "at"
