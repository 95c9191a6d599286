"""Cron patterns in English."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jobs_core import OptionError
from jobs_core.cron.days import ever_runs
from jobs_core.cron.explain import explain
from jobs_core.cron.forms import cron_warnings
from jobs_core.cron.pattern import parse
from tests.helpers import Jobs, lines, refused

SENTENCES = {
    "* * * * *": "Every minute.",
    "*/5 * * * *": "Every 5 minutes.",
    "*/7 * * * *": "At minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour.",
    "5 * * * *": "At minute 5 of every hour.",
    "0 * * * *": "Every hour.",
    "@hourly": "Every hour.",
    "0 */2 * * *": "Every 2 hours.",
    "@daily": "At 00:00 every day.",
    "0 3 * * *": "At 03:00 every day.",
    "30 8,12,18 * * *": "At 08:30, 12:30 and 18:30 every day.",
    "0 9-17 * * MON-FRI": "Every hour from 09:00 to 17:00, Monday to Friday.",
    "*/15 9-17 * * *": "Every 15 minutes from 09:00 to 17:45.",
    "* 9-17 * * *": "Every minute from 09:00 to 17:59.",
    "23 0-20/5 * * *": "At 00:23, 05:23, 10:23, 15:23 and 20:23 every day.",
    "* * * * * *": "Every second.",
    "*/10 * * * * *": "Every 10 seconds.",
    "10,20 * * * * *": "At seconds 10 and 20 of every minute.",
    "15 0 3 * * *": "At 03:00:15 every day.",
    "5 4 * * SUN": "At 04:05 on Sundays.",
    "0 22 * * 1-5": "At 22:00, Monday to Friday.",
    "0 0 * * 0,6": "At 00:00 on Saturdays and Sundays.",
    "0 0 * * FRI-SUN": "At 00:00, Friday to Sunday.",
    "0 3 * * MON#1": "At 03:00 on the first Monday of the month.",
    "0 3 * * MON#1,5L": "At 03:00 on the first Monday of the month and the last Friday of the month.",
    "0 3 * * FRI#L": "At 03:00 on the last Friday of the month.",
    "15 14 1 * *": "At 14:15 on the 1st of the month.",
    "0 0 1,15 * *": "At 00:00 on the 1st and 15th of the month.",
    "0 0 1-7 * *": "At 00:00 on the 1st to the 7th of the month.",
    "0 0 */2 * *": "At 00:00 on every 2nd day of the month, from the 1st on.",
    "0 0 L * *": "At 00:00 on the last day of the month.",
    "0 0 15W * *": "At 00:00 on the working day nearest to the 15th of the month.",
    "0 0 LW * *": "At 00:00 on the last working day of the month.",
    "0 12 1 * MON": "At 12:00 on the 1st of the month, and on Mondays.",
    "0 12 1 * +MON": "At 12:00 on the 1st of the month, if it is a Monday.",
    "0 0 */2 * MON": "At 00:00 on every 2nd day of the month, from the 1st on, if it is a Monday.",
    "30 2 29 2 +MON": "At 02:30 on the 29th of the month, if it is a Monday, in February.",
    "0 0 1 1 *": "At 00:00 on the 1st of January.",
    "0 0 1 */6 *": "At 00:00 on the 1st of January and July.",
    "5 0 * 8 *": "At 00:05 every day in August.",
    "0 0 1 MAR-OCT *": "At 00:00 on the 1st of the month from March to October.",
    "0 0 0 1 1 * 2027": "At 00:00 on the 1st of January in 2027.",
    "0 0 0 1 1 * 2027-2030": "At 00:00 on the 1st of January from 2027 to 2030.",
    "0 0 0 1 1 * */2": "At 00:00 on the 1st of January in every 2nd year from 1970 on.",
    "H H * * *": "At a minute that the job's id chooses of an hour that the job's id chooses.",
    "H(0-29) 3 * * *": "At a minute from 0 to 29 that the job's id chooses of hour 3.",
    "H/15 * * * *": "Every 15 minutes, beginning at one that the job's id chooses.",
    "H/15 * * * MON-FRI": "Every 15 minutes, beginning at one that the job's id chooses, Monday to Friday.",
    "0 0 ? * ?": "At 00:00 every day.",
    "  0   3 * *\t* ": "At 03:00 every day.",
    "0 0 1-31 * MON": "At 00:00 every day.",
    "0 0 */1 * MON": "At 00:00 on Mondays.",
    "0 0 1 * 0-6": "At 00:00 every day.",
    "0 0 * * Monday-Friday": "At 00:00, Monday to Friday.",
    "0 0 1 March *": "At 00:00 on the 1st of March.",
    "*/10 0 * * * *": "Every 10 seconds of minute 0 of every hour.",
    "*/45 * * * *": "At minutes 0 and 45 of every hour.",
    "H/45 * * * *": "At every 45th minute, beginning at one that the job's id chooses, of every hour.",
    "H/90 * * * *": "At a minute that the job's id chooses of every hour.",
    "0 0 1 * +H": "At 00:00 on the 1st of the month, if it is a weekday from Sunday to Saturday "
    "that the job's id chooses.",
    "0 0 0 1 1 * 2027,2029,2040": "At 00:00 on the 1st of January in 2027, 2029 and 2040.",
    "TZ=Europe/Brussels 0 3 * * *": "At 03:00 every day, Europe/Brussels time.",
    "CRON_TZ=UTC 0 3 * * *": "At 03:00 every day, UTC time.",
    "@every 90m": "Every 1h30m, counted from the start of the job.",
}


@pytest.mark.parametrize("pattern", SENTENCES)
def test_a_pattern_in_english(pattern: str) -> None:
    assert explain(pattern) == SENTENCES[pattern]


def test_the_sentence_includes_the_day_rule_and_the_zone() -> None:
    assert explain("0 0 */2 * MON", dst="ocps").endswith("from the 1st on, and on Mondays.")
    assert explain("0 3 * * *", zone="Europe/Brussels") == "At 03:00 every day, Europe/Brussels time."


REFUSED = {
    "61 * * * *": "minute: expected 0 to 59, got '61' in '61 * * * *'",
    "* 24 * * *": "hour: expected 0 to 23, got '24'",
    "* * 0 * *": "day-of-month: expected 1 to 31, got '0'",
    "* * * 13 *": "month: expected 1 to 12 or a name such as JAN, got '13'",
    "* * * * 8": "weekday: expected 0 to 7 or a name such as SUN, got '8'",
    "0 0 0 1 1 * 1969": "year: expected 1970 to 2199, got '1969'",
    "* * *": "expected 5 to 7 fields, got 3 in '* * *'",
    "": "expected 5 to 7 fields, got 0 in ''",
    "5/10 * * * *": "minute: expected a range before /, got '5/10' in '5/10 * * * *': write 5-59/10",
    "*/0 * * * *": "minute: expected a step of 1 or more after /, got '*/0'",
    "*/x * * * *": "minute: expected a step of 1 or more after /, got '*/x'",
    "30-10 * * * *": "minute: expected a range in ascending order, got '30-10' "
    "in '30-10 * * * *': write two ranges",
    "1,,2 * * * *": "minute: expected no empty item, got '1,,2'",
    "* * 1,15W * *": "day-of-month: expected '15W' alone, got a list",
    "* * * * MON#6": "weekday: expected 1 to 5 or L after #, got 'MON#6'",
    "x * * * *": "minute: expected 0 to 59, got 'x'",
    "H(3) * * * *": "minute: expected H, H(0-9), H/5 or H(0-9)/5, got 'H(3)'",
    "@fortnightly": "unknown nickname in '@fortnightly': write @hourly, @daily, @weekly, @monthly, @yearly "
    "or @every 5m",
    "0/15 * * * *": "minute: expected a range before /, got '0/15' in '0/15 * * * *': write */15",
    "0 0 L-3 * *": "day-of-month: expected L alone, got 'L-3' in '0 0 L-3 * *': write L for the last day, "
    "or a day such as 28",
    "0 12 1 1 * 2030": "expected a second before a pattern with a year in '0 12 1 1 * 2030': "
    "write 0 0 12 1 1 * 2030",
    "cron(0 12 * * ? *)": "cron(…) is not supported in 'cron(0 12 * * ? *)': "
    "write its fields with a second before them, 0 0 12 * * ? *",
    "cron(0 12 ? * 2-6 *)": "cron(…) is not supported in 'cron(0 12 ? * 2-6 *)': write its fields with a "
    "second before them, 0 0 12 ? * 2-6 *, and name the weekdays, which cron counts from SUN = 0",
    "rate(5 minutes)": "rate(…) is not supported in 'rate(5 minutes)': write @every 5m",
}


@pytest.mark.parametrize("pattern", REFUSED)
def test_an_invalid_pattern_is_rejected(pattern: str) -> None:
    with pytest.raises(OptionError) as caught:
        explain(pattern)
    assert str(caught.value).startswith(f"cron: {REFUSED[pattern]}")
    assert repr(pattern) in str(caught.value)
    assert caught.value.option == "cron"


def fields(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    ranges = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    steps = st.tuples(st.just("*") | ranges, st.integers(1, 9)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    items = number.map(str) | ranges | steps
    return st.sampled_from(["*", "H", "H/3"]) | st.lists(items, min_size=1, max_size=3).map(",".join)


days = fields(1, 31) | st.sampled_from(["L", "LW", "15W"])
weekdays = fields(0, 7) | st.sampled_from(["MON#1", "5L", "+MON", "+FRI#L", "MON-FRI"])
patterns = st.tuples(fields(0, 59), fields(0, 23), days, fields(1, 12), weekdays).map(" ".join)


@given(patterns)
def test_every_pattern_makes_one_plain_sentence(pattern: str) -> None:
    assume(ever_runs(parse(pattern), "vixie", date(2027, 1, 1)))
    sentence = explain(pattern, today=date(2027, 1, 1))
    assert re.fullmatch(r"[A-Z][A-Za-z0-9:,' ]*\.", sentence), sentence
    assert "  " not in sentence and ",," not in sentence and " ," not in sentence


def test_what_happens_where_clocks_change_is_said_where_it_is_unusual() -> None:
    zone = "Europe/Brussels"
    assert explain("0 * * * *", zone=zone) == "Every hour, Europe/Brussels time."
    assert explain("0 0-23 * * *", zone=zone).endswith("skipped times run late, and repeated times run once.")
    assert explain("0 * * * *", zone=zone, dst="ocps").endswith("do not run, and repeated times run once.")
    assert explain("*/7 1 * * *", zone=zone).endswith("do not run, and repeated times run twice.")


STEPS = {
    "*/90 * * * *": "minute: the step of '*/90' exceeds its range, 0 to 59, so only 0 matches",
    "H/90 * * * *": "minute: the step of 'H/90' exceeds its range, 0 to 59, so only one number matches",
    "0 */48 * * *": "hour: the step of '*/48' exceeds its range, 0 to 23, so only 0 matches",
    "0 0 10-20/12 * *": "day-of-month: the step of '10-20/12' exceeds its range, 10 to 20, so only 10 "
    "matches",
    "0 0 * * */8": "weekday: the step of '*/8' exceeds its range, 0 to 6, so only 0 matches",
    "TZ=UTC */120 * * * *": "minute: the step of '*/120' exceeds its range, 0 to 59, so only 0 matches",
}


@pytest.mark.parametrize("pattern", STEPS)
def test_a_step_beyond_its_range_is_warned_of(pattern: str, jobs: Jobs) -> None:
    bare = pattern.removeprefix("TZ=UTC ")
    assert cron_warnings({"cron": pattern}) == [f"cron: {STEPS[pattern]} in '{bare}'"]
    result = jobs("explain", pattern)
    assert result.stderr == f"warning: cron: {STEPS[pattern]} in '{bare}'\n"
    assert result.exit_code == 0
    (found,) = lines(jobs("explain", pattern, "--json"))
    assert found["warnings"] == cron_warnings({"cron": pattern})


def test_other_steps_are_not_warned_of() -> None:
    for pattern in (
        "*/60 * * * *",
        "*/45 * * * *",
        "0 */24 * * *",
        "0 0 */31 * *",
        "0 0 * * */7",
        "x",
        "@every 5m",
    ):
        assert cron_warnings({"cron": pattern}) == []
    assert cron_warnings({"every": 5}) == []


def test_explain_is_a_command(jobs: Jobs) -> None:
    assert jobs("explain", "0 3 * * MON#1").stdout == "At 03:00 on the first Monday of the month.\n"
    (found,) = lines(jobs("explain", "0 3 * * *", "--zone", "UTC", "--json"))
    assert found == {"pattern": "0 3 * * *", "explanation": "At 03:00 every day, UTC time."}
    refused(jobs("explain", "0 0 30 2 *"), "cron: '0 0 30 2 *' never runs: no day before 2200 matches")
    refused(jobs("explain", "@daily", "--zone", "Europe/Brusels"), "did you mean 'Europe/Brussels'?")
    refused(jobs("explain", "TZ=UTC @daily", "--zone", "Asia/Tokyo"), "zone: expected 'UTC', as in cron")
    refused(jobs("explain", "61 * * * *"), "cron: minute: expected 0 to 59, got '61' in '61 * * * *'")
