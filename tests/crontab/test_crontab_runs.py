"""Imported crontabs, from Debian and from a user, run when Debian's cron would run them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs_core import Board
from jobs_core.engine.zones import changes
from tests.crontab.helpers import DEBIAN, USER
from tests.crontab.vixie import Entry
from tests.helpers import Jobs, lines

YEAR = 2027
BEGIN, END = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (YEAR, YEAR + 1))
DAY = 86400
MANY = 800
"""The number of runs to compare from each start."""

SCHEDULE = re.compile(r"\s*(@\w+|\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s")


def schedule_in(file: str, line: int) -> str:
    """Return the schedule of a line as written."""
    match = SCHEDULE.match(Path(file).read_text("utf-8").splitlines()[line - 1])
    assert match
    return match[1]


def moments(zone: str) -> list[int]:
    """Return the starts of the comparisons: New Year, and two days before each clock change."""
    near = [time - 2 * DAY for time, _ in changes(zone) if BEGIN < time < END]
    assert zone == "Asia/Tokyo" or len(near) == 2
    return [BEGIN - 1, *near]


def runs_after(board: Board, moment: int, **schedule: str) -> Sequence[int]:
    found = board.next(count=MANY, from_=moment, now=moment, **schedule)
    return [int(run.timestamp()) for run in found if run.timestamp() < END]


@pytest.mark.parametrize("zone", ["Europe/Brussels", "Asia/Tokyo", "Australia/Lord_Howe"])
@pytest.mark.parametrize("file", [*DEBIAN, USER], ids=lambda file: file.name)
def test_imported_jobs_run_when_cron_would(jobs: Jobs, board: Board, file: Path, zone: str) -> None:
    result = jobs("import", "crontab", str(file), "--zone", zone, "--json")
    assert result.exit_code == 0, result.output
    found = lines(result)
    assert found
    for job in found:
        put = board.show(str(job["id"]))
        entry = Entry(schedule_in(str(job["file"]), int(str(job["line"]))))
        expected = entry.runs(put["zone"], YEAR)
        for moment in moments(put["zone"]):
            ours = runs_after(board, moment, cron=put["cron"], zone=put["zone"])
            assert ours == [run for run in expected if run > moment][: len(ours)], job
            assert len(ours) == min(MANY, sum(run > moment for run in expected)), job


SCHEDULES = [
    "0 0 * * 7",
    "0 0 * * 0-7/2",
    "30 1 * * sun-sat",
    "0 5 * * SUN,Tue,6",
    "0 0 1-7 * */2",  # treated as a star: both days must match
    "0 0 1-7 * 1,*",  # not a star: either is enough, and one always matches
    "0 0 */10 * mon",
    "0 12 31 1-12/2 *",
    "*/100 * * * *",
    "0 */23 * * *",
    "*/40 2 * * *",
    "0,*/20 1-3 * * *",
    "5-59/27,0 2 * * *",
    "007 02 * * *",
    "0 2 29 2 *",
    "* 2 * * *",
    "0 * * mar,oct,NOV *",
]


@pytest.mark.parametrize("zone", ["Europe/Brussels", "America/New_York", "Australia/Lord_Howe"])
def test_fields_of_every_kind_match_cron(jobs: Jobs, board: Board, zone: str) -> None:
    text = "".join(f"{schedule} /bin/a\n" for schedule in SCHEDULES)
    found = lines(jobs("import", "crontab", "-", "--zone", zone, "--json", input=text))
    assert len(found) == len(SCHEDULES)
    for schedule, job in zip(SCHEDULES, found, strict=True):
        expected = Entry(schedule).runs(zone, YEAR)
        for moment in moments(zone):
            ours = runs_after(board, moment, cron=str(job["cron"]), zone=zone)
            assert ours == [run for run in expected if run > moment][:MANY], schedule
