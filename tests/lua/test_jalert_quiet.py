"""Quiet hours in the nights in which clocks change."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.lua.helpers import Lua
from tests.lua.test_jalert import alert


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("quiet", "noticed", "told"),
    [
        ("22:00-07:00", "2026-10-23T23:00+02:00", "2026-10-24T07:00+02:00"),
        ("22:00-07:00", "2026-10-24T23:00+02:00", "2026-10-25T07:00+01:00"),
        ("22:00-07:00", "2027-03-27T23:00+01:00", "2027-03-28T07:00+02:00"),
        ("02:30-03:30", "2026-10-25T02:45+02:00", "2026-10-25T03:30+01:00"),
        ("02:30-03:30", "2026-10-25T02:45+01:00", "2026-10-25T03:30+01:00"),
        ("22:00-02:30", "2026-10-24T23:00+02:00", "2026-10-25T02:30+02:00"),
        ("22:00-02:30", "2026-10-25T02:10+01:00", "2026-10-25T02:30+01:00"),
        ("22:00-02:30", "2027-03-27T23:00+01:00", "2027-03-28T03:00+02:00"),  # there is no 02:30
        ("02:50-02:30", "2027-03-27T23:00+01:00", "2027-03-29T02:30+02:00"),  # nor anything else until 02:50
        ("22:00-07:00", "2026-10-25T08:00+01:00", "2026-10-25T08:00+01:00"),
    ],
)
def test_the_end_is_that_of_the_clock(lua: Lua, quiet: str, noticed: str, told: str) -> None:
    lua.board.init()  # with time zones
    alert(lua, "dead", quiet=quiet, zone="Europe/Brussels", now=seconds(noticed))
    task = lua.jalert("test", "a1", now=seconds(noticed))
    due = int(task.partition("@")[2].partition("-")[0]) / 1000
    assert datetime.fromtimestamp(due).astimezone() == datetime.fromisoformat(told)
