"""Crontabs that are imported or applied again after they were edited: each line keeps its job."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import pytest

from jobs_core import Board
from jobs_core.crontab import read
from tests.helpers import Jobs

ONE, TWO = "0 1 * * * /w/a.sh one\n", "0 2 * * * /w/a.sh two\n"


def payloads(board: Board) -> dict[str, str]:
    return {job["id"]: job["payload"] for job in board.list()}


def commands(board: Board) -> list[tuple[str, str]]:
    """What runs when, without ids."""
    return sorted((job["cron"], job["payload"]) for job in board.list())


class Table:
    """A crontab that is put on the board again and again."""

    def __init__(self, jobs: Jobs, path: Path, *words: str) -> None:
        self.jobs, self.path, self.words = jobs, path, words

    def put(self, text: str, *more: str) -> str:
        """Put the crontab with another text. Returns what is said on standard error."""
        self.path.write_text(text)
        result = self.jobs(*self.words, str(self.path), *more)
        assert result.exit_code == 0, result.output
        return result.stderr


@pytest.fixture(params=["import", "apply"])
def table(request: pytest.FixtureRequest, jobs: Jobs, tmp_path: Path) -> Table:
    words = {"import": ("import", "crontab"), "apply": ("board", "apply", "--no-prune")}
    return Table(jobs, tmp_path / "my.crontab", *words[request.param])


def test_a_line_that_is_taken_out_changes_no_other_job(table: Table, board: Board) -> None:
    table.put(ONE + TWO)
    before = payloads(board)
    table.put(TWO)
    assert payloads(board) == before
    table.put(TWO, "--prune")
    assert payloads(board) == {id: command for id, command in before.items() if command == "/w/a.sh two"}


def test_a_line_that_is_added_changes_no_other_job(table: Table, board: Board) -> None:
    table.put(ONE)
    assert payloads(board) == {"a": "/w/a.sh one"}
    table.put(TWO + ONE)
    found = payloads(board)
    assert found.pop("a") == "/w/a.sh one"
    assert list(found.values()) == ["/w/a.sh two"]


def test_lines_keep_their_jobs_in_any_order(table: Table, board: Board) -> None:
    same = ["@daily b\n", "@hourly b\n", "@daily c\n", ONE, TWO]
    table.put("".join(same))
    before = {job["id"]: (job["cron"], job["payload"]) for job in board.list()}
    table.put("".join(reversed(same)))
    assert {job["id"]: (job["cron"], job["payload"]) for job in board.list()} == before


def test_a_new_schedule_or_setting_keeps_the_job(table: Table, board: Board) -> None:
    table.put(ONE + TWO)
    before = set(payloads(board))
    table.put("LANG=C\n" + TWO + ONE.replace("0 1", "5 1"))
    assert set(payloads(board)) == before
    assert {job["cron"] for job in board.list()} == {"5 1 * * *", "0 2 * * *"}


def test_an_edited_command_keeps_its_job_if_only_one_can_be_meant(table: Table, board: Board) -> None:
    table.put("@daily /w/b.sh\n" + ONE + TWO)
    ids = set(payloads(board))
    table.put("@daily /w/b.sh --full\n" + ONE + TWO.replace("two", "three"))
    assert set(payloads(board)) == ids
    assert payloads(board)["b"] == "/w/b.sh --full"
    table.put("@daily /w/b.sh --full\n" + ONE.replace("one", "1") + TWO.replace("two", "3"))
    assert len(payloads(board)) == 5  # both were edited: nobody knows which was which


def test_the_only_equal_line_that_is_left_is_found_by_its_schedule(table: Table, board: Board) -> None:
    table.put("@daily b\n@hourly b\n")
    table.put("@hourly b\n", "--prune")
    assert commands(board) == [("@hourly", "b")]


def test_a_job_put_by_hand_is_left_alone_unless_it_has_the_same_command(jobs: Jobs, board: Board) -> None:
    board.put("b", "shell", "b --by-hand")
    board.put("c", "shell", "c --old", cron="@daily")
    assert jobs("import", "crontab", "-", input="@daily b\n@daily c --old\n").exit_code == 0
    found = payloads(board)
    assert (found.pop("b"), found.pop("c")) == ("b --by-hand", "c --old")
    assert list(found.values()) == ["b"]


def test_crontabs_of_two_files_share_no_job(jobs: Jobs, board: Board, tmp_path: Path) -> None:
    one, two = (Table(jobs, tmp_path / name, "import", "crontab") for name in ("one", "two"))
    one.put("@daily b\n")
    two.put("@hourly b\n")
    assert commands(board) == [("@daily", "b"), ("@hourly", "b")]
    one.put("", "--prune")
    assert commands(board) == [("@hourly", "b")]


def test_the_same_line_from_another_file_is_the_same_job(jobs: Jobs, board: Board, tmp_path: Path) -> None:
    Table(jobs, tmp_path / "one", "import", "crontab").put("@daily b\n")
    jobs("import", "crontab", "-", input="@daily b\n")
    assert list(payloads(board)) == ["b"]


def test_prefixes_keep_machines_apart(jobs: Jobs, board: Board, tmp_path: Path) -> None:
    table = Table(jobs, tmp_path / "tab", "import", "crontab")
    table.put("@daily b\n", "--prefix", "web1-")
    table.put("@daily b\n", "--prefix", "web2-")
    assert set(payloads(board)) == {"web1-b", "web2-b"}
    table.put("", "--prefix", "web1-", "--prune")
    assert set(payloads(board)) == {"web2-b"}


def test_jobs_that_stay_or_go_are_named(jobs: Jobs, board: Board, tmp_path: Path) -> None:
    table = Table(jobs, tmp_path / "tab", "import", "crontab")
    table.put("@daily b\n@daily c\n")
    assert table.put("@daily c\n").splitlines() == [
        "keeps the job 'b', which no line declares any more; pass --prune to remove it",
        "1 put",
    ]
    said = table.put("@daily c\n", "--prune", "--dry-run")
    assert said.splitlines()[0] == "removes the job 'b', which no line declares any more"
    assert set(payloads(board)) == {"b", "c"}


@pytest.mark.parametrize("command", ["import", "apply"])
def test_a_line_that_never_runs_is_left_out_with_a_notice(
    jobs: Jobs, board: Board, tmp_path: Path, command: str
) -> None:
    path = tmp_path / "my.crontab"
    path.write_text("0 0 31 2 * never\n0 0 29-31 2,4 * some\n0 0 31 2 1 mondays\n0 0 31 4,6 */2 never\n")
    words = ("import", "crontab") if command == "import" else ("board", "apply")
    result = jobs(*words, str(path))
    assert result.exit_code == 0, result.output
    assert set(payloads(board)) == {"some", "mondays"}
    sentence = "the line is skipped: no month it names has such a day, so it never runs"
    assert [line for line in result.stderr.splitlines() if "skipped" in line] == [
        f"{path}:1:1: {sentence}",
        f"{path}:4:1: {sentence}",
    ]


@pytest.mark.parametrize("command", ["import", "apply", "check"])
@pytest.mark.parametrize("user", ["root", getpass.getuser()])
def test_a_user_column_that_is_read_as_a_command_gets_a_notice(
    jobs: Jobs, tmp_path: Path, command: str, user: str
) -> None:
    path = tmp_path / "my.crontab"
    path.write_text(f"@daily x\n@daily {user} /script.sh\n")
    words = ("import", "crontab") if command == "import" else ("board", command)
    said = jobs(*words, str(path)).stderr
    assert f"{path}:2:1: the command begins with the user {user!r}; if that is a user column" in said
    assert "`jobs import crontab --system`" in said


@pytest.mark.parametrize("command", ["root", "root -x", "nobody-here /script.sh", "ls /srv"])
def test_other_commands_get_no_notice(command: str) -> None:
    assert read(f"@daily {command}\n").notices == []


@pytest.mark.parametrize("command", ["import", "apply", "check"])
def test_a_pipe_is_refused_rather_than_waited_for(jobs: Jobs, tmp_path: Path, command: str) -> None:
    path = tmp_path / "my.crontab"
    os.mkfifo(path)
    words = ("import", "crontab") if command == "import" else ("board", command)
    result = jobs(*words, str(path))
    assert result.exit_code == 2
    assert f"{path}: expected a regular file, got a directory, a pipe or a device" in result.output
