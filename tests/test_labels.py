"""Labels: `name=value` on jobs, in files, on the command line and in both clients."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from jobs_core import AsyncBoard, Board, OptionError
from tests.helpers import Jobs, lines, refused


@pytest.fixture
def teams(board: Board) -> Board:
    """A board of three jobs with labels, and one without."""
    board.put("bill", "console", "x", every="1h", start="+1h", label={"team": "pay", "tier": 1})
    board.put("book", "console", "x", every="1h", start="+2h", label=["team=pay"])
    board.put("ship", "console", "x", label="team=ops")
    board.put("tidy", "console", "x", description="Nightly clean-up")
    return board


def ids(found: Any) -> list[str]:
    return [str(job["id"]) for job in found]


# Python


def test_labels_are_a_mapping_a_list_or_text(teams: Board) -> None:
    assert teams.show("bill")["label"] == ["team=pay", "tier=1"]
    assert teams.labels() == {"team=ops": 1, "team=pay": 2, "tier=1": 1}


def test_a_label_of_a_mapping_may_be_unset(board: Board) -> None:
    board.put("a", "console", "x", label={"team": "pay", "tier": None})
    assert board.labels() == {"team=pay": 1}
    board.edit("a", label={})
    assert board.labels() == {}


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ({"team": True}, "expected text or a number, got true"),
        ({"team": "a,tier=1"}, "expected labels without commas"),
        ({"a=b": "c"}, "expected a name such as team, got 'a=b'"),
        (["team=a,tier=1"], "expected labels without commas"),
        ([["x"]], "expected name=value, a list or a mapping, got a list"),
        ("team", "expected name=value, such as team=payments, got 'team'"),
    ],
)
def test_wrong_labels_are_rejected(board: Board, label: Any, says: str) -> None:
    with pytest.raises(OptionError, match=says) as caught:
        board.put("a", "console", "x", label=label)
    assert caught.value.option == "label"


def test_dump_and_load_keep_labels(teams: Board) -> None:
    dumped = [json.dumps(job) for job in teams.dump()]
    teams.remove("bill", "book", "ship", "tidy")
    assert teams.labels() == {}
    list(teams.load(dumped))
    assert teams.labels() == {"team=ops": 1, "team=pay": 2, "tier=1": 1}


@pytest.mark.parametrize(
    ("arguments", "options", "expected"),
    [
        ((), {"label": "team=pay"}, ["bill", "book"]),
        ((), {"label": {"team": "pay", "tier": 1}}, ["bill"]),
        (("b*k",), {"label": "team=pay"}, ["book"]),
        ((), {"label": "team=pay", "state": "manual"}, []),
        ((), {"text": "NIGHTLY"}, ["tidy"]),
        ((), {"failing": True}, ["book", "ship"]),
        ((), {"failing": 2, "label": "team=pay"}, ["book"]),
        ((), {"paused": True}, ["tidy"]),
        ((), {"paused": False, "label": "team=ops"}, ["ship"]),
        ((), {"runner": "http"}, []),
        ((), {"late": True, "running": True}, []),
        (("t*",), {"state": "paused"}, ["tidy"]),
    ],
)
def test_both_clients_find_and_list_the_same(
    teams: Board, url: str, arguments: tuple[str, ...], options: dict[str, Any], expected: list[str]
) -> None:
    teams.pause("tidy")
    teams.client.zadd(f"{teams.keys.tag}:failing", {"book": 2, "ship": 1})

    async def twin() -> tuple[list[str], list[str]]:
        async with AsyncBoard(teams.name, url, validate=False) as found:
            listed = [job["id"] async for job in found.list(*arguments, sort="id", **options)]
            return listed, [id async for id in found.find(*arguments, sort="id", **options)]

    assert ids(teams.list(*arguments, sort="id", **options)) == expected
    assert list(teams.find(*arguments, sort="id", **options)) == expected
    assert asyncio.run(twin()) == (expected, expected)


def test_found_jobs_are_sorted_by_their_next_run(teams: Board) -> None:
    teams.put("now", "console", "x", every="1h", label="team=pay")
    teams.put("never", "console", "x", label="team=pay")
    assert ids(teams.list(label="team=pay", sort="next")) == ["now", "bill", "book", "never"]


def test_an_empty_label_chooses_nothing(teams: Board) -> None:
    teams.push("ship")
    for choose in (teams.find, teams.tasks, teams.dead):
        with pytest.raises(OptionError, match="label: expected name=value"):
            list(choose(label={}))
    with pytest.raises(OptionError, match="label: expected name=value"):
        teams.dead_purge(label=[])
    with pytest.raises(OptionError, match="label: expected name=value"):
        teams.cancel_job(label={})
    assert len(list(teams.tasks())) == 1


def test_tasks_have_the_labels_their_jobs_had(teams: Board, url: str) -> None:
    for id in ("bill", "book", "ship"):
        teams.push(id)
    teams.edit("bill", label="team=ops")
    assert sorted(task["job"] for task in teams.tasks(label="team=pay")) == ["bill", "book"]
    assert teams.cancel_job(label="team=pay") == {"cancelled": 2, "cancelling": 0}
    assert [task["job"] for task in teams.tasks()] == ["ship"]

    async def twin() -> tuple[dict[str, int], dict[str, int], list[str]]:
        async with AsyncBoard(teams.name, url, validate=False) as found:
            history = [entry["job"] async for entry in found.history(label="team=ops")]
            return await found.labels(), await found.cancel_job(label="team=ops"), history

    labels, counts, history = asyncio.run(twin())
    assert (labels, counts) == (teams.labels(), {"cancelled": 1, "cancelling": 0})
    assert history == ["bill"]  # it has this label now


# The command line


def test_put_takes_labels_several_times(jobs: Jobs, board: Board) -> None:
    assert jobs("put", "a", "console", "x", "--label", "team=pay", "--label", "tier=1").exit_code == 0
    assert board.show("a")["label"] == ["team=pay", "tier=1"]
    assert "team=pay,tier=1" in jobs("show", "a").stdout
    assert jobs("edit", "a", "--label", "team=ops").exit_code == 0
    assert board.labels() == {"team=ops": 1}
    assert jobs("edit", "a", "--unset", "label").exit_code == 0
    assert board.labels() == {}
    refused(jobs("put", "a", "console", "x", "--label", "pay"), "label: expected name=value")


def test_labels_are_counted(jobs: Jobs, teams: Board) -> None:
    assert lines(jobs("labels", "--json")) == [
        {"label": "team=ops", "jobs": 1},
        {"label": "team=pay", "jobs": 2},
        {"label": "tier=1", "jobs": 1},
    ]
    assert jobs("labels").stdout.split() == ["label", "jobs", "team=ops", "1", "team=pay", "2", "tier=1", "1"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--label", "team=pay"], ["bill", "book"]),
        (["--label", "team=pay", "--label", "tier=1"], ["bill"]),
        (["bi*", "--label", "team=pay"], ["bill"]),
        (["--label", "team=pay", "--failing"], ["book"]),
        (["--paused"], ["tidy"]),
        (["--text", "clean"], ["tidy"]),
        (["--runner", "console", "--state", "manual"], ["ship"]),
        (["--late"], []),
        (["--running"], []),
    ],
)
def test_list_takes_filters(jobs: Jobs, teams: Board, words: list[str], expected: list[str]) -> None:
    teams.pause("tidy")
    teams.client.zadd(f"{teams.keys.tag}:failing", {"book": 1})
    assert ids(lines(jobs("list", *words, "--json"))) == expected


def test_pause_and_resume_take_labels(jobs: Jobs, teams: Board) -> None:
    assert jobs("pause", "--label", "team=pay").exit_code == 0
    assert ids(teams.list(state="paused", sort="id")) == ["bill", "book"]
    assert jobs("resume", "bi*", "--label", "team=pay").stdout.startswith("bill: next run")
    assert ids(teams.list(state="paused")) == ["book"]


def test_remove_by_label_asks_first(jobs: Jobs, teams: Board) -> None:
    refused(jobs("remove", "--label", "team=pay"), "Remove 2 jobs: bill, book? Pass --yes")
    assert jobs("remove", "--label", "team=pay", "--yes").stdout == "2 removed\n"
    assert sorted(teams.find()) == ["ship", "tidy"]


def test_push_runs_the_jobs_of_a_label(jobs: Jobs, teams: Board) -> None:
    pushed = [
        str(line["task"]).partition("@")[0] for line in lines(jobs("push", "--label", "team=pay", "--json"))
    ]
    assert pushed == ["bill", "book"]
    refused(jobs("push", "ship", "--label", "team=pay"), "--label runs jobs")


def test_commands_about_tasks_take_labels(jobs: Jobs, teams: Board) -> None:
    jobs("push", "--label", "team=pay")
    jobs("push", "ship")
    assert ids(lines(jobs("tasks", "--label", "tier=1", "--json")))[0].startswith("bill@")
    assert jobs("cancel", "--label", "tier=1").stdout == "tier=1: 1 cancelled, 0 asked to stop\n"
    assert [line["job"] for line in lines(jobs("history", "--label", "team=pay", "--json"))] == ["bill"]
    assert "has nothing of the label team=x" in jobs("history", "--label", "team=x").stderr


def test_dead_letters_are_chosen_by_label(jobs: Jobs, teams: Board) -> None:
    for id in ("bill", "ship"):
        teams.push(id)
    for task in teams.pop("console", count=2, lease=30):
        teams.ack(task.token, "dead")
    assert [line["job"] for line in lines(jobs("dead", "list", "--label", "team=pay", "--json"))] == ["bill"]
    assert jobs("dead", "retry", "--label", "team=pay").stdout == "1 retried\n"
    assert jobs("dead", "purge", "--label", "team=pay").stdout == "0 purged\n"
    assert jobs("dead", "purge", "--label", "team=ops").stdout == "1 purged\n"


@pytest.mark.parametrize("command", ["show", "pause", "resume", "remove"])
def test_a_label_without_a_job_is_a_mistake(jobs: Jobs, teams: Board, command: str) -> None:
    refused(jobs(command, "--label", "team=x"), "has the label team=x")
    refused(jobs(command, "ship", "--label", "team=pay"), "no job ship on the board")
    refused(jobs(command), "Name jobs: pass ids, patterns")


def test_a_shell_completes_labels(jobs: Jobs, teams: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_JOBS_COMPLETE", "zsh_complete")
    monkeypatch.setenv("COMP_WORDS", "jobs list --label team=")
    monkeypatch.setenv("COMP_CWORD", "3")
    found = jobs().stdout.split()
    assert [word for word in found if word.startswith("team=")] == ["team=ops", "team=pay"]


# Board files


def declared(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "board.yml"
    path.write_text(text)
    return path


BOARD = """
defaults: {runner: console, label: {team: pay, tier: 1}}
groups:
  late: {label: [stage=prod]}
