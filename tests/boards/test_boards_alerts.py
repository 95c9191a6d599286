"""Alerts in board files: `jobs board`, `dump` and `load`, and the maps of on-failure and on-success."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
import yaml

from jobs_core import AsyncBoard, Board, OptionError
from jobs_core.boardfile import read
from jobs_core.boardfile.schema import schema
from tests.helpers import Jobs, lines

TEXT = """
name: mine
defaults: {runner: console, zone: Europe/Brussels, timeout: 1h}
jobs:
  tick: {payload: x, every: 1d}
alerts:
  ops:
    runner: console
    payload: "${WHO:-ops}: {subject}"
    when: [failed 3, late 10m]
    for: [tick, team=payments]
    every: 4h
    recovery: true
    quiet: 22:00-07:00
    attempts: 5
  pay: {runner: console, payload: {text: "{text}"}, when: dead}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A board file of a job and two alerts."""
    found = tmp_path / "board.yml"
    found.write_text(TEXT)
    return found


def alerts(board: Board) -> dict[str, Any]:
    return {alert.name: alert.declared for alert in board.alert_list()}


def mistakes(path: Path) -> list[str]:
    return [str(problem).removeprefix(f"{path}:") for problem in read(path, {}).problems]


def test_apply_puts_alerts_and_is_idempotent(jobs: Jobs, board: Board, path: Path) -> None:
    assert jobs("board", "check", str(path)).exit_code == 0
    done = jobs("board", "apply", str(path), "--because", "release 9")
    assert done.stdout.splitlines() == [
        "+ alert:ops  console  failed 3, late 10m, for tick, team=payments",
        "+ alert:pay  console  dead",
        "+ tick  console  every 1d",
        f"board {board.name}: 3 added, 0 unchanged",
    ]
    assert alerts(board)["ops"] == {
        **{"when": "failed 3, late 10m", "for": ["tick", "team=payments"], "runner": "console"},
        **{"payload": "ops: {subject}", "every": 14400, "recovery": True, "quiet": "22:00-07:00"},
        **{"zone": "Europe/Brussels", "burst": 10, "attempts": 5, "owner": "mine"},
    }
    assert alerts(board)["pay"]["payload"] == '{"text":"{text}"}'
    assert jobs("board", "apply", str(path)).stdout == f"board {board.name}: 3 unchanged\n"
    found = {change.target: change for change in board.changes() if change.what == "alert"}
    assert set(found) == {"alert:ops", "alert:pay"}
    assert {change.because for change in found.values()} == {"release 9"}


def test_diff_shows_alerts_and_a_file_removes_only_its_own(jobs: Jobs, board: Board, path: Path) -> None:
    jobs("board", "apply", str(path))
    board.alert_put("hand", "console", "x", when="dead")
    before = alerts(board)
    path.write_text(TEXT.replace("every: 4h", "every: 5h").partition("  pay:")[0])
    found = jobs("board", "diff", str(path))
    assert found.stdout.splitlines() == [
        "~ alert:ops  every: 4h → 5h",
        "- alert:pay",
        f"board {board.name}: 1 to change, 1 to remove, 1 unchanged",
    ]
    first, _ = lines(jobs("board", "diff", str(path), "--json"))
    assert (first["id"], first["change"], first["after"]) == ("alert:ops", "change", {"every": 18000})
    assert alerts(board) == before
    assert jobs("board", "apply", str(path), "--no-prune").exit_code == 0
    assert set(alerts(board)) == {"hand", "ops", "pay"}
    jobs("board", "apply", str(path))
    assert set(alerts(board)) == {"hand", "ops"}
    path.write_text("name: mine\njobs: {}\n")
    jobs("board", "apply", str(path))
    assert set(alerts(board)) == {"hand"} and board.count()["jobs"] == 0


def test_a_bad_alert_changes_nothing(jobs: Jobs, board: Board, path: Path) -> None:
    path.write_text(TEXT.replace("when: dead", "when: sometimes"))
    found = jobs("board", "apply", str(path))
    assert found.exit_code == 2
    where = TEXT.splitlines().index("  pay: " + TEXT.partition("  pay: ")[2].splitlines()[0]) + 1
    assert f"{path}:{where}:" in found.stderr
    assert "when: expected failed, dead" in found.stderr and "(alert 'pay')" in found.stderr
    assert board.count()["jobs"] == 0 and alerts(board) == {}


def test_check_finds_every_mistake_of_alerts(jobs: Jobs, path: Path) -> None:
    path.write_text(
        "alerts:\n"
        "  a:\n"
        "    runner: console\n"
        "    payload: x\n"
        "    when: sometimes\n"
        "    quiet: 22-7\n"
        "    every: 1x\n"
        "  b: {runner: nobody, payload: x, when: dead}\n"
        "  c: {runner: shell, payload: 'sh -c `{job}`', when: dead}\n"
    )
    found = jobs("board", "check", str(path))
    assert found.exit_code == 2
    starts = [line.removeprefix(f"{path}:")[:12] for line in found.stdout.splitlines()]
    assert starts[:3] == ["5:5: when: e", "6:5: quiet: ", "7:5: every: "]
    assert "8:7: there is no runner 'nobody'" in found.stdout
    assert "9:22: payload: " in found.stdout and "(alert 'c')" in found.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("alerts: {a: {payload: x, when: dead}}", "1:10: the alert 'a' has no runner"),
        ("defaults: {runner: console}\nalerts: {a: {payload: x}}", "2:10: the alert 'a' has no runner"),
        ("alerts: {a: {runner: console, when: dead}}", "1:10: the alert 'a' has no payload"),
        (
            "alerts: {a: {runner: console, payload: x, wen: dead}}",
            "1:43: unknown key 'wen' (did you mean 'when'?)",
        ),
        ("alerts: {a: {runner: console, payload: x, recovery: 5}}", "1:53: recovery: expected true or false"),
        ("alerts: {a: {runner: console, payload: x, when: {a: 1}}}", "1:49: when: expected a value or a"),
        ("alerts: {a: {runner: c, payload: x}, a: {runner: c, payload: x}}", "1:38: duplicate alert 'a'"),
        ("alerts: [a]", "1:9: alerts: expected a mapping of keys to values"),
        ("alerts: {}\nboards: {}", "2:9: boards cannot be combined with jobs, alerts or board"),
        ("alerts: {a: {runner: c, payload: '${X}'}}", "1:34: payload: the variable X is not set"),
    ],
)
def test_mistakes_of_alerts_are_located(path: Path, text: str, says: str) -> None:
    path.write_text(text)
    assert any(found.startswith(says) for found in mistakes(path)), mistakes(path)


def test_boards_and_includes_have_alerts(jobs: Jobs, board: Board, path: Path) -> None:
    (path.parent / "more.yml").write_text(
        "alerts: {more: {runner: console, payload: x, when: dead, quiet: 22:00-07:00, zone: UTC}}"
    )
    path.write_text(
        "defaults: {zone: Asia/Tokyo}\ninclude: more.yml\n"
        "alerts: {own: {runner: console, payload: x, when: dead, quiet: 22:00-07:00, recovery: no}}"
    )
    assert jobs("board", "apply", str(path)).exit_code == 0
    assert {name: found["zone"] for name, found in alerts(board).items()} == {
        "own": "Asia/Tokyo",
        "more": "UTC",
    }
    path.write_text("boards: {a: {alerts: {x: {runner: c, payload: y, when: dead}}}, b: {jobs: {}}}")
    found = read(path)
    assert [alert.id for alert in found.boards["a"].alerts] == ["x"] and found.boards["b"].all == []


def test_export_is_applied_without_a_change(jobs: Jobs, board: Board, path: Path) -> None:
    jobs("board", "apply", str(path))
    board.put("call", "console", "x", on_failure='console {"text":"{subject}"}', on_success="console ${x}")
    before = alerts(board), {job["id"]: job for job in board.list()}
    out = path.parent / "out.yml"
    assert jobs("board", "export", str(out)).exit_code == 0
    found = yaml.safe_load(out.read_text())
    assert found["jobs"]["call"]["on-failure"] == {"runner": "console", "payload": {"text": "{subject}"}}
    assert found["alerts"]["ops"]["every"] == "4h" and "owner" not in found["alerts"]["ops"]
    fastjsonschema.compile(schema())(found)
    assert jobs("board", "apply", str(out), "--adopt").stdout.splitlines()[-1] == (
        f"board {board.name}: 4 adopted, 0 unchanged"
    )
    assert {name: found | {"owner": "mine"} for name, found in alerts(board).items()} == before[0]
    assert {job["id"]: job for job in board.list()} == before[1]
    assert "alerts" not in jobs("board", "export", "--match", "*").stdout


def test_the_schema_knows_alerts() -> None:
    check = fastjsonschema.compile(schema())
    check(yaml.safe_load(TEXT))
    for wrong in (
        {"runner": "c", "payload": "x"},
        {"runner": "c", "payload": "x", "when": "dead", "to": "x"},
    ):
        with pytest.raises(fastjsonschema.JsonSchemaValueException):
            check({"alerts": {"a": wrong}})


def test_on_failure_is_a_map_or_a_text(jobs: Jobs, board: Board, path: Path) -> None:
    path.write_text(
        "jobs:\n"
        "  a:\n"
        "    runner: console\n"
        "    payload: x\n"
        "    on-failure: {runner: console, payload: {text: '{subject} ${WHO:-me}'}}\n"
        "    on-success: {runner: console, payload: all is well}\n"
    )
    assert jobs("board", "apply", str(path)).exit_code == 0
    found = board.show("a")
    assert found["on-failure"] == 'console {"text":"{subject} me"}'
    assert found["on-success"] == "console all is well"
    for value, says in (
        ("{runner: console}", "5:17: on-failure: expected a runner and a payload"),
        ("{runner: console, payload: x, to: y}", "5:47: unknown key 'to'"),
        ("{runner: a b, payload: x}", "5:17: on-failure: expected the name of a runner, got 'a b'"),
        ("[console]", "5:17: on-failure: expected a value"),
    ):
        path.write_text(f"jobs:\n  a:\n    runner: console\n    payload: x\n    on-failure: {value}\n")
        assert [line for line in mistakes(path) if line.startswith(says)], mistakes(path)
    path.write_text(
        "jobs:\n  a:\n    runner: console\n    payload: x\n    on-failure: {runner: no, payload: x}\n"
    )
    refused = jobs("board", "apply", str(path))
    assert refused.exit_code == 2 and f"{path}:5:5: on-failure: there is no runner 'no'" in refused.stderr


def test_a_file_of_alerts_only_is_one(jobs: Jobs, board: Board, path: Path) -> None:
    path.write_text("alerts: {a: {runner: console, payload: x, when: dead}}")
    assert jobs("board", "apply", str(path)).exit_code == 0
    assert set(alerts(board)) == {"a"}


def test_dump_and_load_keep_alerts_and_their_owner(
    jobs: Jobs, board: Board, path: Path, tmp_path: Path
) -> None:
    jobs("board", "apply", str(path))
    dumped = jobs("dump").stdout
    assert [json.loads(line).get("alert") for line in dumped.splitlines()] == [None, "ops", "pay"]
    before = alerts(board)
    board.alert_remove("ops", "pay")
    (tmp_path / "dump").write_text(dumped + '{"alert": "x", "runner": "console"}\n')
    found = jobs("load", str(tmp_path / "dump"))
    assert found.exit_code == 2
    assert "dump:4: an alert needs a name, a runner and a payload: payload is missing" in found.stderr
    assert "3 loaded, 1 refused" in found.stderr
    assert alerts(board) == before


def test_clients_apply_and_load_alerts(board: Board, url: str) -> None:
    ops = {"alert": "ops", "runner": "console", "payload": "x", "when": ["dead", "late 5m"], "for": "a"}
    assert [change.id for change in board.apply([], "me", alerts=[ops]).changes] == ["alert:ops"]
    assert board.apply([], "me").changes == []  # nothing is said of alerts
    bad = board.apply([{"id": "a", "runner": "console", "payload": "x"}], "me", alerts=[ops | {"every": "x"}])
    assert list(bad.refused) == [1] and isinstance(bad.refused[1], OptionError)
    assert bad.refused[1].option == "every" and board.count()["jobs"] == 0
    twice = board.apply([], "me", alerts=[ops, ops | {"when": "done"}])
    assert str(twice.refused[1]) == "alert: the alert 'ops' is declared twice"

    async def use() -> None:
        async with AsyncBoard(board.name, url) as found:
            dumped = [thing async for thing in found.dump()]
            assert [thing["alert"] for thing in dumped] == ["ops"]
            plan = await found.apply([], "me", alerts=[])
            assert [change.kind for change in plan.changes] == ["remove"]
            assert await found.load(dumped) == [None]

    asyncio.run(use())
    assert alerts(board)["ops"]["owner"] == "me"
