"""Warnings of plugins about what is put: every way to put says them, and puts nevertheless."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs_core import Board
from tests.helpers import Jobs

LOCAL = "http://127.0.0.1:8000/s3cret"
WARNING = (
    "127.0.0.1 is a loopback address, and only public ones may be called. "
    "Allow it on the worker: JOBS_HTTP_ALLOW=127.0.0.1"
)


@pytest.mark.parametrize(
    "words",
    [
        ("put", "a", "http", LOCAL),
        ("create", "a", "http", LOCAL, "--every", "5m"),
        ("push", "http", LOCAL),
        ("push", "http", f'{{"url": "{LOCAL}"}}'),
        ("edit", "job", "--payload", LOCAL),
    ],
)
def test_what_the_settings_of_this_machine_refuse_is_a_warning(
    jobs: Jobs, board: Board, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    board.put("job", "http", "https://example.com")
    result = jobs(*words)
    assert (result.exit_code, result.stderr) == (0, f"warning: {WARNING}\n")
    assert board.count()["jobs"] + board.count()["queued"] == 2 - (words[0] == "edit")
    monkeypatch.setenv("JOBS_HTTP_ALLOW", "loopback")
    board.remove("a")
    assert jobs(*words).stderr == ""


@pytest.mark.parametrize("command", ["put", "push"])
def test_a_line_is_named(jobs: Jobs, command: str) -> None:
    line = f'{{"id": "a", "runner": "http", "payload": "{LOCAL}"}}\n'
    if command == "push":
        line = line.replace('"id": "a", ', "")
    result = jobs(command, "-S", input="\n" + line + line)
    assert result.exit_code == 0
    assert result.stderr.count("warning:") == 2
    assert f"warning: line 2: {WARNING}" in result.stderr


def test_a_rule_of_lint_that_does_not_exist_is_a_warning(jobs: Jobs, board: Board, tmp_path: Path) -> None:
    result = jobs("put", "a", "shell", "x", "--lint-ignore", "nosuchrule,no-timeout")
    assert (result.exit_code, result.stderr) == (0, "warning: lint-ignore: there is no rule 'nosuchrule'\n")
    assert jobs("edit", "a", "--lint-ignore", "no-timeout").stderr == ""
    result = jobs(
        "put", "-S", input='{"id": "b", "runner": "shell", "payload": "x", "lint-ignore": ["no-timeuot"]}\n'
    )
    assert "line 1: lint-ignore: there is no rule 'no-timeuot' (did you mean 'no-timeout'?)" in result.stderr
    path = tmp_path / "board.yml"
    path.write_text("jobs:\n  a:\n    runner: shell\n    payload: x\n    lint-ignore: nosuchrule\n")
    result = jobs("board", "check", str(path))
    assert f"warning: {path}:5:5: lint-ignore: there is no rule 'nosuchrule'" in result.stderr


def test_board_files_say_it_at_the_payload(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "board.yml"
    path.write_text(f"jobs:\n  a:\n    runner: http\n    payload: {LOCAL}\n")
    for command in ("check", "apply"):
        result = jobs("board", command, str(path))
        assert f"warning: {path}:4:5: {WARNING} (job 'a')" in result.stderr
        assert result.exit_code == 0


LIKE_JSON = "the payload begins like a JSON object, but is not valid JSON: the runner receives it as text"


@pytest.mark.parametrize("payload", ["{", '{"line": "x"', "{'line': 'x'}", "{line: x}", ' { "a": 1,}'])
def test_a_payload_that_only_begins_like_json_is_a_warning(jobs: Jobs, payload: str) -> None:
    for words in (("put", "a"), ("push",)):
        assert jobs(*words, "shell", payload).stderr == f"warning: {LIKE_JSON}\n"


def test_a_board_file_says_it_too(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "board.yml"
    path.write_text('jobs:\n  a:\n    runner: shell\n    payload: \'{"line": "x"\'\n')
    assert f"warning: {path}:4:5: {LIKE_JSON} (job 'a')" in jobs("board", "apply", str(path)).stderr


@pytest.mark.parametrize("payload", ['{"line": "x"}', "{ date; }", "[ -f x ] && y", "date"])
def test_other_payloads_are_not(jobs: Jobs, payload: str) -> None:
    assert jobs("put", "a", "shell", payload).stderr == ""
