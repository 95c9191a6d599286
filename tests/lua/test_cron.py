"""Cron patterns: each clause of the Open Cron Pattern Specification 1.0 to 1.4, and extensions of Jobs."""

from __future__ import annotations

import shutil
import subprocess
from bisect import bisect
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from jobs_core import OptionError
from jobs_core.engine import zones
from tests.lua.helpers import Lua, T, ms
from tests.test_explain import REFUSED

START = datetime(2027, 1, 1, tzinfo=UTC)
"""A Friday."""


def runs(lua: Lua, cron: str, count: int = 4, start: datetime = START, **options: Any) -> list[str]:
    """The next runs, as `02-28 03:00` where the year is 2027, and the second is 0."""
    found = lua.jnext("-", cron=cron, count=count, now=start.timestamp(), **options)
    return [short(datetime.fromtimestamp(run / 1000, UTC)) for run in found]


def short(time: datetime) -> str:
    year = "" if time.year == 2027 else f"{time.year}-"
    return f"{year}{time:%m-%d %H:%M}{f':{time.second:02}' if time.second else ''}"


CLAUSES = {
    # 1.0: five fields, lists, ranges, steps, names, either of two days
    "30 4 * * *": ["01-01 04:30", "01-02 04:30", "01-03 04:30", "01-04 04:30"],
    " \t30  4 *\t* * ": ["01-01 04:30", "01-02 04:30", "01-03 04:30", "01-04 04:30"],
    "0,15,30,45 0 * * *": ["01-01 00:15", "01-01 00:30", "01-01 00:45", "01-02 00:00"],
    "0 9-11 * * *": ["01-01 09:00", "01-01 10:00", "01-01 11:00", "01-02 09:00"],
    "5-59/15 * * * *": ["01-01 00:05", "01-01 00:20", "01-01 00:35", "01-01 00:50"],
    "*/25 * * * *": ["01-01 00:25", "01-01 00:50", "01-01 01:00", "01-01 01:25"],
    "10-20/5,40 0 * * *": ["01-01 00:10", "01-01 00:15", "01-01 00:20", "01-01 00:40"],
    "0 0 1 jan,JUL *": ["07-01 00:00", "2028-01-01 00:00", "2028-07-01 00:00", "2029-01-01 00:00"],
    "0 0 1 FEB-apr *": ["02-01 00:00", "03-01 00:00", "04-01 00:00", "2028-02-01 00:00"],
    "0 0 * * mon": ["01-04 00:00", "01-11 00:00", "01-18 00:00", "01-25 00:00"],
    "0 0 * * 0": ["01-03 00:00", "01-10 00:00", "01-17 00:00", "01-24 00:00"],
    "0 0 * * 7": ["01-03 00:00", "01-10 00:00", "01-17 00:00", "01-24 00:00"],
    "0 0 * * SUN": ["01-03 00:00", "01-10 00:00", "01-17 00:00", "01-24 00:00"],
    "0 0 * * SAT-SUN": ["01-02 00:00", "01-03 00:00", "01-09 00:00", "01-10 00:00"],
    "0 0 * * 5-7": ["01-02 00:00", "01-03 00:00", "01-08 00:00", "01-09 00:00"],
    "0 12 1 * MON": ["01-01 12:00", "01-04 12:00", "01-11 12:00", "01-18 12:00"],
    "0 0 31 * *": ["01-31 00:00", "03-31 00:00", "05-31 00:00", "07-31 00:00"],
    "0 0 29 2 *": ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00", "2040-02-29 00:00"],
    # 1.1: nicknames
    "@yearly": ["2028-01-01 00:00", "2029-01-01 00:00", "2030-01-01 00:00", "2031-01-01 00:00"],
    "@annually": ["2028-01-01 00:00", "2029-01-01 00:00", "2030-01-01 00:00", "2031-01-01 00:00"],
    "@monthly": ["02-01 00:00", "03-01 00:00", "04-01 00:00", "05-01 00:00"],
    "@weekly": ["01-03 00:00", "01-10 00:00", "01-17 00:00", "01-24 00:00"],
    "@daily": ["01-02 00:00", "01-03 00:00", "01-04 00:00", "01-05 00:00"],
    "@midnight": ["01-02 00:00", "01-03 00:00", "01-04 00:00", "01-05 00:00"],
    "@hourly": ["01-01 01:00", "01-01 02:00", "01-01 03:00", "01-01 04:00"],
    # 1.2: seconds and years
    "* * * * * *": ["01-01 00:00:01", "01-01 00:00:02", "01-01 00:00:03", "01-01 00:00:04"],
    "15 10 4 * * *": ["01-01 04:10:15", "01-02 04:10:15", "01-03 04:10:15", "01-04 04:10:15"],
    "*/40 59 23 * * *": ["01-01 23:59", "01-01 23:59:40", "01-02 23:59", "01-02 23:59:40"],
    "0 0 12 1 1 * 2027-2030": [f"{year}01-01 12:00" for year in ("", "2028-", "2029-", "2030-")],
    "0 0 0 1 1 * */2": ["2028-01-01 00:00", "2030-01-01 00:00", "2032-01-01 00:00", "2034-01-01 00:00"],
    "0 0 0 1 1 * 1971-2199/2": [f"{year}-01-01 00:00" for year in (2029, 2031, 2033, 2035)],
    "0 0 0 1 6 * 2027,2199": ["06-01 00:00", "2199-06-01 00:00"],
    # 1.3: L, # and W
    "0 0 L * *": ["01-31 00:00", "02-28 00:00", "03-31 00:00", "04-30 00:00"],
    "0 0 1,L 2 *": ["02-01 00:00", "02-28 00:00", "2028-02-01 00:00", "2028-02-29 00:00"],
    "0 0 * * 5L": ["01-29 00:00", "02-26 00:00", "03-26 00:00", "04-30 00:00"],
    "0 0 * * FRI#L": ["01-29 00:00", "02-26 00:00", "03-26 00:00", "04-30 00:00"],
    "0 0 * * 5#L": ["01-29 00:00", "02-26 00:00", "03-26 00:00", "04-30 00:00"],
    "0 0 * * MON#1": ["01-04 00:00", "02-01 00:00", "03-01 00:00", "04-05 00:00"],
    "0 0 * * 2#3": ["01-19 00:00", "02-16 00:00", "03-16 00:00", "04-20 00:00"],
    "0 0 * * 7#5": ["01-31 00:00", "05-30 00:00", "08-29 00:00", "10-31 00:00"],
    "0 0 * * MON#1,FRI#L": ["01-04 00:00", "01-29 00:00", "02-01 00:00", "02-26 00:00"],
    "0 12 15W * *": ["01-15 12:00", "02-15 12:00", "03-15 12:00", "04-15 12:00"],
    "0 0 16W 1-5 *": ["01-15 00:00", "02-16 00:00", "03-16 00:00", "04-16 00:00"],  # a Saturday in January
    "0 0 17W 1-5 *": ["01-18 00:00", "02-17 00:00", "03-17 00:00", "04-16 00:00"],  # a Sunday in January
    "0 0 1W 5,8 *": [
        "05-03 00:00",
        "08-02 00:00",
        "2028-05-01 00:00",
        "2028-08-01 00:00",
    ],  # within the month
    "0 0 31W 1,2,10 *": ["01-29 00:00", "10-29 00:00", "2028-01-31 00:00", "2028-10-31 00:00"],
    "0 0 LW * *": ["01-29 00:00", "02-26 00:00", "03-31 00:00", "04-30 00:00"],
    # 1.4: both of two days, and ?
    "0 12 1 * +MON": ["02-01 12:00", "03-01 12:00", "11-01 12:00", "2028-05-01 12:00"],
    "0 0 13 * +FRI": ["08-13 00:00", "2028-10-13 00:00", "2029-04-13 00:00", "2029-07-13 00:00"],
    "0 0 ? * MON": ["01-04 00:00", "01-11 00:00", "01-18 00:00", "01-25 00:00"],
    "0 0 1 * ?": ["02-01 00:00", "03-01 00:00", "04-01 00:00", "05-01 00:00"],
}


