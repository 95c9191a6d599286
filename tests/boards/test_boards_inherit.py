"""What jobs of a board file inherit: only what can apply to them, and nothing that they unset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs_core import Board
from jobs_core.boardfile import read
from jobs_core.boardfile.schema import schema
from tests.helpers import Jobs

JOB = {"runner": "console", "payload": "x"}


def options(folder: Path, text: str, id: str = "a") -> dict[str, Any]:
    """The options of a job in a file without mistakes."""
    path = folder / "board.yml"
    path.write_text(text)
    found = read(path, {})
    assert found.problems == []
    return {job.id: dict(job.options) for job in found.boards[None].jobs}[id]


def inherited(folder: Path, defaults: dict[str, Any], **own: Any) -> dict[str, Any]:
    """The options of a job with these defaults."""
    return options(folder, yaml.safe_dump({"defaults": defaults, "jobs": {"a": JOB | own}}))


REPEATING = {"start": 5, "stop": "2030-01-01", "repeat": 3, "overlap": "skip"}
LATE = {"jitter": 5, "misfire": "skip", "grace": 60}


@pytest.mark.parametrize(
    ("defaults", "own", "expected"),
    [
        ({"zone": "Asia/Tokyo", "dst": "ocps"}, {}, {}),
        ({"zone": "Asia/Tokyo"}, {"every": 5}, {"every": 5}),
        ({"zone": "Asia/Tokyo"}, {"cron": "@daily"}, {"zone": "Asia/Tokyo", "cron": "@daily"}),
        (REPEATING | LATE, {}, {}),
        (REPEATING | LATE, {"at": 9}, {"at": 9}),
        (REPEATING | LATE, {"minutes": 5}, REPEATING | LATE | {"minutes": 5}),
        (REPEATING | LATE, {"after": "b"}, REPEATING | {"after": "b"}),
        ({"on": "end", "join": "any"}, {"every": 5}, {"every": 5}),
        ({"decay": 2, "step": 60}, {"every": "R/2026-01-01/P1M"}, {"every": "R/2026-01-01/P1M"}),
        ({"decay": 2, "step": 60}, {"cron": "@daily"}, {"cron": "@daily"}),
        ({"step": 60}, {"every": 5}, {"every": 5}),
        ({"every": 5}, {"cron": "@daily"}, {"cron": "@daily"}),
        ({"cron": "@daily", "zone": "Asia/Tokyo"}, {"every": 5}, {"every": 5}),
        ({"hours": 1}, {"after": "b"}, {"after": "b"}),
        ({"stop": 5}, {"every": 5, "duration": 9}, {"every": 5, "duration": 9}),
        ({"attempts": 5, "lease": 9, "keep": 9}, {"policy": "none"}, {"policy": "none"}),
        ({"overlap": "queue"}, {"every": 5, "concurrency": 3}, {"every": 5, "concurrency": 3}),
        ({"concurrency": 3}, {"every": 5, "overlap": "queue"}, {"every": 5, "overlap": "queue"}),
        ({"timeout": 5, "every": 9}, {"timeout": None}, {"every": 9}),
        ({"every": 9, "overlap": "skip"}, {"every": None}, {}),
    ],
)
def test_a_default_is_left_out_where_it_cannot_apply(
    tmp_path: Path, board: Board, defaults: dict[str, Any], own: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = inherited(tmp_path, defaults, **own)
    assert found == expected
    board.put("a", "console", "x", **found)  # Redis takes what is left


def test_what_a_job_says_itself_is_never_left_out(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "board.yml"
    path.write_text("jobs:\n  a: {runner: console, payload: x, zone: Asia/Tokyo}\n")
    result = jobs("board", "check", str(path))
    assert result.exit_code == 2
    assert f"{path}:2:36: zone: applies only with cron" in result.stdout


def test_a_group_unsets_a_default_and_replaces_its_schedule(tmp_path: Path) -> None:
    text = """
defaults: {runner: console, every: 5, timeout: 9}
groups:
  nightly: {cron: "@daily", timeout: null}
  slow: {like: nightly, timeout: 60}
jobs:
  a: {payload: x, group: nightly}
  b: {payload: x, group: slow}
"""
    assert options(tmp_path, text) == {"cron": "@daily"}
    assert options(tmp_path, text, "b") == {"cron": "@daily", "timeout": 60}


def test_lines_of_a_crontab_inherit_only_what_can_apply(tmp_path: Path) -> None:
    (tmp_path / "web.crontab").write_text("CRON_TZ=UTC\n@daily /srv/x\n")
    text = "include: web.crontab\ndefaults: {every: 5, timeout: 9, decay: 2}\n"
    assert options(tmp_path, text, "x") == {"cron": "@daily", "zone": "UTC", "timeout": 9}


def test_a_key_without_a_value_is_a_mistake_rather_than_null(tmp_path: Path) -> None:
    path = tmp_path / "board.yml"
    path.write_text("defaults: {timeout: 5}\njobs: {a: {runner: console, payload: x, timeout: }}\n")
    (problem,) = read(path, {}).problems
    assert problem.sentence == "timeout has no value; set one, or write null to unset a default"


def test_the_schema_of_editors_takes_null() -> None:
    properties = schema()["properties"]["jobs"]["additionalProperties"]["properties"]
    assert "null" in properties["timeout"]["type"]
    assert None in properties["overlap"]["enum"]
