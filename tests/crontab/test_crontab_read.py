"""Reading crontabs: their jobs, and lines that are ignored or rejected."""

from __future__ import annotations

import pytest

from jobs_core.crontab import is_system, read
from tests.crontab.helpers import one, said

# Lines


def test_a_line_is_a_job() -> None:
    line = one("# every night\n  5\t0 *  * mon-FRI   /srv/backup.sh --full  \n", zone="Europe/Brussels")
    assert line.job == {
        "id": "backup",
        "runner": "shell",
        "payload": "/srv/backup.sh --full  ",
        "cron": "5 0 * * mon-FRI",
        "zone": "Europe/Brussels",
    }
    assert (line.number, line.column, line.comment) == (2, 3, "every night")


def test_a_nickname_stays_as_it_is() -> None:
    assert one("@daily x").cron == "@daily"


def test_a_sixth_field_is_part_of_the_command() -> None:
    line = one("0 3 30 1 1 5 x")
    assert (line.cron, line.payload) == ("0 3 30 1 1", "5 x")


@pytest.mark.parametrize(
    "text", ["* * * * * a\r\n\r\n@daily b\r\n", "\ufeff* * * * * a\n\n \t\n#c\n@daily b"]
)
def test_line_ends_blank_lines_and_comments(text: str) -> None:
    found = read(text)
    assert [(line.cron, line.payload) for line in found.lines] == [("* * * * *", "a"), ("@daily", "b")]
    assert not found.problems


@pytest.mark.parametrize(
    ("command", "line", "input"),
    [
        (r"date +\%d", "date +%d", None),
        ("cat%a%b", "cat", "a\nb\n"),
        ("cat%a%", "cat", "a\n"),
        ("cat%", "cat", ""),
        (r"cat\%b%c\%d%e", "cat%b", "c%d\ne\n"),
        (r"cat \\%z", r"cat \\", "z\n"),  # a backslash before the backslash
        (r"cat%\\%z%\x", "cat", "\\%z\n\\x\n"),  # not in the input
        (r"printf '\n'", r"printf '\n'", None),
    ],
)
def test_percent_signs(command: str, line: str, input: str | None) -> None:
    expected = line if input is None else {"line": line, "input": input}
    assert one(f"@daily {command}").payload == expected


def test_a_command_that_looks_like_json_stays_a_command() -> None:
    assert one('@daily {"argv": ["x"]}').payload == {"line": '{"argv": ["x"]}'}


# Settings


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=b", "b"),
        ("  A \t= b c  ", "b c"),
        ("A=' b '", " b "),
        ('"A" = "it\'s"', "it's"),
        ("A=b 'c'", "b 'c'"),
        ('A=""', ""),
        ("A=b # c", "b # c"),
        ("A==$B\\", "=$B\\"),
    ],
)
def test_settings(text: str, value: str) -> None:
    assert one(f"{text}\n@daily x").payload == {"line": "x", "env": {"A": value}}


def test_a_setting_applies_to_the_lines_below_it() -> None:
    found = read("@daily a\nX=1\n@daily b\nX=2\nY=3\n@daily c\n")
    envs = [None if isinstance(line.payload, str) else line.payload["env"] for line in found.lines]
    assert envs == [None, {"X": "1"}, {"X": "2", "Y": "3"}]


def test_shell_and_home_set_the_shell_and_the_directory() -> None:
    line = one("SHELL=/bin/bash\nHOME=/srv/app\n@daily x")
    assert line.payload == {
        "line": "x",
        "shell": "/bin/bash",
        "cwd": "/srv/app",
        "env": {"HOME": "/srv/app"},
    }
    assert one("SHELL=/bin/sh\n@daily x").payload == "x"


def test_cron_tz_applies_until_the_next() -> None:
    text = '@daily a\nCRON_TZ=Asia/Tokyo\n@daily b\nCRON_TZ=:UTC\n@daily c\nCRON_TZ=""\n@daily d'
    found = read(text, zone="Asia/Seoul")
    assert [line.zone for line in found.lines] == ["Asia/Seoul", "Asia/Tokyo", "UTC", "Asia/Seoul"]
    assert all(isinstance(line.payload, str) for line in found.lines)


@pytest.mark.parametrize("name", ["MAILFROM", "LOGNAME", "RANDOM_DELAY"])
def test_settings_for_cron_itself_are_ignored_with_a_notice(name: str) -> None:
    found = read(f"{name}=5\n@daily x", file="tab")
    assert found.lines[0].payload == "x"
    (notice,) = found.notices
    assert str(notice).startswith(f"tab:1:1: {name} is ignored: ")


def test_reboot_is_ignored_with_a_notice() -> None:
    found = read("@daily a\n @reboot b\n", file="tab")
    assert [line.payload for line in found.lines] == ["a"]
    assert [str(notice) for notice in found.notices] == [
        "tab:2:2: @reboot is skipped: a board outlives reboots; push the job when the machine boots"
    ]


# System crontabs


def test_a_system_crontab_has_a_column_for_the_user() -> None:
    found = read(
        "@daily www-data a b\n* * * * *\troot c\n1 * * * * me d\n", system=True, user="me", file="tab"
    )
    assert [(line.user, line.payload) for line in found.lines] == [
        ("www-data", "a b"),
        ("root", "c"),
        ("me", "d"),
    ]
    assert [str(notice) for notice in found.notices] == [
        "tab:1:1: jobs run as the user of their worker, not as www-data, root; run a worker as that user"
    ]


def test_a_user_crontab_read_as_a_system_crontab_gets_a_hint() -> None:
    found = read("0 3 * * * /srv/x.sh --full", system=True, file="tab")
    assert said(found) == [
        "tab:1:11: expected a user name in the user column; if this is a user's own crontab, pass --user"
    ]


@pytest.mark.parametrize(
    ("file", "system"),
    [
        ("/etc/crontab", True),
        ("/etc/cron.d/php", True),
        ("backup/etc/cron.d/php", True),
        ("/var/spool/cron/crontabs/root", False),
        ("crontab", False),
        ("-", False),
    ],
)
def test_the_path_identifies_a_system_crontab(file: str, system: bool) -> None:
    assert is_system(file) == system