@pytest.mark.parametrize("pattern", CLAUSES)
def test_every_clause_of_the_specification(lua: Lua, pattern: str) -> None:
    assert runs(lua, pattern) == CLAUSES[pattern]


@pytest.mark.parametrize("pattern", [pattern for pattern in REFUSED if "\t" not in pattern])
def test_invalid_patterns_are_rejected_as_by_explain(lua: Lua, pattern: str) -> None:
    with pytest.raises(OptionError) as caught:
        lua.jnext("-", cron=pattern)
    assert str(caught.value).startswith(f"cron: {REFUSED[pattern]}")
    assert repr(pattern) in str(caught.value)
    assert caught.value.option == "cron"


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "60 * * * *",
            "* * 32 * *",
            "/30 * * * *",
            "0/15 * * * *",
            "10/10 * * * *",
            "-5 * * * *",
            "5- * * * *",
        ),
        *(
            "* * * * MON-",
            "* * * foo *",
            "* * * * *  * * *",
            "@Daily",
            "@daily *",
            "* * l * *",
            "* * 15w * *",
        ),
        *(
            "* * 1-15W * *",
            "* * W * *",
            "* * * * L",
            "* * * * 5l",
            "* * * * MON#0",
            "* * * * MON#x",
            "* L * * *",
        ),
        *(
            "* * +1 * *",
            "+5 * * * *",
            "* * * * MON,+TUE",
            "? * * * *",
            "* ? * * *",
            "* * * ? *",
            "1.5 * * * *",
        ),
        *(
            "* * * * 1#2#3",
            "0 0 0 1 1 * 2200",
            "0 0 0 1 1 * H",
            "*\n* * * *",
            "\N{EM SPACE}* * * * *",
            "** * * * *",
        ),
        *(
            "*-5 * * * *",
            "1-2-3 * * * *",
            "*/5/2 * * * *",
            "h * * * *",
            "H-5 * * * *",
            "* * 32W * *",
            "1;2 * * * *",
        ),
    ],
)
def test_what_the_specification_rejects_is_rejected(lua: Lua, pattern: str) -> None:
    lua.refuses(OptionError, "^cron: ", "JSET", "a", "echo", "x", "cron", pattern)


