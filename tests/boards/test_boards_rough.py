"""Board files that are malformed, hostile or contain secrets, and boards that are hard to export."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs_core import Board
from jobs_core.boardfile import read
from tests.helpers import Jobs, refused

JOB = "runner: console, payload: x"


def mistakes(folder: Path, text: str, name: str = "board.yml", **environ: str) -> list[str]:
    """The mistakes in a file, each as `line:column: sentence`."""
    path = folder / name
    path.write_text(text)
    return [str(problem).removeprefix(f"{path}:") for problem in read(path, environ).problems]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000])
def test_deep_nesting_is_a_mistake_not_a_crash(tmp_path: Path, text: str) -> None:
    (mistake,) = mistakes(tmp_path, f"x-deep:\n  {text}")
    assert "values are nested more than 20 levels deep" in mistake


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"jobs: {{a: {{<<: 5, {JOB}}}}}", "1:16: <<: expected a mapping"),
        (f"jobs: {{a: {{<<: [5], {JOB}}}}}", "1:17: <<: expected a mapping"),
        (f"jobs: {{[a]: {{{JOB}}}}}", "1:8: a key must be text"),
        ("jobs: {a: {runner: x, payload: !secret x}}", "1:32: unsupported tag '!secret'"),
        ("jobs: {a: {runner: x, payload: !!binary aGk=}}", "1:32: unsupported tag '!!binary'"),
        ("jobs: {a: {runner: x, payload: {k: 1, k: 2}}}", "1:39: duplicate key 'k'"),
        (f"jobs: {{a: {{{JOB}, group: [g]}}}}", "group: expected the name of a group"),
        (f"jobs: {{a: {{{JOB}, group: }}}}", "group: expected the name of a group"),
        (f"jobs: {{a: {{{JOB}, after: []}}}}", "after has no value"),
        (f"jobs: {{a: {{{JOB}, paused: no}}}}", "paused: expected true or false"),
        (f"board: a b\njobs: {{a: {{{JOB}}}}}", "1:8: board: a name cannot contain spaces or braces"),
        ("boards: {'{a}': {jobs: {}}}", "1:10: board: a name cannot contain spaces or braces"),
        ("include: /nowhere/at/all.yml", "1:10: cannot include '/nowhere/at/all.yml'"),
        (f"include: {'a' * 5000}", "1:10: cannot include 'aaa"),
        ("include: '*.yml'", "1:10: include cycle"),
        ("jobs: {a: {runner: x, payload: '${A:-${B}}'}}", "cannot contain a variable"),
    ],
)
def test_a_malformed_file_is_a_mistake_with_its_location(tmp_path: Path, text: str, says: str) -> None:
    assert says in "\n".join(mistakes(tmp_path, text))


@pytest.mark.parametrize("number", ["9" * 5000, f"{'9' * 400}.0"])
@pytest.mark.parametrize("name", ["board.yml", "board.toml"])
def test_numbers_of_any_length_are_read_or_rejected(tmp_path: Path, name: str, number: str) -> None:
    path = tmp_path / name
    equals = "=" if path.suffix == ".toml" else ": "
    path.write_text(f"x-a{equals}{number}\njobs{equals}{{}}\n")
    assert len(read(path, {}).problems) <= 1


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False), ("0", False)])
def test_paused_may_come_from_a_variable(tmp_path: Path, value: str, expected: bool) -> None:
    path = tmp_path / "board.yml"
    path.write_text(f"jobs: {{a: {{{JOB}, paused: '${{PAUSED}}'}}}}")
    (job,) = read(path, {"PAUSED": value}).boards[None].jobs
    assert job.options == {"paused": expected}


def test_toml_lines_are_right_after_long_strings_and_in_inline_tables(tmp_path: Path) -> None:
    text = '[jobs.a]\nrunner = "x"\npayload = """\nevery = 5\n[jobs.z]\n"""\nevry = 5\n'
    says = "unknown key 'evry' (did you mean 'every'?)"
    assert mistakes(tmp_path, text, "board.toml") == [f"7: {says}"]
    text = '# one\njobs = {a = {runner = "x", payload = "x", evry = 5}}'
    assert mistakes(tmp_path, text, "board.TOML") == [f"2: {says}"]


@pytest.mark.parametrize(
    "job",
    [
        f"{JOB}, every: '${{SECRET}}'",
        f"{JOB}, cron: '0 ${{SECRET}} * *'",
        f"{JOB}, policy: '${{SECRET}}'",
        f"{JOB}, group: '${{SECRET}}'",
        "runner: '${SECRET}', payload: x",
    ],
)
@pytest.mark.parametrize("command", ["check", "apply"])
def test_rejected_values_of_variables_are_not_shown(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, job: str
) -> None:
    monkeypatch.setenv("SECRET", "hunter 2z")
    path = tmp_path / "board.yml"
    path.write_text(f"jobs: {{a: {{{job}}}}}")
    found = jobs("board", command, str(path))
    assert found.exit_code == 2
    assert "${SECRET}" in found.output
    assert "hunter" not in found.output
    assert "2z" not in found.output


def test_a_secret_in_a_file_name_is_not_shown(jobs: Jobs, tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, "include: '${SECRET}.yml'", SECRET="hunter2")
    assert "cannot include '${SECRET}.yml'" in mistake


def test_check_finds_several_mistakes_of_one_job(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "board.yml"
    path.write_text(
        "jobs:\n  a:\n    runner: console\n    payload: x\n    every: soon\n    decay: x\n"
        "    timeout: long\n    overlap: maybe\n    attempts: few\n"
        "  b:\n    runner: http\n    payload: {ulr: x}\n    cron: 0 25 * * *\n"
    )
    found = jobs("board", "check", str(path)).stdout.splitlines()
    places = [int(line.removeprefix(f"{path}:").split(":")[0]) for line in found]
    assert places == [5, 6, 7, 8, 9, 12, 13]


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("backoff: sometimes", "backoff: expected"),
        ("retry-on: 'a b'", "retry-on: expected outcome codes"),
        ("every: soon", "every: expected a duration"),
        ("cron: 61 * * * *", "cron: "),
        ("zone: Mars/Base", "zone: "),
        ("after: a", "after: "),
        ("payload: ''", "invalid payload"),
        ("policy: stubborn", "there is no policy 'stubborn'"),
    ],
)
def test_check_points_to_the_line_of_the_wrong_option(
    jobs: Jobs, tmp_path: Path, option: str, says: str
) -> None:
    path = tmp_path / "board.yml"
    lines = ["jobs:", "  a:", "    runner: http", "    timeout: 9", f"    {option}", "    keep: 9"]
    if not option.startswith("payload"):
        lines.insert(3, "    payload: https://example.com/")
    if option.startswith("zone"):
        lines.append("    cron: 0 9 * * *")
    path.write_text("\n".join(lines) + "\n")
    (line,) = jobs("board", "check", str(path)).stdout.splitlines()
    assert line.startswith(f"{path}:{lines.index(f'    {option}') + 1}:"), line
    assert says in line


def test_check_reports_an_inherited_mistake_once(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "board.yml"
    path.write_text("defaults: {runner: console, timeout: long}\njobs: {a: {payload: x}, b: {payload: x}}\n")
    (line,) = jobs("board", "check", str(path)).stdout.splitlines()
    assert line.startswith(
        f"{path}:1:29: timeout: expected a duration such as 90, 1h30m or PT1H30M, got 'long'"
    )


PAYLOADS = [
    "",
    "\n",
    "\n\n",
    "one\ntwo\n",
    "one\n\n\ntwo\n\n",
    "\none\ntwo",
    "  one\ntwo",
    "one  \ntwo\t\n",
    "one\r\ntwo\rthree",
    "\x85one\n\u2028two\u2029",
    "\ufeff\x00\x1b\x7f",
    "${A} $${B} $$ $C $",
    "yes",
    "~",
    "1e3",
    "2027-01-01",
    "# no comment",
    "- 'a': \"b\"",
    "word " * 60,
    '{"line":"one\\ntwo\\n","env":{"A":"${B}"}}',
    '{"<<":{"a":1},"":2,"1":3,"~":4,"yes":"no","=":"="}',
    '{"a":[1.0,1e22,-0.5,9007199254740993,null,true,[],{}]}',
    '{"a": "spaced"}',
    '{"a":1,"a":2}',
    '{"a":1e999}',
    f'{{"a":{"[" * 40}{"]" * 40}}}',
    f'{{"a":{"[" * 5000}{"]" * 5000}}}',
]


def test_any_payload_round_trips_through_an_export(jobs: Jobs, board: Board, tmp_path: Path) -> None:
    for number, payload in enumerate(PAYLOADS):
        board.put(f"job-{number:02}", "anything", payload)
    path = tmp_path / "out.yml"
    assert jobs("board", "export", str(path)).exit_code == 0
    board.remove(*(job["id"] for job in list(board.list())))
    declared = read(path, {})
    assert declared.problems == []
    assert not any(board.put_many(job.arguments for job in declared.boards[None].jobs))
    assert [board.show(f"job-{number:02}")["payload"] for number in range(len(PAYLOADS))] == PAYLOADS


def test_a_payload_that_is_not_utf_8_cannot_be_exported(jobs: Jobs, board: Board) -> None:
    sha = board.init()["JSET"]
    board.client.evalsha(sha, 1, f"{{{board.name}}}", "bytes", "console", b"\xff\xfe")
    refused(jobs("board", "export"), "The payload of the job 'bytes' is not UTF-8")


def test_an_export_that_cannot_be_written_gives_the_reason(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "no" / "board.yml"
    refused(jobs("board", "export", str(path)), f"Cannot write {path}: No such file")
