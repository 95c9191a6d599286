"""Every mistake in a crontab is reported with its location."""

from __future__ import annotations

import pytest

from jobs_core.crontab import read
from tests.crontab.helpers import said


@pytest.mark.parametrize(
    ("fields", "column", "sentence"),
    [
        ("60 * * * *", 1, "minute '60': expected 0-59"),
        ("0 24 * * *", 3, "hour '24': expected 0-23"),
        ("0 0 0 * *", 5, "day-of-month '0': expected 1-31"),
        ("0 0 * 13 *", 7, "month '13': expected 1-12"),
        ("0 0 * * 1,8", 11, "weekday '8': expected 0-7"),
        ("4294967301 * * * *", 1, "minute '4294967301': expected 0-59"),
        ("5/10 * * * *", 1, "minute '5/10': a step needs a range; write 5-59/10"),
        ("*/0 * * * *", 1, "minute '*/0': expected a step of 1 or more"),
        ("1,,2 * * * *", 3, "minute: empty item; separate numbers with single commas"),
        (
            "0 22-3 * * *",
            3,
            "hour '22-3': the range ends before it begins, so cron never runs it; write two ranges",
        ),
        (
            "0 0 * * sat-sun",
            9,
            "weekday 'sat-sun': the range ends before it begins, so cron never runs it; write two",
        ),
        (
            "0~30 * * * *",
            1,
            "minute '0~30': only some crons know random values; write a number, or put the job with",
        ),
        ("H * * * *", 1, "minute 'H': cron does not know this pattern of Jobs"),
        ("0 0 L * *", 5, "day-of-month 'L': cron does not know this pattern of Jobs"),
        ("0 0 15W * *", 5, "day-of-month '15W': cron does not know this pattern of Jobs"),
        ("0 0 * * MON#1", 9, "weekday 'MON#1': cron does not know this pattern of Jobs"),
        ("0 0 ? * *", 5, "day-of-month '?': cron does not know this pattern of Jobs"),
        (
            "0 0 * * Sunday",
            9,
            "weekday 'Sunday': cron knows the first three letters of a name only; shorten it",
        ),
        ("0 0 * march *", 7, "month 'march': cron knows the first three letters of a name only; shorten it"),
        ("0 0 * * Sundays", 9, "weekday: expected *, a number, a range such as 1-5, "),
        ("@every 5m", 1, "cron does not know this nickname of Jobs; put the job with `jobs put --every`"),
        ("TZ=UTC 0 9 * * *", 1, "cron takes all of this as TZ; write CRON_TZ=UTC on a line above"),
        ("CRON_TZ=UTC @daily", 1, "cron takes all of this as CRON_TZ; write CRON_TZ=UTC on a line above"),
        ("0 mon * * *", 3, "hour: expected *, a number"),
        ("*5 * * * *", 1, "minute: expected *, a number"),
        ("*/5/2 * * * *", 1, "minute: expected *, a number"),
        ("٣,1 * * * *", 1, "expected a schedule, a comment or a setting such as NAME=value"),
        (5000 * "1" + " * * * *", 1, "minute: expected *, a number"),
        ("@Daily", 1, "unknown nickname; write one of @hourly, @daily"),
    ],
)
def test_fields_that_cron_rejects_or_reads_differently(fields: str, column: int, sentence: str) -> None:
    (problem,) = said(read(f"\n{fields} x", file="tab"))
    assert problem.startswith(f"tab:2:{column}: {sentence}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("* * * *", "1:8: the line ends before its weekday; write five fields"),
        ("* * * * *", "1:10: no command; write one"),
        ("@daily  ", "1:9: no command; write one"),
        ("@daily %x", "1:8: no command; write one"),
        ("0 0 * * * *  x", "1:11: the command begins with a star, which cron rejects; "),
        ("@daily " + 999 * "x", "1:8: the command has 999 bytes, more than cron's 998"),
        ("A=" + 997 * "x", "1:1: A exceeds cron's limit of 998 bytes; shorten it"),
        ("A=", '1:3: A has no value, which cron rejects; write A=""'),
        ("A='b", "1:3: the value of A begins with a quote but does not end with it"),
        ("A='b' c", "1:3: the value of A begins with a quote but does not end with it"),
        ("A-B=c", "1:1: a variable name may contain only letters, digits and _; rename it"),
        (
            "CRON_TZ = Europe/Brusels",
            "1:11: unknown time zone 'Europe/Brusels' (did you mean 'Europe/Brussels'?)",
        ),
        ("export A", "1:1: expected a schedule, a comment or a setting such as NAME=value"),
        ("@daily \udcff", "1:8: invalid UTF-8; save the file as UTF-8"),
        ("# id: a\n@daily x\n# id: a\n@daily y", "4:1: the id 'a' is taken; choose another"),
    ],
)
def test_lines_that_are_refused(text: str, problem: str) -> None:
    (found,) = said(read(text, file="tab"))
    assert found.startswith(f"tab:{problem}")


def test_every_mistake_is_found_at_once() -> None:
    found = read("61 25 * * * a\nB=\n@daily ok\n* * * x\n", file="tab")
    assert [(notice.line, notice.column) for notice in found.problems] == [
        (1, 1),
        (1, 4),
        (2, 3),
        (4, 7),
        (4, 8),
    ]


def test_no_mistake_quotes_a_command_or_a_value() -> None:
    text = "0 3 mysql -psecret1 x\nA='secret2\nlogin secret3\n@secret4 x\n0 0 * * * *secret5\n"
    text += "0 0 * * 1,secret6 x\n0 0 * * H(secret7) x\nSECRET8 x\n"
    found = read(text)
    assert {problem.line for problem in found.problems} == set(range(1, 9))
    assert "secret" not in " ".join(said(found)).lower()