def test_reboot_is_rejected(lua: Lua) -> None:
    lua.refuses(OptionError, "^cron: @reboot is not supported", "JSET", "a", "echo", "x", "cron", "@reboot")


@pytest.mark.parametrize(
    "pattern",
    [
        "0 0 31 2 *",
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "0 0 0 1 1 * 1999",
        "0 0 0 29 2 * 2027",
        "0 0 0 30W 2 * 2028",
    ],
)
def test_a_pattern_that_never_matches_is_rejected(lua: Lua, pattern: str) -> None:
    lua.refuses(
        OptionError,
        "never runs: no day before 2200 matches",
        "JSET",
        "a",
        "echo",
        "x",
        "cron",
        pattern,
        "now",
        START.timestamp(),
    )
    with pytest.raises(OptionError, match="never runs: no day before 2200 matches"):
        runs(lua, pattern)


def test_the_rarest_patterns_are_found(lua: Lua) -> None:
    assert runs(lua, "30 2 29 2 +MON", 2) == ["2044-02-29 02:30", "2072-02-29 02:30"]
    assert runs(lua, "59 59 23 31 12 +TUE 2199") == ["2199-12-31 23:59:59"]
    assert runs(lua, "0 0 * 2 MON#5", 2) == ["2044-02-29 00:00", "2072-02-29 00:00"]


# Day fields


def test_the_rules_for_two_days(lua: Lua) -> None:
    assert runs(lua, "0 0 */2 * MON", 3) == ["01-11 00:00", "01-25 00:00", "02-01 00:00"]
    assert runs(lua, "0 0 */2 * MON", 3, dst="ocps") == ["01-03 00:00", "01-04 00:00", "01-05 00:00"]
    assert runs(lua, "0 0 */2 * +MON", 2, dst="ocps") == ["01-11 00:00", "01-25 00:00"]


# H


