"""`jobs board`: check, diff, apply, export, schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs_core import Board
from jobs_core.boardfile.job import OPTIONS
from tests.helpers import Jobs, lines, refused

TEXT = """
name: mine
defaults: {runner: console}
jobs:
  tick: {payload: x, every: 5, repeat: 3}
  day: {payload: secret, cron: 0 3 * * *, zone: Europe/Brussels, timeout: 1h}
  then: {payload: x, after: [tick, day]}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A board file of three jobs."""
    found = tmp_path / "board.yml"
    found.write_text(TEXT)
    return found


def state(board: Board) -> dict[str, Any]:
    return {job["id"]: job for job in board.list()}


def test_apply_prints_its_changes_and_is_idempotent(jobs: Jobs, board: Board, path: Path) -> None:
    done = jobs("board", "apply", str(path))
    assert done.stdout.splitlines() == [
        "+ day  console  cron 0 3 * * *, Europe/Brussels",
        "+ then  console  after tick, day",
        "+ tick  console  every 5s, 3 of 3 left",
        f"board {board.name}: 3 added, 0 unchanged",
    ]
    before = state(board)
    assert jobs("board", "apply", str(path)).stdout == f"board {board.name}: 3 unchanged\n"
    assert state(board) == before
    assert set(before) == {"tick", "day", "then"}


def test_diff_shows_a_plan_and_changes_nothing(jobs: Jobs, board: Board, path: Path) -> None:
    jobs("board", "apply", str(path))
    before = state(board)
    changed = TEXT.replace("1h", "2h").replace("  tick: {payload: x, every: 5, repeat: 3}\n", "")
    path.write_text(changed.replace("secret", "new secret") + "  new: {payload: x}\n")
    found = jobs("board", "diff", str(path))
    assert found.stdout.splitlines() == [
        "~ day  payload, timeout: 1h → 2h",
        "+ new  console  when pushed",
        "- tick",
        f"board {board.name}: 1 to add, 1 to change, 1 to remove, 1 unchanged",
    ]
    assert state(board) == before
    assert "payload: secret → new secret" in jobs("board", "diff", str(path), "--payload").stdout
    assert jobs("board", "apply", str(path), "--dry-run").stdout == found.stdout
    assert state(board) == before


def test_diff_as_json_has_a_line_for_each_change(jobs: Jobs, path: Path) -> None:
    jobs("board", "apply", str(path))
    path.write_text(TEXT.replace("1h", "2h").replace("secret", "new"))
    (change,) = lines(jobs("board", "diff", str(path), "--json"))
    assert (change["id"], change["change"]) == ("day", "change")
    assert (change["before"], change["after"]) == ({"timeout": 3600}, {"timeout": 7200})
    (change,) = lines(jobs("board", "diff", str(path), "--json", "--payload"))
    assert change["after"] == {"timeout": 7200, "payload": "new"}


def test_the_exit_code_of_diff_tells_whether_anything_changes(jobs: Jobs, path: Path) -> None:
    assert jobs("board", "diff", str(path)).exit_code == 0
    assert jobs("board", "diff", str(path), "--exit-code").exit_code == 3
    jobs("board", "apply", str(path))
    assert jobs("board", "diff", str(path), "--exit-code").exit_code == 0


def test_jobs_of_others_stay_and_must_be_adopted(jobs: Jobs, board: Board, path: Path) -> None:
    board.put("tick", "console", "by hand")
    board.put("mine", "console", "by hand")
    done = jobs("board", "apply", str(path))
    refused_lines = done.stderr.splitlines()
    assert refused_lines[-1].endswith("found 1 problem. Nothing was changed.")
    assert done.exit_code == 2
    assert f"{path}:5:3: the job 'tick' belongs to no board file: adopt it" in done.stderr
    assert state(board)["tick"]["payload"] == "by hand"
    assert jobs("board", "apply", str(path), "--adopt").exit_code == 0
    assert set(state(board)) == {"tick", "day", "then", "mine"}
    path.write_text("name: mine\njobs: {}\n")
    jobs("board", "apply", str(path), "--no-prune")
    assert len(state(board)) == 4
    jobs("board", "apply", str(path))
    assert set(state(board)) == {"mine"}


def test_a_mistake_changes_nothing(jobs: Jobs, board: Board, path: Path) -> None:
    path.write_text(TEXT.replace("every: 5", "every: soon"))
    done = jobs("board", "apply", str(path))
    assert done.exit_code == 2
    assert f"{path}:5:22: every: expected a duration such as 90, 1h30m or PT1H30M, got 'soon'" in done.stderr
    assert state(board) == {}
    path.write_text(TEXT.replace("every", "evry"))
    refused(jobs("board", "apply", str(path)), f"{path}:5:22: unknown key 'evry'")


def test_a_file_with_several_boards_applies_to_each(
    jobs: Jobs, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOBS_BOARD")
    one, two = f"{board.name}-one", f"{board.name}-two"
    path = tmp_path / "both.yml"
    path.write_text(
        f"boards:\n"
        f"  {one}: {{jobs: {{a: &a {{runner: console, payload: x}}}}}}\n"
        f"  {two}: {{jobs: {{b: *a}}}}\n"
    )
    assert jobs("board", "apply", str(path)).stdout.splitlines() == [
        "+ a  console  when pushed",
        f"board {one}: 1 added, 0 unchanged",
        "+ b  console  when pushed",
        f"board {two}: 1 added, 0 unchanged",
    ]
    assert jobs("board", "diff", str(path), "--board", two).stdout == f"board {two}: 1 unchanged\n"
    refused(
        jobs("board", "diff", str(path), "--board", "three"),
        f"has no board 'three'. Choose one of {one}, {two}.",
    )


def test_a_mistake_in_one_of_several_boards_changes_none(
    jobs: Jobs, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOBS_BOARD")
    path = tmp_path / "both.yml"
    job = "runner: console, payload: x"
    path.write_text(
        f"boards:\n"
        f"  {board.name}: {{jobs: {{a: {{{job}}}}}}}\n"
        f"  other: {{jobs: {{b: {{{job}, every: so}}}}}}\n"
    )
    assert jobs("board", "apply", str(path)).exit_code == 2
    assert state(board) == {}


def test_check_finds_every_mistake_with_its_place(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "bad.yml"
    path.write_text(
        "jobs:\n"
        "  a: {runner: console, payload: x, evry: 5}\n"
        "  b: {runner: console, payload: x, every: soon}\n"
        "  c: {runner: consle, payload: x}\n"
        "  d: {runner: http, payload: {ulr: x}}\n"
        "  e: {runner: console, payload: x, cron: 0 25 * * *}\n"
        "  f: {runner: console, payload: x, after: g}\n"
        "  g: {runner: console, payload: x, after: f}\n"
    )
    found = jobs("board", "check", str(path))
    assert found.exit_code == 2
    assert found.stderr.splitlines()[-1] == "6 problems"
    places = [line.removeprefix(f"{path}:").split(": ")[0] for line in found.stdout.splitlines()]
    assert places == ["2:36", "3:36", "4:7", "5:21", "6:36", "7:36"]
    as_json = jobs("board", "check", str(path), "--json")
    first = json.loads(as_json.stdout.splitlines()[0])
    assert first == {
        "file": str(path),
        "line": 2,
        "column": 36,
        "sentence": "unknown key 'evry' (did you mean 'every'?)",
    }


def test_check_of_a_good_file_changes_nothing(jobs: Jobs, board: Board, path: Path) -> None:
    found = jobs("board", "check", str(path))
    assert (found.exit_code, found.stdout, found.stderr) == (0, "", "no problems\n")
    assert state(board) == {}


def test_check_reports_unknown_parents(jobs: Jobs, board: Board, path: Path) -> None:
    board.put("there", "console", "x")
    path.write_text(TEXT.replace("[tick, day]", "[tik, there]"))
    found = jobs("board", "check", str(path))
    assert found.exit_code == 0
    assert found.stderr.splitlines() == [
        f"{path}:7:22: after: no job 'tik' in this file or on the board (did you mean 'tick'?)",
        "no problems",
    ]


def test_check_without_a_server_prints_a_notice(
    jobs: Jobs, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBS_REDIS_URL", "unix:///nowhere.sock")
    found = jobs("board", "check", str(path))
    assert found.exit_code == 0
    assert found.stderr.startswith("Without Redis, options are not checked: cannot reach Redis")
    path.write_text("jobs: {a: {runner: http, payload: {ulr: x}}}")
    found = jobs("board", "check", str(path))
    assert found.exit_code == 2
    assert "invalid payload for the http runner" in found.stdout


def test_applying_an_export_changes_nothing(jobs: Jobs, board: Board, tmp_path: Path) -> None:
    board.put("every", "shell", "echo ${HOME} $$ yes", every=90, start=2_000_000_000, repeat=5, jitter=0.5)
    board.put("decay", "shell", "line one\nline two\n", every="1h30m", decay=1.5, step="1d", stop="+30d")
    board.put("cron", "shell", '{"line":"date","env":{"A":"${B}"}}', cron="H 3 * * MON#1", zone="Asia/Tokyo")
    board.put("cron2", "shell", "true", cron="@daily", misfire="all", overlap="queue", grace="1h", dst="ocps")
    board.put("months", "shell", "on", every="R5/2026-01-31T08:00:00+01:00/P1M")
    board.put("once", "shell", '{"line": "spaced"}', at="+1h", timeout=90.5, attempts=3, backoff="1s,10s")
    board.put("then", "shell", "1", after="every,cron", on="dead", join="any", priority=-3, queue="q")
    board.put("off", "shell", "2027-01-01", every=5)
    board.pause("off")
    before = state(board)
    path = tmp_path / "out.yml"
    assert jobs("board", "export", str(path)).exit_code == 0
    assert jobs("board", "check", str(path)).exit_code == 0
    found = jobs("board", "diff", str(path), "--adopt", "--json")
    assert {(line["id"], line["change"]) for line in lines(found)} == {(id, "adopt") for id in before}
    jobs("board", "apply", str(path), "--adopt")
    assert state(board) == before
    board.remove(*before)
    jobs("board", "apply", str(path))
    assert {id: job["payload"] for id, job in state(board).items()} == {
        id: job["payload"] for id, job in before.items()
    }


def test_an_export_is_readable(jobs: Jobs, board: Board) -> None:
    board.put("b", "console", "one\ntwo\n", cron="0 3 * * *", timeout=5400)
    board.put("a", "console", "x")
    assert jobs("board", "export").stdout == (
        "jobs:\n"
        "  a:\n"
        "    runner: console\n"
        "    payload: x\n"
        "\n"
        "  b:\n"
        "    runner: console\n"
        "    payload: |\n"
        "      one\n"
        "      two\n"
        "    cron: 0 3 * * *\n"
        "    timeout: 1h30m\n"
    )
    assert yaml.safe_load(jobs("board", "export", "--match", "a*").stdout)["jobs"].keys() == {"a"}
    assert jobs("board", "export", "--match", "none").stdout == "jobs: {}\n"


def test_the_schema_knows_every_option(jobs: Jobs) -> None:
    schema = json.loads(jobs("board", "schema").stdout)
    job = schema["properties"]["jobs"]["additionalProperties"]
    assert set(job["properties"]) == {"runner", "payload", "group", *OPTIONS}
    assert job["additionalProperties"] is False
    assert all("description" in option for option in job["properties"].values())


def test_the_schema_accepts_valid_files_and_rejects_invalid_ones(jobs: Jobs) -> None:
    import fastjsonschema

    schema = json.loads(jobs("board", "schema").stdout)
    schema["$schema"] = "http://json-schema.org/draft-07/schema#"
    accepts = fastjsonschema.compile(schema)
    accepts(yaml.safe_load(TEXT))
    wrongs: list[Any] = [{"jbos": {}}, {"jobs": []}, {"jobs": {"a": {"evry": 5}}}]
    for wrong in [*wrongs, {"jobs": {"a": {"dst": "x"}}}]:
        with pytest.raises(fastjsonschema.JsonSchemaException):
            accepts(wrong)


def test_ten_thousand_jobs_are_applied(jobs: Jobs, board: Board, tmp_path: Path) -> None:
    path = tmp_path / "large.yml"

    def declare(count: int) -> None:
        numbers = range(10_000 - count, 10_000)
        entries = (f"  j{n}: {{payload: echo {n}, cron: '{n % 60} 3 * * *'}}\n" for n in numbers)
        path.write_text("defaults: {runner: console}\njobs:\n" + "".join(entries))

    declare(10_000)
    assert jobs("board", "check", str(path)).exit_code == 0
    applied = jobs("board", "apply", str(path)).stdout
    assert applied.endswith(f"board {board.name}: 10000 added, 0 unchanged\n")
    assert jobs("board", "apply", str(path)).stdout == f"board {board.name}: 10000 unchanged\n"
    declare(9_990)
    removed = jobs("board", "apply", str(path)).stdout.splitlines()
    assert removed[:-1] == [f"- j{n}" for n in range(10)]
    assert board.count()["jobs"] == 9_990
