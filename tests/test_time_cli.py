"""What the command line, board files and clients do with odd steps, past stops, past runs and zones."""

from __future__ import annotations

import asyncio
import json
import shutil
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from jobs_core import AsyncBoard, Board, OptionError
from tests.helpers import Jobs, lines, refused

STEP = "cron: minute: the step of '*/90' exceeds its range, 0 to 59, so only 0 matches in '*/90 * * * *'"


# Steps that exceed their range


def test_put_and_next_warn_of_a_step(jobs: Jobs) -> None:
    for command in (("put", "a", "console", "x"), ("put", "a", "console", "x", "--json"), ("next",)):
        result = jobs(*command, "--cron", "*/90 * * * *")
        assert result.exit_code == 0
        assert result.stderr == f"warning: {STEP}\n"
    assert jobs("put", "a", "console", "x", "--cron", "*/45 * * * *").stderr == ""


def test_bulk_names_the_line_of_a_step(jobs: Jobs) -> None:
    put = {"runner": "console", "payload": "x"}
    given = [
        {"id": "a", "cron": "@daily", **put},
        {"id": "b", "cron": "*/90 * * * *", **put},
        {"id": "c", **put},
    ]
    text = "\n".join(map(json.dumps, given))
    assert jobs("put", "-S", input=text).stderr == f"warning: line 2: {STEP}\n3 put\n"
    found = jobs("put", "-S", "--cron", "*/120 * * * *", input=text).stderr
    assert (found.count("warning: line 2"), found.count("warning: line 3")) == (1, 1)


def test_a_board_file_warns_where_it_stands(jobs: Jobs, tmp_path: Path) -> None:
    file = tmp_path / "board.yml"
    file.write_text(
        "defaults: {runner: console}\n"
        "jobs:\n"
        "  a:\n"
        "    payload: x\n"
        "    cron: '*/90 * * * *'\n"
        "  b:\n"
        "    payload: x\n"
        "    every: 5\n"
        "    stop: 2020-01-01\n"
        "  c: {payload: x, every: 5, start: '2019-01-01', duration: 1d}\n"
        "  d: {payload: x, cron: 'TZ=Europe/Brussels 0 9 * * Monday'}\n"
    )
    expected = [
        f"warning: {file}:5:5: {STEP} (job 'a')",
        f"warning: {file}:9:5: stop: the job never runs, because this time has passed (job 'b')",
        f"warning: {file}:10:3: stop: the job never runs, because this time has passed (job 'c')",
    ]
    for command in ("check", "diff", "apply"):
        result = jobs("board", command, str(file))
        assert result.exit_code == 0, result.output
        assert [line for line in result.stderr.splitlines() if line.startswith("warning")] == expected
    (shown,) = lines(jobs("show", "d", "--json"))
    assert (shown["cron"], shown["zone"]) == ("0 9 * * Monday", "Europe/Brussels")
    again = jobs("board", "apply", str(file))
    assert again.stderr == f"{expected[0]}\n", "what has been applied and ended since is no news"
    assert "4 unchanged" in again.stdout


def test_the_import_of_a_crontab_warns_of_a_step(jobs: Jobs, tmp_path: Path) -> None:
    file = tmp_path / "crontab"
    file.write_text("0 1 * * * date\n*/90 * * * * date\n")
    for more in ((), ("--dry-run",)):
        result = jobs("import", "crontab", str(file), "--zone", "UTC", *more)
        assert result.exit_code == 0, result.output
        assert f"warning: {file}:2:1: {STEP}\n" in result.stderr


# Stops that have passed


def test_put_says_that_a_job_never_runs(jobs: Jobs) -> None:
    put = ("put", "a", "console", "x")
    for options in (
        ("--every", "5", "--stop", "2020-01-01"),
        ("--cron", "@daily", "--start", "2019-01-01", "--stop", "2020-01-01"),
    ):
        result = jobs(*put, *options)
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith("a: never runs, because no run comes before its stop, 20")
        assert lines(jobs("show", "a", "--json"))[0]["state"] == "ended"
    soon = jobs(*put, "--cron", "0 0 0 1 1 * 2199", "--stop", "+1h")
    assert soon.stdout.startswith("a: never runs, because no run comes before its stop, ")
    refused(
        jobs(*put, "--every", "5", "--start", "2020-01-02", "--stop", "2020-01-01"),
        "stop: expected a time after start",
    )
    refused(
        jobs(*put, "--every", "5", "--start", "+2h", "--stop", "+1h"), "stop: expected a time after start"
    )