def test_h_is_the_same_for_a_job_and_spreads_jobs(lua: Lua) -> None:
    def first(id: str, cron: str) -> str:
        return runs(lua, cron, 1, id=id)[0]

    assert first("a", "H H * * *") == first("a", "H H * * *")
    assert len({first(f"job-{n}", "H H * * *") for n in range(100)}) > 80
    minutes = {first(f"job-{n}", "H * * * *")[-2:] for n in range(600)}
    assert len(minutes) == 60
    assert {int(first(f"job-{n}", "H(10-12) * * * *")[-2:]) for n in range(60)} == {10, 11, 12}


def test_h_with_a_step_begins_where_the_id_says(lua: Lua) -> None:
    found = [int(run[-2:]) for run in runs(lua, "H/15 * * * *", 8, id="a")]
    assert len(set(found)) == 4 and all(b - a in (15, -45) for a, b in pairwise(found))
    assert {int(run[-2:]) % 10 for run in runs(lua, "H(0-29)/10 * * * *", 6, id="b")} == {
        int(runs(lua, "H(0-29)/10 * * * *", 1, id="b")[0][-2:]) % 10
    }


def test_h_in_the_day_field_exists_in_every_month(lua: Lua) -> None:
    for number in range(50):
        found = runs(lua, "0 0 H * *", 12, id=f"job-{number}")
        days = {int(run[-8:-6]) for run in found}
        assert len(days) == 1 and max(days) <= 28


def test_a_job_runs_when_its_h_says(lua: Lua) -> None:
    (foreseen,) = lua.jnext("-", cron="H H * * *", id="a")
    assert lua.put("a", cron="H H * * *") == foreseen
    lua.tick(ms(foreseen))
    assert lua.jnext("a") == [foreseen + 86_400_000]


# Jobs


def test_a_job_runs_at_its_times(lua: Lua) -> None:
    base = T // 3600 * 3600 + 3600
    assert lua.put(cron="0 * * * *") == base * 1000
    lua.tick(base - 1)
    lua.tick(base)
    lua.tick(base + 1800)
    lua.tick(base + 3600)
    assert lua.ids() == [f"a@{base * 1000}", f"a@{(base + 3600) * 1000}"]


def test_start_stop_and_repeat_apply(lua: Lua) -> None:
    options = {"cron": "0 0 * * *", "now": START.timestamp()}
    assert runs(lua, "0 0 * * *", 9, start=START, stop="2027-01-03") == ["01-02 00:00", "01-03 00:00"]
    assert lua.jnext("-", **options, start="2027-06-01", count=1) == [
        int(datetime(2027, 6, 1, tzinfo=UTC).timestamp() * 1000)
    ]
    assert len(lua.jnext("-", **options, repeat=3, count=9)) == 3


def test_an_update_keeps_the_run_times(lua: Lua) -> None:
    due = lua.put(cron="0 * * * *", repeat=5)
    lua.tick(ms(due))
    lua.put(cron="0  * * * * ", repeat=5, timeout=9, now=ms(due + 1))
    assert (lua.jnext("a"), lua.job()["left"]) == ([due + 3_600_000], 4)
    lua.put(cron="30 * * * *", repeat=5, now=ms(due + 1))
    assert (lua.jnext("a"), lua.job()["left"]) == ([due + 1_800_000], 5)


def test_jget_output_can_be_put_again(lua: Lua) -> None:
    zones.load(lua.board.commands)
    lua.put(cron="0 3 * * MON#1", zone="Europe/Brussels", dst="ocps")
    shown = {name: lua.job()[name] for name in ("cron", "zone", "dst")}
    assert shown == {"cron": "0 3 * * MON#1", "zone": "Europe/Brussels", "dst": "ocps"}
    lua.put("b", **shown)
    assert lua.jnext("a", count=9) == lua.jnext("b", count=9)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"cron": "* * * * *", "every": 5}, "^cron: cannot be combined with every"),
        ({"cron": "* * * * *", "at": T}, "^at: cannot be combined with cron"),
        ({"cron": "* * * * *", "decay": 2}, "^decay: cannot be combined with cron"),
        ({"every": 5, "zone": "UTC"}, "^zone: applies only with cron"),
        ({"every": 5, "dst": "ocps"}, "^dst: applies only with cron"),
        ({"cron": "* * * * *", "dst": "none"}, "^dst: expected vixie or ocps, got 'none'"),
        ({"cron": "1," * 200 + "1 * * * *"}, "^cron: expected at most 256 bytes, got"),
    ],
)
def test_contradictory_options_are_rejected(lua: Lua, options: dict[str, Any], says: str) -> None:
    pairs = [part for pair in options.items() for part in pair]
    lua.refuses(OptionError, says, "JSET", "a", "echo", "x", *pairs)