jobs:
  plain: {payload: x}
  own: {payload: x, label: {team: ops, owner: "${WHO}"}}
  grouped: {payload: x, group: late, label: "tier=2,x=y"}
  fewer: {payload: x, label: {tier: null}}
  none: {payload: x, label: null}
"""


def test_labels_are_inherited_name_by_name(
    jobs: Jobs, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHO", "ann")
    path = declared(tmp_path, BOARD)
    assert jobs("board", "apply", str(path)).exit_code == 0
    assert {job["id"]: job.get("label") for job in board.list()} == {
        "plain": ["team=pay", "tier=1"],
        "own": ["owner=ann", "team=ops", "tier=1"],
        "grouped": ["stage=prod", "team=pay", "tier=2", "x=y"],
        "fewer": ["team=pay"],
        "none": None,
    }
    assert board.labels()["team=pay"] == 3
    assert jobs("board", "diff", str(path), "--exit-code").exit_code == 0


def test_an_exported_file_has_the_same_labels(jobs: Jobs, teams: Board, tmp_path: Path) -> None:
    teams.put("odd", "console", "x", label=["a=$HOME", "b=true", "c=1e3", "d=x=y"])
    path = declared(tmp_path, jobs("board", "export").stdout)
    assert "label:\n      team: pay\n      tier: '1'\n" in path.read_text()
    assert jobs("board", "diff", str(path), "--exit-code", "--adopt").stdout.endswith(
        "to adopt, 0 unchanged\n"
    )
    before = {job["id"]: job.get("label") for job in teams.list()}
    assert jobs("board", "apply", str(path), "--adopt").exit_code == 0
    assert {job["id"]: job.get("label") for job in teams.list()} == before


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ("[team]", "expected name=value, such as team=payments, got 'team'"),
        ("[team=a, team=b]", "expected one value for 'team', got two"),
        ("{team: [a]}", "label: expected"),
        ("{team: true}", "unexpected true or false"),
        ("{team: a b}", "label: expected a value of 1 to 63 bytes"),
        ("{te am: a}", "label: expected a name of 1 to 63 letters"),
    ],
)
def test_mistakes_in_a_file_are_located(jobs: Jobs, tmp_path: Path, label: str, says: str) -> None:
    path = declared(tmp_path, f"jobs:\n  a:\n    runner: console\n    payload: x\n    label: {label}\n")
    result = jobs("board", "check", str(path))
    assert result.exit_code == 2
    assert result.stdout.startswith(f"{path}:5:")
    assert says in result.stdout