def test_put_says_how_else_a_job_stands(jobs: Jobs) -> None:
    assert jobs("put", "a", "console", "x").stdout == "a: runs when pushed\n"
    jobs("put", "b", "console", "x", "--every", "5")
    jobs("pause", "b")
    assert jobs("put", "b", "console", "y", "--every", "5").stdout == "b: is paused\n"


# Numbers, durations and times


@pytest.mark.parametrize(
    "options",
    [
        *(("--lease", "nan"), ("--lease", "inf"), ("--timeout", "1e400"), ("--attempts", "1" + "0" * 20)),
        *(("--every", "P1M1M"), ("--every", "P1D1Y"), ("--every", "R/P1M1M"), ("--every", "9" * 400)),
        *(("--at", "2026-12-01T08:00+99:00"), ("--at", "nan"), ("--hours", "nan"), ("--days", "1e400")),
        *(
            ("--concurrency", "nan"),
            ("--priority", "9" * 400),
            ("--rate", "9" * 400 + "/1m"),
            ("--rate", "1/nan"),
        ),
        *(("--backoff", "nan"), ("--losses", "1e1"), ("--keep", "1h1h"), ("--jitter", "nan")),
    ],
)
def test_a_number_that_is_none_is_refused(jobs: Jobs, options: tuple[str, str]) -> None:
    every = () if options[0] in ("--every", "--at", "--hours", "--days") else ("--every", "5")
    result = jobs("put", "a", "console", "x", *options, *every)
    refused(result, f"Error: {options[0].removeprefix('--')}: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_python_cannot_put_what_is_no_number(board: Board, value: float) -> None:
    with pytest.raises(OptionError, match=r"^lease: expected a duration"):
        board.put("a", "console", "x", lease=value)


def test_backoff_takes_its_words_in_any_order(jobs: Jobs) -> None:
    jobs("put", "a", "console", "x", "--backoff", "exponential 10s jitter max 1m")
    assert lines(jobs("show", "a", "--json"))[0]["backoff"] == "exponential 10 max 60 jitter"


# Past runs, and zones


def test_next_shows_the_past(jobs: Jobs, board: Board, url: str) -> None:
    options = (
        "--cron",
        "TZ=Europe/Brussels 30 2 * * *",
        "--from",
        "2022-03-26T12:00",
        "--count",
        "1",
        "--json",
    )
    (run,) = lines(jobs("next", *options))
    assert run["iso"] == "2022-03-27T03:00:00+02:00" and run["note"] == "clocks have just gone forward"
    past = datetime(2022, 3, 26, tzinfo=UTC)
    found = board.next(cron="0 0 * * *", from_=past)
    assert found == [datetime(2022, 3, 27, tzinfo=UTC)]

    async def asked() -> Any:
        async with AsyncBoard(board.name, url) as client:
            return await client.next(cron="CRON_TZ=Asia/Tokyo 0 9 * * *", from_=past)

    assert asyncio.run(asked()) == [datetime(2022, 3, 27, tzinfo=UTC)]


@pytest.fixture
def old_zones(tmp_path: Path) -> Iterator[None]:
    """A machine whose own data has other clocks for Vancouver."""
    target = tmp_path / "America" / "Vancouver"
    target.parent.mkdir()
    with resources.as_file(resources.files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo")) as source:
        shutil.copy(source, target)
    zoneinfo.reset_tzpath([tmp_path])
    zoneinfo.ZoneInfo.clear_cache(only_keys=["America/Vancouver"])
    assert zoneinfo.ZoneInfo("America/Vancouver").utcoffset(datetime(2026, 7, 1)).total_seconds() == 32400  # type: ignore[union-attr]
    yield
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache(only_keys=["America/Vancouver"])


@pytest.mark.usefixtures("old_zones")
def test_times_are_shown_by_the_data_that_schedules(jobs: Jobs) -> None:
    options = ("--cron", "0 9 * * *", "--zone", "America/Vancouver", "--from", "2026-12-01", "--json")
    for run in lines(jobs("next", *options)):
        assert "T09:00:00-0" in str(run["iso"])
    jobs("put", "a", "console", "x", *options[:4])
    assert "T09:00:00-0" in str(lines(jobs("next", "a", "--json"))[0]["iso"])


def test_a_zone_in_the_pattern_is_loaded_and_checked(jobs: Jobs, board: Board) -> None:
    assert jobs("put", "a", "console", "x", "--cron", "TZ=Europe/Brussels 0 9 * * *").exit_code == 0
    assert board.show("a")["zone"] == "Europe/Brussels"
    wrong = jobs("put", "b", "console", "x", "--cron", "CRON_TZ=Europe/Brusels 0 9 * * *")
    refused(wrong, "zone: there is no time zone 'Europe/Brusels' (did you mean 'Europe/Brussels'?)")