@pytest.mark.parametrize(
    ("pattern", "zone"),
    [
        ("* * * * *", "UTC"),
        ("*/7 * * * *", "Europe/Brussels"),
        ("30 2 * * *", "Europe/Brussels"),
        ("0,30 1-3 * * *", "America/New_York"),
        ("*/10 */5 L * MON", "Australia/Lord_Howe"),
        ("15 10 4 * * MON-FRI", "Asia/Kathmandu"),
        ("H H * * *", "Antarctica/Troll"),
    ],
)
@pytest.mark.parametrize("days", [0.1, 3, 200])
def test_missed_occurrences_are_counted_exactly(lua: Lua, pattern: str, zone: str, days: float) -> None:
    zones.load(lua.board.commands)
    begin = int(datetime(2027, 3, 20, tzinfo=UTC).timestamp())
    due = lua.put(cron=pattern, zone=zone, now=begin)
    now = due // 1000 + int(days * 86400)
    expected, after = 0, due
    while True:
        page = lua.jnext("-", cron=pattern, zone=zone, id="a", now=ms(after), count=1000)
        missed = [run for run in page if run <= now * 1000]
        expected += len(missed)
        if len(missed) < 1000:
            break
        after = page[-1]
    lua.tick(now)
    assert lua.stats()["coalesced"] == expected
    assert lua.jnext("a")[0] > now * 1000


# Clock changes


def moments(zone: str) -> list[int]:
    """A few changes of a zone's clocks."""
    return [time for time, _ in zones.changes(zone) if 500_000_000 < time < 2_000_000_000][::9] or [
        1_699_999_980
    ]


def first_showings(zone: str, begin: int, end: int) -> dict[datetime, int]:
    """Return the wall clock time of each minute, with its first occurrence."""
    found: dict[datetime, int] = {}
    changes = zones.changes(zone)
    times = [time for time, _ in changes]
    for second in range(begin - 2 * 86400, end, 60):
        offset = changes[bisect(times, second) - 1][1]
        found.setdefault(datetime.fromtimestamp(second + offset, UTC), second)
    return {shown: second for shown, second in found.items() if second >= begin}


@pytest.mark.parametrize(
    "zone",
    [
        *("Europe/Brussels", "America/New_York", "America/Sao_Paulo", "Africa/Cairo", "Asia/Kolkata"),
        *("Australia/Lord_Howe", "Asia/Kathmandu", "Antarctica/Troll", "UTC"),
    ],
)
def test_ocps_omits_skipped_times_and_runs_repeated_times_once(lua: Lua, zone: str) -> None:
    zones.load(lua.board.commands)
    for change in moments(zone):
        begin, end = change - 86400, change + 86400
        showings = first_showings(zone, begin, end)
        for pattern, fits in (
            ("*/10 * * * *", lambda time: time.minute % 10 == 0),
            ("15,45 0-3 * * *", lambda time: time.minute in (15, 45) and time.hour <= 3),
            ("30 * * * *", lambda time: time.minute == 30),
        ):
            expected = [second * 1000 for shown, second in showings.items() if fits(shown)]
            found = lua.jnext("-", cron=pattern, zone=zone, dst="ocps", now=begin - 1, count=1000)
            assert [run for run in found if run < end * 1000] == expected, (pattern, change)


