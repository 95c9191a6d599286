"""Patterns as ids, and commands about things of which nothing is known."""

from __future__ import annotations

import json

import pytest

from jobs_core import Board
from tests.helpers import Jobs, refused


@pytest.fixture
def three(board: Board) -> Board:
    for id in ("j1", "j2", "k"):
        board.put(id, "console", "x", every="1h", start="+1h")
    return board


def ids(board: Board) -> list[str]:
    return [job["id"] for job in board.list(sort="id")]


def test_remove_takes_a_pattern_with_yes(jobs: Jobs, three: Board) -> None:
    result = jobs("remove", "j*", "--yes")
    assert (result.exit_code, result.stdout) == (0, "2 removed\n")
    assert ids(three) == ["k"]


def test_remove_refuses_a_pattern_where_nobody_can_confirm_it(jobs: Jobs, three: Board) -> None:
    refused(jobs("remove", "j?"), "Remove 2 jobs: j1, j2? Pass --yes")
    assert ids(three) == ["j1", "j2", "k"]


@pytest.mark.parametrize(("answer", "left"), [("y\n", ["k"]), ("n\n", ["j1", "j2", "k"])])
def test_remove_asks_on_a_terminal(
    answer: str, left: list[str], jobs: Jobs, three: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs_core.cli.patterns._has_terminal", lambda: True)
    result = jobs("remove", "j[12]", input=answer)
    assert "Remove 2 jobs: j1, j2? [y/N]" in result.stdout
    assert result.exit_code == (0 if answer == "y\n" else 1)
    assert ids(three) == left


def test_an_id_is_not_a_pattern_if_there_is_such_a_job(jobs: Jobs, three: Board) -> None:
    three.put("j*", "console", "x")
    assert jobs("remove", "j*").exit_code == 0
    assert ids(three) == ["j1", "j2", "k"]


def test_ids_given_twice_need_no_confirmation(jobs: Jobs, three: Board) -> None:
    assert jobs("remove", "k", "k").exit_code == 0
    assert ids(three) == ["j1", "j2"]


@pytest.mark.parametrize("command", ["remove", "pause", "resume", "show"])
def test_a_pattern_without_a_match_is_a_mistake(command: str, jobs: Jobs, three: Board) -> None:
    refused(jobs(command, "x*"), "matches 'x*'")


def test_pause_resume_and_show_take_patterns(jobs: Jobs, three: Board) -> None:
    assert jobs("pause", "j*").exit_code == 0
    assert [job["state"] for job in three.list(sort="id")] == ["paused", "paused", "scheduled"]
    assert jobs("resume", "j*", "k").stdout.count("next run") == 3
    assert len(jobs("show", "?1", "k", "--json").stdout.splitlines()) == 2


def test_limit_shows_a_limit_or_says_that_there_is_none(jobs: Jobs, board: Board) -> None:
    board.limit("runner", "http", concurrency=20)
    assert "http" in jobs("limit", "runner", "http").stdout
    result = jobs("limit", "runner", "nope")
    assert (result.exit_code, result.stdout) == (0, "the runner nope has no limit\n")
    assert json.loads(jobs("limit", "queue", "http", "--json").stdout)["concurrency"] is None
    assert len(list(board.limits())) == 1


@pytest.mark.parametrize("words", [("--job", "nope"), ("nope@1",), ("--job", "nope", "--json")])
def test_history_says_that_nothing_is_known(words: tuple[str, ...], jobs: Jobs, board: Board) -> None:
    board.push("console", "x")
    board.pop("console")
    result = jobs("history", *words)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "has nothing of the" in result.stderr
    assert "nope" in result.stderr


class TestCancelJob:
    @pytest.fixture
    def busy(self, board: Board) -> Board:
        """A board with a running, a delayed, a held and 2 queued tasks of the job `a`, and one of `ab`."""
        board.put("a", "console", "x", rate="1/1h")
        board.put("ab", "console", "x")
        for _ in range(2):
            board.push("a")
        board.pop("console", count=2, lease=60)  # the second one is held
        board.push("a", in_="1h")
        board.push("a")
        board.push("a")
        board.push("ab")
        return board

    def test_it_cancels_all_tasks_of_a_job(self, jobs: Jobs, busy: Board) -> None:
        result = jobs("cancel", "--job", "a")
        assert (result.exit_code, result.stdout) == (0, "a: 4 cancelled, 1 asked to stop\n")
        assert [task["job"] for task in busy.tasks("queued")] == ["ab"]
        assert [task["job"] for task in busy.tasks()].count("a") == 1
        assert jobs("doctor", "--ledger").exit_code == 0

    def test_json(self, jobs: Jobs, busy: Board) -> None:
        found = json.loads(jobs("cancel", "--job", "a", "--json").stdout)
        assert found == {"job": "a", "cancelled": 4, "cancelling": 1}

    def test_many_tasks_in_a_long_queue(self, board: Board, jobs: Jobs) -> None:
        board.put("a", "console", "x")
        list(board.push_many([{"id": "a"}, {"runner": "console", "payload": "y"}] * 700))
        assert jobs("cancel", "--job", "a").stdout == "a: 700 cancelled, 0 asked to stop\n"
        assert board.count()["queued"] == 700

    def test_nothing_to_cancel(self, jobs: Jobs, board: Board) -> None:
        board.put("a", "console", "x")
        assert jobs("cancel", "--job", "a").stdout == "a: 0 cancelled, 0 asked to stop\n"
        refused(jobs("cancel", "--job", "nope"), "there is no job 'nope'")
        refused(jobs("cancel"), "cancel needs the ids of tasks, --job ID, or --label")


@pytest.mark.parametrize(
    "command",
    [
        *("show a", "pause a", "resume a", "remove a", "edit a --timeout 5", "next a", "push a"),
        *("stats --job a", "graph a", "cancel --job a"),
    ],
)
def test_every_command_names_the_board_that_lacks_a_job(jobs: Jobs, board: Board, command: str) -> None:
    result = jobs(*command.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"Error: there is no job 'a' on the board '{board.name}'\n"
