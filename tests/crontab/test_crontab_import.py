"""`jobs import crontab` from a user's view."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from jobs_core import Board
from jobs_core.crontab.names import with_digest
from jobs_core.plugins.manager import Plugins
from tests.crontab.helpers import DEBIAN, USER, definitions
from tests.helpers import Jobs, lines, refused, working


def test_import_puts_jobs_and_names_them(jobs: Jobs, board: Board) -> None:
    text = "CRON_TZ=Asia/Tokyo\nLANG=C\n0 3 1 1 * /srv/backup.sh --full%hello\n"
    result = jobs("import", "crontab", "-", input=text)
    assert result.exit_code == 0, result.output
    job = board.show("backup")
    assert (job["runner"], job["cron"], job["zone"]) == ("shell", "0 3 1 1 *", "Asia/Tokyo")
    assert job["payload"] == '{"line":"/srv/backup.sh --full","env":{"LANG":"C"},"input":"hello\\n"}'
    header, row = result.stdout.splitlines()
    assert header.split() == ["id", "cron", "next"]
    assert row.startswith("backup   0 3 1 1 *   20")
    assert result.stderr.splitlines()[-1] == "1 put"


def test_the_path_determines_the_format(jobs: Jobs, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "nobody")
    result = jobs("import", "crontab", *map(str, DEBIAN), str(USER))
    assert result.exit_code == 0, result.output
    found = definitions(board)
    assert found["cron.daily"]["cron"] == "25 6 * * *"
    assert found["sessionclean"]["payload"].startswith("[ -x /usr/lib/php/sessionclean ]")
    poll = found[with_digest("poll", "/srv/app/poll.py")]
    assert poll["payload"].startswith('{"line":"/srv/app/poll.py","env":{"PATH":')
    assert f"{DEBIAN[0]}:18:1: jobs run as the user of their worker, not as root" in result.stderr
    assert poll["on-failure"] == "notify mailto:ops@example.com"
    assert f"{USER}:21:1: @reboot is skipped" in result.stderr


def test_the_current_user_needs_no_notice(jobs: Jobs) -> None:
    text = f"@daily {getpass.getuser()} x\n"
    assert jobs("import", "crontab", "-", "--system", input=text).stderr == "1 put\n"


def test_system_and_user_override_the_path(jobs: Jobs, board: Board, tmp_path: Path) -> None:
    folder = tmp_path / "cron.d"
    folder.mkdir()
    (folder / "tab").write_text("@daily echo x\n")
    jobs("import", "crontab", str(folder / "tab"), "--user")
    assert board.show("echo")["payload"] == "echo x"
    jobs("import", "crontab", str(folder / "tab"), "--system")
    assert board.show("x")["payload"] == "x"


def test_lines_of_several_files_get_distinct_ids(jobs: Jobs, board: Board, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one", "two")]
    for file in files:
        file.write_text("@daily /srv/same.sh\n")
    jobs("import", "crontab", *map(str, files), "--prefix", "web1-")
    assert set(definitions(board)) == {"web1-same", "web1-same-2"}


def test_importing_again_changes_nothing_and_an_edit_replaces(
    jobs: Jobs, board: Board, tmp_path: Path
) -> None:
    file = tmp_path / "mine"
    file.write_text(USER.read_text())
    jobs("import", "crontab", str(file))
    before = definitions(board)
    again = jobs("import", "crontab", str(file))
    assert "replaces the job" not in again.stderr
    assert definitions(board) == before
    file.write_text(USER.read_text().replace("15 */2 * * *", "16 */2 * * *"))
    result = jobs("import", "crontab", str(file))
    slow = with_digest("poll", "/srv/app/poll.py --slow")
    assert [text for text in result.stderr.splitlines() if "replaces" in text] == [
        f"{file}:10:1: replaces the job {slow!r}"
    ]
    after = definitions(board)
    assert {id for id in after if after[id] != before[id]} == {slow}


def test_a_dry_run_shows_everything_and_puts_nothing(jobs: Jobs, board: Board) -> None:
    dry = jobs("import", "crontab", str(USER), "--dry-run")
    assert dry.stderr.splitlines()[-1] == "17 to put (dry run)"
    assert not definitions(board)
    assert dry.stdout == jobs("import", "crontab", str(USER)).stdout
    assert len(definitions(board)) == 17


def test_json_has_one_job_per_line(jobs: Jobs, board: Board) -> None:
    (job,) = lines(jobs("import", "crontab", "-", "--zone", "UTC", "--json", input="\n@yearly x\n"))
    assert job == {
        "id": "x",
        "runner": "shell",
        "payload": "x",
        "cron": "@yearly",
        "zone": "UTC",
        "next": board.show("x")["next"],
        "file": "-",
        "line": 2,
    }


def test_a_mistake_puts_nothing(jobs: Jobs, board: Board, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(b"@daily ok\n60 * * * * x\n@daily \xff\n")
    result = jobs("import", "crontab", str(USER), str(bad))
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-3:] == [
        f"{bad}:2:1: minute '60': expected 0-59",
        f"{bad}:3:8: invalid UTF-8; save the file as UTF-8",
        "found 2 problems. Nothing was put.",
    ]
    assert not definitions(board)


def test_jobs_that_the_board_rejects_are_found_before_any_put(jobs: Jobs, board: Board) -> None:
    text = f"@daily ok\n\n# id: push:1\n@daily x\n# id: {300 * 'x'}\n@daily y\n# id: p,q\n@daily z\n"
    result = jobs("import", "crontab", "-", input=text)
    assert result.exit_code == 2
    first, second, third, last = result.stderr.splitlines()
    assert first.startswith("-:4:1: id: push:<n> is reserved for one-off tasks")
    assert second.startswith("-:6:1: id: expected a job id of 1 to 256 bytes")
    assert third.startswith("-:8:1: id: expected a job id of 1 to 256 bytes, without spaces, commas")
    assert last == "found 3 problems. Nothing was put."
    assert not definitions(board)


def test_invalid_arguments_are_rejected(jobs: Jobs) -> None:
    refused(jobs("import", "crontab", "-", "--zone", "Nowhere", input=""), "unknown time zone 'Nowhere'")
    refused(jobs("import", "crontab", "/no/such/file"), "does not exist")
    refused(jobs("import", "crontab"), "Missing argument")


def test_the_machines_zone_is_the_default(jobs: Jobs, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Africa/Cairo")
    jobs("import", "crontab", "-", input="@daily a")
    jobs("import", "crontab", "-", "--zone", "Asia/Tokyo", input="@daily b")
    assert (board.show("a")["zone"], board.show("b")["zone"]) == ("Africa/Cairo", "Asia/Tokyo")


def test_a_machine_without_a_zone_gets_a_notice(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs_core.crontab.machine.machine_zone", lambda: None)
    result = jobs("import", "crontab", "-", "--json", input="@daily a")
    assert lines(result)[0]["zone"] == "UTC"
    assert "Cannot determine the time zone of this machine" in result.stderr


def test_a_job_of_a_crontab_runs_as_cron_would_run_it(jobs: Jobs, board: Board, tmp_path: Path) -> None:
    out = tmp_path / "out"
    text = f"SHELL=/bin/bash\nHOME={tmp_path}\nGREETING=' hi '\n"
    text += (
        '# id: letter\n@yearly { pwd; echo "$GREETING|$0"; date +\\%\\%; cat; } > '
        + f"{out}%Joe,%%50\\% off\n"
    )
    assert jobs("import", "crontab", "-", input=text).exit_code == 0
    with working(board, Plugins.load().runner("shell")) as (_, seen):
        board.push("letter")
        seen.wait_for("task.finished")
    assert out.read_text() == f"{tmp_path}\n hi |/bin/bash\n%\nJoe,\n\n50% off\n"


def test_import_and_board_apply_follow_each_other(jobs: Jobs, board: Board, tmp_path: Path) -> None:
    """Both own the jobs of a file by its path, wherever they are called."""
    path, text = tmp_path / "site.crontab", "CRON_TZ=UTC\n*/5 * * * * /w/a.sh one\n*/6 * * * * /w/a.sh two\n"
    path.write_text(text)
    assert jobs("import", "crontab", str(path)).exit_code == 0
    before = list(board.list(sort="id"))
    assert "2 unchanged" in jobs("board", "apply", str(path)).stdout
    path.write_text(text + "@daily /w/b.sh\n")
    assert "1 added" in jobs("board", "apply", str(tmp_path / ".." / tmp_path.name / path.name)).stdout
    assert jobs("import", "crontab", str(path)).exit_code == 0
    path.write_text(text)
    assert "1 removed" in jobs("board", "apply", str(path)).stdout
    assert list(board.list(sort="id")) == before