VIXIE = [
    (
        "Europe/Brussels",
        "30 2 * * *",
        "2027-03-27T12:00",
        ["03-28 01:00", "03-29 00:30"],
    ),  # at 03:00, after the gap
    (
        "Europe/Brussels",
        "0,30 2 * * *",
        "2027-03-27T12:00",
        ["03-28 01:00", "03-29 00:00"],
    ),  # once, not twice
    ("Europe/Brussels", "30 2 * * *", "2027-10-30T12:00", ["10-31 00:30", "11-01 01:30"]),  # the first of two
    (
        "Europe/Brussels",
        "30 * * * *",
        "2027-03-28T00:00",
        ["03-28 00:30", "03-28 01:30"],
    ),  # follows the clock
    ("Europe/Brussels", "30 * * * *", "2027-10-31T00:00", ["10-31 00:30", "10-31 01:30"]),  # twice
    ("Europe/Brussels", "*/30 2 * * *", "2027-03-27T12:00", ["03-29 00:00", "03-29 00:30"]),  # left out
    ("America/New_York", "30 2 * * *", "2027-03-13T12:00", ["03-14 07:00", "03-15 06:30"]),
    ("America/New_York", "30 1 * * *", "2027-11-06T12:00", ["11-07 05:30", "11-08 06:30"]),
    ("America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00", ["2018-11-04 03:00", "2018-11-05 02:00"]),
    ("America/Sao_Paulo", "30 0 * * *", "2018-11-03T12:00", ["2018-11-04 03:00", "2018-11-05 02:30"]),
    ("Africa/Cairo", "30 0 * * *", "2027-04-29T12:00", ["04-29 22:00", "04-30 21:30"]),
    ("Asia/Kolkata", "0 0 * * *", "2027-01-01T00:00", ["01-01 18:30", "01-02 18:30"]),
    ("Asia/Kathmandu", "0 0 * * *", "2027-01-01T00:00", ["01-01 18:15", "01-02 18:15"]),
    ("Australia/Lord_Howe", "15 2 * * *", "2027-10-02T12:00", ["10-02 15:30", "10-03 15:15"]),  # half an hour
    ("Antarctica/Troll", "30 1 * * *", "2027-03-27T12:00", ["03-28 01:00", "03-28 23:30"]),  # two hours
    ("UTC", "30 2 * * *", "2027-03-27T12:00", ["03-28 02:30", "03-29 02:30"]),
    # From three hours on, the clock is corrected: nothing runs late, and what comes twice runs twice.
    ("Pacific/Apia", "30 2 * * *", "2011-12-29T00:00", ["2011-12-29 12:30", "2011-12-30 12:30"]),
    ("Pacific/Apia", "*/30 2 * * *", "2011-12-29T12:45", ["2011-12-30 12:00", "2011-12-30 12:30"]),
    ("Antarctica/Casey", "30 3 * * *", "2011-10-27T19:00", ["2011-10-28 16:30", "2011-10-29 16:30"]),
    ("Antarctica/Casey", "30 0 * * *", "2010-03-04T13:00", ["2010-03-04 13:30", "2010-03-04 16:30"]),
]


@pytest.mark.parametrize(("zone", "pattern", "start", "expected"), VIXIE)
def test_vixie_runs_skipped_times_late_and_repeated_times_once(
    lua: Lua, zone: str, pattern: str, start: str, expected: list[str]
) -> None:
    zones.load(lua.board.commands)
    assert runs(lua, pattern, 2, datetime.fromisoformat(f"{start}+00:00"), zone=zone) == expected


@pytest.mark.skipif(shutil.which("redis-cli") is None, reason="no redis-cli")
def test_redis_cli_alone_puts_a_cron_job(lua: Lua) -> None:
    """Without Python, the next runs are the same."""
    lua.board.init()
    connection = lua.client.get_connection_kwargs()
    where = ["-s", connection["path"]] if "path" in connection else ["-p", str(connection["port"])]

    def cli(*words: str) -> str:
        command = ["redis-cli", *where, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    sha = cli("HGET", lua.keys.commands, "JSET")
    job = ["a", "echo", "x", "cron", "30 2 * * MON-FRI", "zone", "America/New_York"]
    first = cli("EVALSHA", sha, "1", lua.keys.tag, *job)
    found = lua.board.next(cron="30 2 * * MON-FRI", zone="America/New_York", count=20)
    assert lua.board.next("a", count=20) == found
    assert found[0] == datetime.fromtimestamp(int(first) / 1000, UTC)
