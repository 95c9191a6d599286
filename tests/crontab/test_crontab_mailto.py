"""MAILTO: failed runs of the jobs below it are mailed, by the runner `notify`."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs_core import Board
from jobs_core.crontab import read, write
from tests.crontab.helpers import definitions
from tests.helpers import Jobs, jobs_process

TEXT = """@daily /srv/one.sh
MAILTO="ops@example.com"
@daily /srv/two.sh
MAILTO=root, ann@example.com
@daily /srv/three.sh
MAILTO=""
@daily /srv/four.sh
"""
BOTH = 'notify {"to":["root","mailto:ann@example.com"]}'
EXPECTED = {"one": None, "two": "notify mailto:ops@example.com", "three": BOTH, "four": None}

CRONTAB = "mine.crontab"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A crontab with several MAILTO."""
    found = tmp_path / CRONTAB
    found.write_text(TEXT)
    return found


def mailed(board: Board) -> dict[str, str | None]:
    return {id: job.get("on-failure") for id, job in definitions(board).items()}


def test_mailto_applies_until_the_next(jobs: Jobs, board: Board, path: Path) -> None:
    found = jobs("import", "crontab", str(path))
    assert found.exit_code == 0, found.output
    assert mailed(board) == EXPECTED
    assert jobs("board", "diff", str(path)).stdout == f"board {board.name}: 4 unchanged\n"


def test_a_run_that_fails_is_mailed(jobs: Jobs, board: Board, path: Path) -> None:
    jobs("import", "crontab", str(path))
    for id in ("one", "two"):
        board.push(id)
        (task,) = board.pop("shell", lease=30)
        board.ack(task.token, "dead", note="disk full")
    (told,) = board.pop("notify", count=9)
    assert told.payload == "mailto:ops@example.com"
    assert told.options["alert"]["job"] == "two" and told.options["alert"]["note"] == "disk full"


def test_a_crontab_with_mailto_is_a_board_file(jobs: Jobs, board: Board, path: Path) -> None:
    assert jobs("board", "check", str(path)).exit_code == 0
    assert jobs("board", "apply", str(path)).exit_code == 0
    assert mailed(board) == EXPECTED
    path.write_text(TEXT.replace("ops@example.com", "eve@example.com"))
    assert "~ two  on-failure: notify mailto:ops@example.com" in jobs("board", "diff", str(path)).stdout


def test_mailto_goes_before_the_defaults_of_the_including_file(jobs: Jobs, board: Board, path: Path) -> None:
    file = path.with_name("board.yml")
    file.write_text(f"defaults: {{on-failure: console x}}\ninclude: {CRONTAB}\n")
    assert jobs("board", "apply", str(file)).exit_code == 0
    assert mailed(board) == EXPECTED | {"one": "console x"}


def test_an_address_that_is_none_is_refused_at_its_line(jobs: Jobs, board: Board, path: Path) -> None:
    path.write_text("MAILTO=a@b@c\n@daily x\n")
    for words in (("import", "crontab"), ("board", "apply")):
        found = jobs(*words, str(path))
        assert found.exit_code == 2
        assert f"{path}:2:1: on-failure: to: expected one mail address" in found.stderr
    assert definitions(board) == {}


def without_notify(board: Board, url: str, path: Path, *words: str) -> str:
    """Call `jobs` without jobs-notify. Returns what it says on standard error."""
    found = {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name, "JOBS_DISABLE_PLUGINS": "notify"}
    process = jobs_process(*words, str(path), path=path.parent, **found)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return said


@pytest.mark.parametrize("words", [("import", "crontab"), ("board", "check"), ("board", "apply")])
def test_without_the_runner_nobody_is_mailed_and_a_notice_says_so(
    board: Board, url: str, path: Path, words: tuple[str, str]
) -> None:
    said = without_notify(board, url, path, *words)
    assert said.count(f"{path}:3:1: MAILTO mails nobody: there is no runner 'notify'") == 1
    assert set(mailed(board).values()) <= {None}
    assert len(mailed(board)) == (0 if "check" in words else 4)


def test_a_worker_that_has_the_runner_is_enough(board: Board, url: str, path: Path) -> None:
    board.register("w1", ["notify"])
    assert "MAILTO" not in without_notify(board, url, path, "import", "crontab")
    assert mailed(board) == EXPECTED


def test_export_writes_mailto_and_reading_it_restores_the_jobs(jobs: Jobs, board: Board, path: Path) -> None:
    jobs("import", "crontab", str(path))
    board.put("hand", "shell", "x", cron="@daily", on_failure="notify ops")
    text = jobs("export", "crontab").stdout
    assert "\nMAILTO=ops@example.com\n" in text and "\nMAILTO=root,ann@example.com\n" in text
    found = {line.id: line.job.get("on-failure") for line in read(text).lines}
    assert found == EXPECTED | {"hand": "notify ops"}


@pytest.mark.parametrize(
    "option", ["shell x", 'notify {"to":"ops","title":"x"}', 'notify {"to":5}', "notify a b", "notify "]
)
def test_other_alerts_of_a_job_do_not_fit_a_crontab(option: str) -> None:
    said: list[str] = []
    job = {"id": "a", "runner": "shell", "payload": "x", "cron": "@daily", "on-failure": option}
    assert list(write([job], said.append)) == []
    assert said == ["the job 'a' is skipped: a crontab does not support on-failure"]
