"""`jobs lint` on the command line: text, JSON, annotations, exit codes, and how rules are silenced."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from jobs_core import AsyncBoard, Board
from jobs_core.crontab import read, write
from tests.helpers import Jobs, refused

TEXT = """\
defaults: {runner: console, timeout: 1h}
jobs:
  poll: {payload: x, cron: "*/7 * * * *"}
  close:
    payload: x
    cron: 0 9 31 * *
  fine: {payload: x, cron: 0 9 L * *}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A board file of three jobs, two of which are odd."""
    found = tmp_path / "board.yml"
    found.write_text(TEXT)
    return found


def test_a_file_is_linted_with_places(jobs: Jobs, path: Path) -> None:
    result = jobs("lint", str(path), "--json")
    assert result.exit_code == 1
    found = [json.loads(line) for line in result.stdout.splitlines()]
    places = [(each["rule"], each["job"], each["file"], each["line"], each["column"]) for each in found]
    assert places == [("uneven-step", "poll", str(path), 3, 22), ("month-end", "close", str(path), 6, 5)]
    assert found[0].keys() >= {"sentence", "why", "advice", "silence", "option"}


def test_text_is_grouped_and_fits_80_columns(jobs: Jobs, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    result = jobs("lint", path.name)
    assert result.exit_code == 1
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert result.stdout.splitlines()[:2] == [
        "uneven-step (1)",
        "  A step begins again with each unit, so the last interval of each differs.",
    ]
    assert "  - board.yml:6:5: close names day 31" in result.stdout
    assert result.stdout.splitlines()[-1] == "2 findings in 2 of 3 jobs"
    assert "\x1b" not in result.output


def test_many_findings_of_a_rule_are_cut(jobs: Jobs, board: Board) -> None:
    for n in range(13):
        board.put(f"job-{n}", "console", "x")
    result = jobs("lint")
    assert result.stdout.count("has no timeout") == 10
    assert "  … and 3 more, which --json prints" in result.stdout
    assert len(jobs("lint", "--json").stdout.splitlines()) == 13


def test_nothing_found_is_0(jobs: Jobs, board: Board) -> None:
    board.put("fine", "console", "x", timeout=5)
    result = jobs("lint")
    assert (result.exit_code, result.stdout) == (0, "nothing found in 1 job\n")
    assert (jobs("lint", "--json").exit_code, jobs("lint", "--json").stdout) == (0, "")


def test_rules_are_ignored_for_a_call_a_file_and_a_job(jobs: Jobs, path: Path) -> None:
    assert jobs("lint", str(path), "--ignore", "uneven-step", "--ignore", "month-end").exit_code == 0
    path.write_text(TEXT.replace("timeout: 1h}", "timeout: 1h, lint-ignore: [uneven-step, month-end]}"))
    assert jobs("lint", str(path)).exit_code == 0
    path.write_text(TEXT.replace("    payload: x\n", "    payload: x\n    lint-ignore: month-end\n"))
    assert "1 finding in 1 of 3 jobs" in jobs("lint", str(path)).stdout


def test_rules_are_ignored_for_a_job_on_the_board(jobs: Jobs) -> None:
    jobs("put", "it", "console", "x", "--every", "5", "--lint-ignore", "no-timeout")
    assert jobs("lint").exit_code == 0
    jobs("edit", "it", "--unset", "lint-ignore")
    assert jobs("lint").exit_code == 1


def test_a_crontab_is_linted_and_silenced_by_a_comment(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "crontab"
    path.write_text(
        "CRON_TZ=UTC\n# lint-ignore: no-timeout, month-end\n0 9 31 * * /bin/close\n*/7 * * * * poll\n"
    )
    result = jobs("lint", str(path), "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(each["rule"], each["line"]) for each in found] == [("uneven-step", 4), ("no-timeout", 4)]


def test_a_line_of_a_crontab_that_never_runs_is_found(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "only.crontab"
    path.write_text("0 0 30 2 * /bin/never\n")
    result = jobs("lint", str(path), "--json")
    (found,) = map(json.loads, result.stdout.splitlines())
    assert result.exit_code == 1
    assert (found["rule"], found["job"], found["line"], found["column"]) == ("never-runs", None, 1, 1)
    assert found["why"]
    text = jobs("lint", str(path))
    assert (text.exit_code, text.stdout.splitlines()[-1]) == (1, "1 finding among 0 jobs")
    assert text.stderr == ""  # it is not a notice as well
    assert "title=never-runs" in jobs("lint", str(path), "--format", "github").stdout


def test_a_line_that_never_runs_is_silenced(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "only.crontab"
    path.write_text("0 0 30 2 * /bin/never\n")
    assert jobs("lint", str(path), "--ignore", "never-runs").exit_code == 0
    refused(jobs("lint", str(path), "--ignore", "typo"), "there is no rule 'typo'")
    path.write_text("# lint-ignore: no-timeout, never-runs\n0 0 30 2 * /bin/never\n")
    result = jobs("lint", str(path))
    assert (result.exit_code, result.stdout) == (0, "nothing found in 0 jobs\n")
    assert "the line is skipped" in result.stderr


@pytest.mark.parametrize(
    "text", ["*/5 * * * * poll\n", "# x\nA=b\n0 3 * * * x: y\n", "0 3 * * * x\n", "@daily x\n"]
)
def test_a_crontab_by_another_name_is_recognized_in_the_error(jobs: Jobs, tmp_path: Path, text: str) -> None:
    path = tmp_path / "c1.tab"
    path.write_text(text)
    refused(jobs("lint", str(path)), "a crontab is recognized by its name: crontab, *.crontab, *.cron")
    path.write_text("jobs: [")
    assert "recognized" not in jobs("lint", str(path)).stderr


def test_a_crontab_keeps_what_it_silences() -> None:
    text = "# id: close\n# lint-ignore: no-timeout\n0 9 L * * /bin/close\n".replace("L", "31")
    (line,) = read(text).lines
    assert (line.job["lint-ignore"], line.comment) == ("no-timeout", "")
    assert "".join(f"{each}\n" for each in write([line.job], print)).endswith(text)


def test_annotations_for_github(jobs: Jobs, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    first = jobs("lint", path.name, "--format", "github").stdout.splitlines()[0]
    assert first.startswith("::warning file=board.yml,line=3,title=uneven-step::poll has '*/7' in the minute")


def test_mistakes_exit_with_2(jobs: Jobs, path: Path) -> None:
    refused(jobs("lint", "nightly"), "nightly: no such file. For the jobs on a board, run", "--board nightly")
    refused(jobs("lint", "--ignore", "typo"), "ignore: there is no rule 'typo'")
    path.write_text(TEXT.replace("timeout: 1h", "timeout: soon"))
    result = jobs("lint", str(path))
    assert result.exit_code == 2
    assert f"{path}:1:29: timeout: expected a duration" in result.stderr
    path.write_text("jobs: [")
    refused(jobs("lint", str(path)), "board.yml:")


def test_a_file_is_linted_on_a_private_server(
    jobs: Jobs, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOBS_REDIS_URL")
    monkeypatch.setenv("JOBS_DATA", str(tmp_path / "data"))
    result = jobs("lint", str(path))
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "2 findings in 2 of 3 jobs")
    assert "jobs up" in jobs("lint").stderr  # a board needs its server


def test_the_asynchronous_board_finds_the_same(board: Board, url: str) -> None:
    board.put("it", "console", "x", cron="*/7 * * * *")

    async def lint() -> list[object]:
        async with AsyncBoard(board.name, url) as other:
            return [
                *await other.lint(),
                *await other.lint([{"id": "b", "runner": "console", "payload": "x"}]),
            ]

    found = asyncio.run(lint())
    assert found[:2] == board.lint()
    assert len(found) == 3
