"""Applying declared jobs atomically: changes, ownership, and kills at any moment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from jobs_core import Board, StaleError
from jobs_core.client import apply as applying
from jobs_core.client.apply import Plan
from jobs_core.engine.commands import Commands
from jobs_core.engine.keys import Keys
from tests.helpers import wait_until

FILE = "board.yml"


def jobs(count: int, payload: str = "x", **options: Any) -> list[dict[str, Any]]:
    return [
        {"id": f"j{number}", "runner": "test", "payload": payload, "every": 3600} | options
        for number in range(count)
    ]


def kinds(found: Plan) -> dict[str, str]:
    return {change.id: change.kind for change in found.changes}


def state(board: Board) -> dict[str, Any]:
    return {job["id"]: job for job in board.list()}


def test_a_plan_lists_changes_and_makes_none(board: Board) -> None:
    found = board.plan(jobs(3), FILE)
    assert kinds(found) == {"j0": "add", "j1": "add", "j2": "add"}
    assert state(board) == {}


def test_applying_twice_changes_nothing(board: Board) -> None:
    board.apply(jobs(300), FILE)
    before = state(board)
    assert len(before) == 300
    again = board.apply(jobs(300), FILE)
    assert (again.changes, again.same) == ([], 300)
    assert state(board) == before


def test_a_change_names_the_options_that_differ(board: Board) -> None:
    board.apply(jobs(2), FILE)
    (change,) = board.apply([jobs(1)[0], jobs(2)[1] | {"every": 60, "timeout": 5}], FILE).changes
    assert (change.id, change.kind, sorted(change.names)) == ("j1", "change", ["every", "timeout"])
    assert board.show("j1")["every"] == 60


def test_undeclared_jobs_are_removed(board: Board) -> None:
    board.apply(jobs(50), FILE)
    board.put("mine", "test", "x")
    found = board.apply(jobs(50)[10:], FILE)
    assert kinds(found) == {f"j{number}": "remove" for number in range(10)}
    assert found.same == 40
    assert sorted(state(board)) == sorted(["mine", *(f"j{number}" for number in range(10, 50))])


def test_without_pruning_undeclared_jobs_stay(board: Board) -> None:
    board.apply(jobs(2), FILE)
    assert board.apply(jobs(1), FILE, prune=False).changes == []
    assert len(state(board)) == 2
    assert kinds(board.apply(jobs(1), FILE)) == {"j1": "remove"}


def test_a_rejected_job_stops_the_whole_apply(board: Board) -> None:
    board.apply(jobs(2), FILE)
    found = board.apply([*jobs(1, "new"), {"id": "b", "runner": "test", "payload": "x", "every": "so"}], FILE)
    assert {place: str(error) for place, error in found.refused.items()} == {
        1: "every: expected a duration such as 90, 1h30m or PT1H30M, got 'so'"
    }
    assert {job["payload"] for job in state(board).values()} == {"x"}
    assert len(state(board)) == 2


def test_jobs_of_other_owners_are_rejected_unless_adopted(board: Board) -> None:
    board.put("j0", "test", "by hand")
    refused = board.apply(jobs(1), FILE).refused
    assert "the job 'j0' belongs to no board file: adopt it" in str(refused[0])
    assert state(board)["j0"]["payload"] == "by hand"
    assert kinds(board.apply(jobs(1), FILE, adopt=True)) == {"j0": "change"}
    assert kinds(board.apply([], FILE)) == {"j0": "remove"}


def test_adopting_an_unchanged_job_changes_only_its_owner(board: Board) -> None:
    board.put("j0", "test", "x", every=3600)
    assert kinds(board.apply(jobs(1), FILE, adopt=True)) == {"j0": "adopt"}
    assert board.apply(jobs(1), FILE).changes == []


def test_two_files_share_a_board(board: Board) -> None:
    board.apply(jobs(2), FILE)
    board.apply([{"id": "k", "runner": "test", "payload": "x"}], "other.yml")
    assert sorted(state(board)) == ["j0", "j1", "k"]
    board.apply([], FILE)
    assert sorted(state(board)) == ["k"]


def test_a_job_that_is_declared_twice_is_refused(board: Board) -> None:
    first, again = jobs(1)[0], jobs(1, "y")[0]
    found = board.apply([first, *jobs(3)[1:], again], FILE)
    assert {place: str(error) for place, error in found.refused.items()} == {
        3: "id: the job 'j0' is declared twice"
    }
    assert state(board) == {}


def test_a_cycle_is_refused(board: Board) -> None:
    ring = [{"id": id, "runner": "test", "payload": "x", "after": after} for id, after in ("ab", "bc", "ca")]
    found = board.apply(ring, FILE)
    assert "after: expected no cycle, got a after b after c after a" in str(found.refused[0])
    assert state(board) == {}


def test_progress_counts_every_job(board: Board) -> None:
    seen: list[int] = []
    board.apply(jobs(250), FILE, advance=seen.append)
    assert sum(seen) == 250


def test_a_concurrent_change_restarts_the_apply(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    others = iter([True, False])
    call = Commands.call

    def meanwhile(commands: Commands, name: str, *arguments: Any) -> Any:
        if (name, *arguments[:1]) == ("JAPPLY", "commit") and next(others, False):
            with monkeypatch.context() as calm:
                calm.setattr(Commands, "call", call)
                board.apply([{"id": "k", "runner": "test", "payload": "x"}], "other.yml")
        return call(commands, name, *arguments)

    monkeypatch.setattr(Commands, "call", meanwhile)
    board.apply(jobs(1), FILE)
    assert sorted(state(board)) == ["j0", "k"]


def test_constant_concurrent_changes_fail_with_an_error(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Commands.call

    def meanwhile(commands: Commands, name: str, *arguments: Any) -> Any:
        if (name, *arguments[:1]) == ("JAPPLY", "commit"):
            board.client.hincrby(board.keys.stats, "revision", 1)
        return call(commands, name, *arguments)

    monkeypatch.setattr(Commands, "call", meanwhile)
    monkeypatch.setattr(applying, "PAUSE", 0)
    with pytest.raises(StaleError, match="kept changing while the file was applied"):
        board.apply(jobs(1), FILE)
    assert state(board) == {}


@pytest.fixture
def committed(board: Board) -> Board:
    """A board with a commit of 250 jobs, none of which is rolled forward yet."""
    stage = board.commands.call("JAPPLY", "begin")
    words = [word for number in range(250) for word in (3, f"k{number}", "test", "x")]
    board.commands.call("JSTAGE", stage, "other.yml", "put", *words)
    board.commands.call("JAPPLY", "commit", stage, "other.yml")
    return board


def test_an_unfinished_commit_is_rolled_forward_first(committed: Board) -> None:
    found = committed.apply(jobs(120), FILE)
    assert (found.refused, len(found.changes)) == ({}, 120)
    assert len(state(committed)) == 370


def test_an_unfinished_commit_is_rolled_forward_before_bulk_puts(committed: Board) -> None:
    assert len([next for next in committed.put_many(jobs(120)) if next]) == 120


def test_an_unfinished_commit_is_rolled_forward_before_bulk_pushes(committed: Board) -> None:
    (task,) = committed.push_many([{"id": "k0"}])
    assert str(task).startswith("k0@")


def test_jobs_of_any_size_are_applied(board: Board) -> None:
    board.apply(jobs(12, 300_000 * "x"), FILE)
    assert len(board.apply(jobs(12), FILE).changes) == 12
    board.apply(jobs(12, 300_000 * "x"), FILE)
    assert len(board.apply([], FILE).changes) == 12
    assert state(board) == {}


def test_each_cycle_is_reported_once_and_nothing_is_applied(board: Board) -> None:
    edges = ("ab", "bc", "ca", "de", "ed", "fa", "g ")
    declared = [
        {"id": id, "runner": "test", "payload": "x"} | ({"after": after} if after.strip() else {})
        for id, after in edges
    ]
    found = board.apply(declared, FILE)
    assert {place: str(error) for place, error in found.refused.items()} == {
        0: "after: expected no cycle, got a after b after c after a",
        3: "after: expected no cycle, got d after e after d",
    }
    assert state(board) == {}


class _Killed(Exception):
    pass


def apply_some(board: Board, declared: list[dict[str, Any]], allowed: int) -> bool:
    """Apply jobs, but raise an exception after so many round trips. Returns whether it finished."""
    batch, stream = Commands.batch, Commands.stream
    left = iter(range(allowed))

    def step() -> None:
        if next(left, None) is None:
            raise _Killed

    def counted(commands: Commands, calls: Any) -> Any:
        step()
        return batch(commands, calls)

    def counted_stream(commands: Commands, calls: Any, size: int = 500) -> Iterator[Any]:
        for reply in stream(commands, calls, 1):
            step()
            yield reply

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Commands, "batch", counted)
        patch.setattr(Commands, "stream", counted_stream)
        try:
            board.apply(declared, FILE)
        except _Killed:
            return False
    return True


def test_stopped_after_any_call_it_leaves_the_old_board_or_the_new(board: Board) -> None:
    old, new = jobs(250, "old"), jobs(300, "new")[50:]
    wanted = [{(job["id"], job["payload"]) for job in declared} for declared in (old, new)]
    found = []
    for allowed in range(100):
        board.apply(old, FILE)
        ended = apply_some(board, new, allowed)
        found.append(wanted.index({(id, job["payload"]) for id, job in state(board).items()}))
        if ended:
            break
    assert found == sorted(found)
    assert found.count(0) > 5
    assert found.count(1) > 3


SCRIPT = """
import sys
from jobs_core import Board
board = Board(sys.argv[1], sys.argv[2], validate=False)
board.count()
jobs = [{"id": f"j{n}", "runner": "test", "payload": sys.argv[3], "every": 3600} for n in range(2000)]
print("ready", flush=True)
board.apply(jobs, "board.yml", advance=lambda n: print(n, flush=True))
print("end", flush=True)
"""


@pytest.mark.parametrize("lines", [1, 5, 15, 20, 21])
def test_killed_at_any_moment_it_leaves_the_old_board_or_the_new(board: Board, url: str, lines: int) -> None:
    """Kill a process after it has printed so many lines: while it stages, commits or rolls forward."""
    board.apply(
        [{"id": f"j{n}", "runner": "test", "payload": "old", "every": 3600} for n in range(2000)], FILE
    )
    words = [sys.executable, "-c", SCRIPT, board.name, url, "new"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.kill()
    payloads = [job["payload"] for job in board.list()]
    assert len(payloads) == 2000
    assert set(payloads) in ({"old"}, {"new"})
    wait_until(lambda: not board.client.exists(f"{Keys(board.name).tag}:rolling"))
