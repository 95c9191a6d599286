"""What a board file may include, and what mistakes in a file that is none may show."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobs_core.boardfile import read
from tests.helpers import Jobs

JOBS = "jobs: {x: {runner: console, payload: x}}\n"
OUTSIDE = "it lies outside the directory of this file; move it there, or pass --include-outside"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory for the board file. The one above it has `other.yml` and `secret`."""
    found = tmp_path / "boards"
    (found / "more").mkdir(parents=True)
    (tmp_path / "other.yml").write_text(JOBS)
    (tmp_path / "secret").write_text("root:$6$hunter2:19000:0:99999:7:::\nmail:*:19000:0:99999:7:::\n")
    return found


def including(folder: Path, pattern: str) -> Path:
    path = folder / "board.yml"
    path.write_text(f"include: ['{pattern}']\n")
    return path


@pytest.mark.parametrize(
    "pattern",
    [
        "../other.yml",
        "../*.yml",
        "{above}/other.yml",
        "more/../../other.yml",
        "../boards/../*.yml",
        "/etc/**",
    ],
)
def test_files_outside_the_directory_are_refused_unless_asked_for(folder: Path, pattern: str) -> None:
    path = including(folder, pattern.format(above=folder.parent))
    (problem,) = read(path).problems
    assert str(problem) == f"{path}:1:11: cannot include {pattern.format(above=folder.parent)!r}: {OUTSIDE}"
    if "other" in pattern or "*.yml" in pattern:
        assert read(path, include_outside=True).problems == []


@pytest.mark.parametrize("pattern", ["link.yml", "more/*.yml", "*.yml"])
def test_a_symbolic_link_leads_no_further(folder: Path, pattern: str) -> None:
    link = folder / ("more/link.yml" if "more" in pattern else "link.yml")
    link.symlink_to(folder.parent / "other.yml")
    path = including(folder, pattern).rename(folder / "main.board")
    (problem,) = read(path).problems
    assert problem.sentence == f"cannot include {pattern!r}: {OUTSIDE}"


def test_files_below_are_included_whatever_leads_to_them(folder: Path, tmp_path: Path) -> None:
    (folder / "more" / "real.yml").write_text(JOBS)
    (folder / "link.yml").symlink_to("more/real.yml")
    (tmp_path / "elsewhere").symlink_to(folder)
    for base, pattern in (
        (folder, "link.yml"),
        (folder, "more/../more/*.yml"),
        (folder, f"{folder}/more/real.yml"),
        (tmp_path / "elsewhere", "link.yml"),
    ):
        found = read(including(base, pattern))
        assert found.problems == []
        assert [job.id for job in found.boards[None].jobs] == ["x"]


def test_a_file_that_is_included_includes_from_its_own_directory(folder: Path) -> None:
    (folder / "board2.yml").write_text(JOBS)
    (folder / "more" / "inner.yml").write_text("include: ../board2.yml\n")
    (problem,) = read(including(folder, "more/inner.yml")).problems
    assert OUTSIDE in problem.sentence


@pytest.mark.parametrize("command", ["check", "diff", "apply"])
def test_the_command_line_may_allow_more(jobs: Jobs, folder: Path, command: str) -> None:
    path = str(including(folder, "../other.yml"))
    result = jobs("board", command, path)
    assert result.exit_code == 2
    assert OUTSIDE in result.output
    assert jobs("board", command, path, "--include-outside").exit_code == 0


@pytest.mark.parametrize("name", ["secret", "secret.toml", "secret.yml", "secret.crontab"])
@pytest.mark.parametrize("where", ["include", "alone"])
def test_nothing_of_a_file_that_is_no_board_file_is_shown(
    jobs: Jobs, folder: Path, name: str, where: str
) -> None:
    secret = folder / name
    (folder.parent / "secret").rename(secret)
    path = including(folder, name) if where == "include" else secret
    for output in (["--json"], []):
        result = jobs("board", "check", str(path), *output)
        assert result.exit_code == 2
        assert "hunter2" not in result.output
        assert "19000" not in result.output


def test_keys_of_a_file_that_is_no_board_file_are_not_shown(jobs: Jobs, folder: Path) -> None:
    path = folder / "values.yml"
    path.write_text("hunter2: 1\npassword: {hunter3: 5}\n")
    result = jobs("board", "check", str(path))
    assert result.stdout == f"{path}:1:1: the file declares no jobs; add jobs, alerts, boards or include\n"
    path.write_text("hunter2: 1\njob: {}\n")  # this one is meant as a board file
    assert "unknown key 'job' (did you mean 'jobs'?)" in jobs("board", "check", str(path)).output


def test_pipes_and_devices_are_refused_rather_than_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yml")
    sentence = "expected a regular file, got a directory, a pipe or a device"
    for path in (folder / "pipe.yml", including(folder, "pipe.yml"), Path("/dev/zero")):
        (problem,) = read(path).problems
        assert problem.sentence.endswith(sentence)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("jobs:\n  a:\n    cron: */5 * * * *\n", "3:11", "a value cannot begin with *; put it in quotes"),
        ("jobs:\n  a: {cron: @daily}\n", "2:13", "a value cannot begin with @; put it in quotes"),
        ("jobs:\n  a:\n    cron: * * * * *\n", "3:11", "a value cannot begin with *; put it in quotes"),
        ("jobs:\n  a:\n    payload: `x`\n", "3:14", "a value cannot begin with `; put it in quotes"),
        ("jobs:\n  a:\n    payload: echo: x\n", "3:18", "put a value that contains one in quotes"),
        ("jobs:\n\ta:\n", "2:1", "indentation has a tab; use spaces, not tabs"),
        ("jobs:\n  a:\n  \tcron: x\n", "3:3", "indentation has a tab; use spaces, not tabs"),
    ],
)
def test_a_mistake_in_yaml_says_what_to_do(tmp_path: Path, text: str, place: str, says: str) -> None:
    path = tmp_path / "board.yml"
    path.write_text(text)
    (problem,) = read(path).problems
    assert str(problem).startswith(f"{path}:{place}: invalid YAML: ")
    assert says in problem.sentence


def test_a_pipe_that_is_included_is_named_with_the_place_that_includes_it(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    path = including(folder, "pipe")
    (problem,) = read(path).problems
    assert str(problem) == (
        f"{path}:1:11: cannot include {str(folder / 'pipe')!r}: "
        "expected a regular file, got a directory, a pipe or a device"
    )
