"""`jobs export crontab` from a user's view."""

from __future__ import annotations

from typing import Any

from jobs_core import Board
from tests.crontab.helpers import DEBIAN, USER, definitions
from tests.helpers import Jobs


def test_an_export_makes_the_same_jobs_again(jobs: Jobs, board: Board) -> None:
    assert jobs("import", "crontab", *map(str, DEBIAN), str(USER), "--prefix", "web1-").exit_code == 0
    odd = "@daily blanks  \n@daily '50\\%' %%\n@daily cat%a%%\n@daily true%\n"
    jobs("import", "crontab", "-", "--prefix", "web1-", input=odd)
    before = definitions(board)
    assert len(before) == 33
    board.put("other", "shell", "x", cron="@daily")
    export = jobs("export", "crontab", "web1-*")
    assert (export.exit_code, export.stderr) == (0, "")
    board.remove(*before, "other")
    assert jobs("import", "crontab", "-", input=export.stdout).exit_code == 0
    assert definitions(board) == before


def test_the_format_of_an_export(jobs: Jobs, board: Board) -> None:
    payload = {"line": "date +%d", "input": "a%\nb\n", "shell": "/bin/bash", "env": {"A": " x", "B": ""}}
    board.put("full", "shell", payload, cron="*/5 * * * MON-FRI", zone="Asia/Tokyo")
    board.put("tokyo", "shell", "b", cron="@daily", zone="Asia/Tokyo")
    board.put("plain", "shell", "a", cron="0 3 * * *")
    header, *text = jobs("export", "crontab").stdout.splitlines()
    assert header.startswith("# ")
    assert text == [
        "CRON_TZ=Asia/Tokyo",
        "",
        "# id: tokyo",
        "@daily b",
        "",
        "CRON_TZ=UTC",
        "",
        "# id: plain",
        "0 3 * * * a",
        "",
        "CRON_TZ=Asia/Tokyo",
        'A=" x"',
        'B=""',
        "SHELL=/bin/bash",
        "",
        "# id: full",
        r"*/5 * * * MON-FRI date +\%d%a\%%b",
    ]


DAILY = {"cron": "@daily"}

OTHER_JOBS: dict[str, tuple[str, dict[str, Any], str]] = {
    "runner": ("console", DAILY, "its runner is console"),
    "interval": ("shell", {"every": 60}, "it has no cron pattern"),
    "manual": ("shell", {}, "it has no cron pattern"),
    "seconds": ("shell", {"cron": "30 0 3 * * *"}, "its cron pattern has seconds or years"),
    "last": ("shell", {"cron": "0 3 L * *"}, "day-of-month 'L': cron does not know this pattern of Jobs"),
    "spread": ("shell", {"cron": "H 3 * * *"}, "minute 'H': cron does not know this pattern of Jobs"),
    "wrapped": ("shell", {"cron": "0 3 * * FRI-SUN"}, "weekday 'FRI-SUN': the range ends before it begins"),
    "options": ("shell", DAILY | {"timeout": 60, "jitter": 5}, "a crontab does not support jitter, timeout"),
    "ocps": ("shell", DAILY | {"dst": "ocps"}, "a crontab does not support dst"),
    "queue": ("shell", DAILY | {"queue": "slow"}, "a crontab does not support queue"),
    "later": ("shell", DAILY | {"start": "2199-01-01"}, "a crontab does not support start"),
}

OTHER_PAYLOADS: dict[str, tuple[str | dict[str, Any], str]] = {
    "argv": ({"argv": ["x"]}, "the key 'line' of its payload"),
    "limit": ({"line": "x", "limit": 5}, "the key 'limit' of its payload"),
    "other": ({"line": ["x"], "env": 5}, "the key 'line' of its payload"),
    "equals": ("= x", "a line of a crontab cannot express"),
    "blank": (" x", "a line of a crontab cannot express"),
    "return": ("x\r", "a line of a crontab cannot express"),
    "cwd": ({"line": "x", "cwd": "/"}, "the key 'cwd' of its payload"),
    "home": ({"line": "x", "env": {"HOME": "/"}}, "the key 'env' of its payload"),
    "shell": ({"line": "x", "env": {"SHELL": "/"}}, "the key 'env' of its payload"),
    "mailto": ({"line": "x", "env": {"MAILTO": "a"}}, "a crontab cannot set its variable MAILTO"),
    "quotes": ({"line": "x", "env": {"Q": "\n"}}, "a crontab cannot set its variable Q"),
    "lines": ("a\nb", "a line of a crontab cannot express"),
    "input": ({"line": "x", "input": "no newline"}, "a line of a crontab cannot express"),
    "backslash": (r"a\%b", "a line of a crontab cannot express"),
    "star": ("*x", "a line of a crontab cannot express"),
    "long": (999 * "x", "a line of a crontab cannot express"),
}


def test_jobs_that_do_not_fit_are_named_with_the_reason(jobs: Jobs, board: Board) -> None:
    expected = {"paused": "it is paused"}
    for id, (runner, options, reason) in OTHER_JOBS.items():
        board.put(id, runner, "x", **options)
        expected[id] = reason
    for id, (payload, reason) in OTHER_PAYLOADS.items():
        board.put(id, "shell", payload, **DAILY)
        expected[id] = reason
    for id in ("fits", "paused"):
        board.put(id, "shell", "x", **DAILY)
    board.pause("paused")
    result = jobs("export", "crontab")
    said = dict(line.split(" is skipped: ") for line in result.stderr.splitlines())
    assert said.keys() == {f"the job {id!r}" for id in expected}
    for id, reason in expected.items():
        assert reason in said[f"the job {id!r}"]
    assert [line for line in result.stdout.splitlines() if "# id" in line] == ["# id: fits"]
    assert result.exit_code == 0


def test_a_variable_that_would_leak_into_other_jobs_is_reported(jobs: Jobs, board: Board) -> None:
    for id in ("a", "b"):
        board.put(id, "shell", {"line": "x", "env": {id.upper(): "1"}}, cron="@daily")
    result = jobs("export", "crontab")
    assert "# id: a" in result.stdout
    assert result.stderr.splitlines() == [
        "the job 'b' is skipped: a crontab cannot unset A, which earlier jobs set; export this job alone"
    ]
    assert "B=1" in jobs("export", "crontab", "b").stdout


def test_a_board_without_exportable_jobs_gives_an_empty_crontab(jobs: Jobs, board: Board) -> None:
    assert jobs("export", "crontab").output == ""
