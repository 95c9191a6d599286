"""The rules of `jobs lint` about alerts find what they are for, and not what only looks like it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs_core import Board
from jobs_core.lint import Finding
from tests.helpers import Jobs, lines
from tests.test_lint_rules import NOW, job

JOBS: list[dict[str, Any]] = [
    job("daily", cron="0 3 * * *", timeout=60, label="team=web"),
    job("workdays", cron="H 3 * * MON-FRI", timeout=60),
    job("often", every=5, timeout=60, queue="mail"),
    job("once", every=5, policy="none", timeout=60),
    job("manual", timeout=60),
]

FOUND: dict[str, list[tuple[dict[str, Any], str]]] = {
    "unmatched-alert": [
        ({"for": "dayly"}, "is for 'dayly', which matches no job (did you mean 'daily'?)"),
        ({"for": "daily, report-*"}, "is for 'report-*', which matches no job"),
        ({"for": "team=pay"}, "is for 'team=pay', which matches no label"),
        ({"for": ["queue:main"]}, "is for 'queue:main', which matches no queue"),
    ],
    "alert-never-tells": [
        ({"when": "failed 2", "for": "once"}, "never tells of 'failed 2' of once: with its policy none"),
        ({"when": "long 2m", "for": "daily"}, "never tells of 'long 2m' of daily: its timeout of 1m stops"),
        (
            {"when": "dead, silent 2d", "for": "queue:mail"},
            "never tells of 'silent 2d', since it is only for",
        ),
    ],
    "alert-always-tells": [
        ({"when": "silent 1d", "for": "daily"}, "tells of 'silent 1d' of daily: its next run may come 1d"),
        (
            {"when": "silent 50h", "for": "*day*"},
            "tells of 'silent 50h' of workdays: its next run may come 3d",
        ),
        (
            {"when": "silent 5s", "for": "queue:mail,daily"},
            "tells of 'silent 5s' of daily, as of 1 more jobs",
        ),
        ({"when": "silent 1d", "for": "once"}, "tells of 'silent 1d' of once: with its policy none"),
    ],
}

MISSED: dict[str, list[dict[str, Any]]] = {
    "unmatched-alert": [
        {},
        {"for": "daily, *day*, team=web, queue:mail, queue:con*"},
        {"for": "push:*, queue:*, present, label=here, queue:busy"},
    ],
    "alert-never-tells": [
        {"when": "failed, long 59s", "for": "daily"},
        {"when": "failed, late 1m, unserved", "for": "queue:mail"},
        {"when": "silent 2d", "for": "queue:mail, daily"},
        {"when": "late 1m, missed, unserved", "for": "once"},
        {"when": "long 3x", "for": "daily"},
    ],
    "alert-always-tells": [
        {"when": "silent 26h", "for": "daily"},
        {"when": "silent 4d", "for": "workdays"},
        {"when": "silent 1s", "for": "manual"},
        {"when": "late 1s, long 1s, failed 3", "for": "daily"},
    ],
}


def alert(**options: Any) -> dict[str, Any]:
    return {"alert": "ops", "runner": "console", "payload": "x", "when": "failed"} | options


def found(board: Board, rule: str, **options: Any) -> list[Finding]:
    findings = board.lint(JOBS, alerts=[alert(**options)], now=NOW)
    return [finding for finding in findings if finding.rule == rule]


def cases(table: dict[str, list[Any]]) -> list[Any]:
    return [(rule, case) for rule, options in table.items() for case in options]


@pytest.mark.parametrize(("rule", "case"), cases(FOUND), ids=str)
def test_a_rule_finds(board: Board, rule: str, case: tuple[dict[str, Any], str]) -> None:
    options, says = case
    (finding,) = found(board, rule, **options)
    assert finding.sentence.startswith(f"the alert ops {says}")
    assert (finding.alert, finding.job) == ("ops", None)
    assert finding.why and finding.advice and rule in finding.silence
    assert found(board, rule, **options, **{"lint-ignore": rule}) == []


@pytest.mark.parametrize(("rule", "options"), cases(MISSED), ids=str)
def test_a_rule_does_not_find_a_near_miss(board: Board, rule: str, options: dict[str, Any]) -> None:
    board.put("present", "console", "x", label="label=here")
    board.push("console", "x", queue="busy")
    assert found(board, rule, **options) == []


def test_alerts_on_the_board_are_found_as_those_of_a_file(board: Board) -> None:
    given = [alert(alert=f"a{n}", **options) for n, (_, (options, _)) in enumerate(cases(FOUND))]
    as_file = {(one.rule, one.sentence) for one in board.lint(JOBS, alerts=given, now=NOW)}
    assert len(as_file) >= len(given)
    assert not [one for one in board.load([*JOBS, *given]) if isinstance(one, Exception)]
    assert {(one.rule, one.sentence) for one in board.lint(now=NOW)} == as_file


def test_long_compares_with_what_is_usual(board: Board) -> None:
    board.put("slow", "console", "x", timeout="1h")
    for start in range(0, 1000, 100):
        board.push("slow", now=NOW + start)
        (task,) = board.pop("console", lease=500, now=NOW + start)
        board.ack(task.token, "done", now=NOW + start + 90)
    board.alert_put("ops", "console", "x", when="long 1m")
    (finding,) = board.lint(now=NOW)
    assert finding.rule == "alert-always-tells"
    assert finding.sentence == "the alert ops tells of 'long 1m' of slow: a run usually takes 1m30s"


def test_a_paused_job_is_not_judged(board: Board) -> None:
    board.put("daily", "console", "x", cron="0 3 * * *", timeout=60)
    board.alert_put("ops", "console", "x", when="silent 1h")
    assert [one.rule for one in board.lint()] == ["alert-always-tells"]
    board.pause("daily")
    assert board.lint() == []


def test_jobs_without_an_alert_are_no_finding(board: Board) -> None:
    assert board.lint(JOBS, now=NOW) == []


def test_a_board_file_has_the_place_of_a_finding(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "board.yml"
    path.write_text(
        "jobs: {daily: {runner: console, payload: x, cron: 0 3 * * *, timeout: 1h}}\n"
        "alerts:\n"
        "  ops:\n"
        "    runner: console\n"
        "    payload: x\n"
        "    when: silent 1h\n"
        "    for: [daily, dayly]\n"
        "    lint-ignore: no-such\n"
    )
    result = jobs("lint", str(path), "--json")
    assert result.exit_code == 1
    given = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["rule"], one["alert"], one["line"]) for one in given] == [
        ("unmatched-alert", "ops", 7),
        ("alert-always-tells", "ops", 6),
        ("unknown-rule", "ops", 8),
    ]
    path.write_text(path.read_text().replace("no-such", "unmatched-alert,alert-always-tells"))
    assert lines(jobs("lint", str(path), "--json")) == []
