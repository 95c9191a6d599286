"""Board files of a board with four partitions: plans, pruning, two files at once, and killed clients."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs_core import AsyncBoard, Board
from jobs_core.client.apply import read_owners
from jobs_core.engine.partitions import commits
from tests.conftest import REMOVE, Jobs
from tests.test_apply import FILE, SCRIPT, jobs, kinds


@pytest.fixture
def board(board: Board) -> Iterator[Board]:
    """An empty board of four partitions."""
    board.init(partitions=4)
    yield board
    for part in board.partitions:
        part.client.eval(REMOVE, 0, f"{part.keys.tag}:*")


def payloads(board: Board, count: int = 40, prefix: str = "j") -> list[str | None]:
    """Return the payloads of jobs, in order."""
    found = board.commands.call("JGET", *(f"{prefix}{number}" for number in range(count)))
    return [text and json.loads(text)["payload"] for text in found]


def test_a_plan_lists_the_changes_of_all_partitions_in_order(board: Board) -> None:
    found = board.plan(jobs(40), FILE)
    assert [change.id for change in found.changes] == [f"j{number}" for number in range(40)]
    assert payloads(board) == [None] * 40
    assert len(board.apply(jobs(40), FILE).changes) == 40
    assert board.apply(jobs(40), FILE).same == 40
    assert set(read_owners(board.commands)) == {(f"j{number}", FILE) for number in range(40)}


def test_a_file_owns_its_jobs_in_all_partitions(board: Board) -> None:
    board.apply(jobs(40), FILE)
    board.put("k0", "test", "by hand")
    assert board.apply(jobs(10), FILE, prune=False).changes == []
    pruned = board.apply(jobs(10), FILE)
    assert kinds(pruned) == {f"j{number}": "remove" for number in range(10, 40)}
    assert payloads(board) == ["x"] * 10 + [None] * 30
    mine = [{"id": "k0", "runner": "test", "payload": "adopted"}]
    assert "belongs to no board file" in str(board.apply(mine, "k.yml").refused[0])
    assert kinds(board.apply(mine, "k.yml", adopt=True)) == {"k0": "change"}


def test_a_rejected_job_stops_the_file_in_all_partitions(board: Board) -> None:
    found = board.apply([*jobs(40), {"id": "k", "runner": "test", "payload": "x", "every": "so"}], FILE)
    assert list(found.refused) == [40]
    assert payloads(board) == [None] * 40


def test_a_cycle_over_partitions_is_rejected(board: Board) -> None:
    chain = [job | {"after": f"j{number + 1}"} for number, job in enumerate(jobs(12))]
    for job in chain:
        del job["every"]
    assert len(board.apply(chain, FILE).changes) == 12
    found = board.apply([*chain[:11], chain[11] | {"after": "j3"}], FILE)
    (error,) = found.refused.values()
    assert "after: expected no cycle, got " in str(error) and "j11 after j3" in str(error)
    assert board.apply(chain, FILE).changes == []


def test_two_files_at_once_are_both_applied(board: Board, url: str) -> None:
    errors: list[BaseException] = []

    def apply(prefix: str) -> None:
        try:
            with Board(board.name, url, validate=False) as other:
                for payload in "abcd":
                    declared = [job | {"id": f"{prefix}{job['id']}"} for job in jobs(40, payload)]
                    assert not other.apply(declared, f"{prefix}.yml").refused
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=apply, args=(prefix,)) for prefix in "uv"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert payloads(board, prefix="uj") == payloads(board, prefix="vj") == ["d"] * 40


@pytest.mark.parametrize("lines", [1, 15, 20, 21])
def test_killed_at_any_moment_it_leaves_the_old_board_or_the_new(board: Board, url: str, lines: int) -> None:
    """Kill a process after it has printed so many lines: while it stages, commits or rolls forward."""
    declared = [{"id": f"j{n}", "runner": "test", "payload": "old", "every": 3600} for n in range(2000)]
    board.apply(declared, FILE)
    words = [sys.executable, "-c", SCRIPT, board.name, url, "new"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.kill()
    assert payloads(board, 2000) in (["old"] * 2000, ["new"] * 2000)


FREEZING = """
import os, sys
from jobs_core import Board
from jobs_core.engine.partitions import spread
board = Board(sys.argv[1], sys.argv[2], validate=False)
left, ask = int(sys.argv[3]), spread.Spread.ask

def killed(self, calls):
    global left
    if calls[0][1][1][0] in ("prepare", "settle", "close", "roll"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
    return ask(self, calls)

spread.Spread.ask = killed
jobs = [{"id": f"j{n}", "runner": "test", "payload": "new", "every": 3600} for n in range(40)]
board.apply(jobs, "board.yml")
"""


@pytest.mark.parametrize(
    ("steps", "payload"), [(0, "old"), (1, "old"), (2, "old"), (3, "new"), (4, "new"), (5, "new")]
)
def test_killed_between_two_steps_of_the_commit(
    board: Board, url: str, monkeypatch: pytest.MonkeyPatch, steps: int, payload: str
) -> None:
    monkeypatch.setattr(commits, "SILENCE", 0)
    board.apply(jobs(40, "old"), FILE)
    killed = subprocess.run([sys.executable, "-c", FREEZING, board.name, url, str(steps)], check=False)
    assert killed.returncode == -9
    assert payloads(board) == [payload] * 40


def test_asyncio_goes_on_with_a_commit(board: Board, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "SILENCE", 0)
    board.apply(jobs(40, "old"), FILE)
    subprocess.run([sys.executable, "-c", FREEZING, board.name, url, "3"], check=False)

    async def go_on() -> None:
        async with AsyncBoard(board.name, url, validate=False) as other:
            assert (await other.show("j7"))["payload"] == "new"
            assert len((await other.apply(jobs(40, "newer"), FILE)).changes) == 40

    asyncio.run(go_on())
    assert payloads(board) == ["newer"] * 40


def test_alerts_are_applied_with_the_jobs(board: Board) -> None:
    ops = [{"alert": f"ops{n}", "runner": "tell", "payload": "x", "when": "dead"} for n in range(6)]
    found = board.apply(jobs(4), FILE, alerts=ops)
    assert [change.id for change in found.changes if change.id.startswith("alert:")] == [
        f"alert:ops{n}" for n in range(6)
    ]
    assert {json.loads(text)["name"] for text in board.commands.call("JALERTS")} == {
        f"ops{n}" for n in range(6)
    }
    assert board.apply(jobs(4), FILE, alerts=ops).changes == []
    assert kinds(board.apply(jobs(4), FILE, alerts=ops[:5])) == {"alert:ops5": "remove"}


def test_the_command_line_applies_compares_and_exports_a_file(
    jobs: Jobs, board: Board, tmp_path: Path
) -> None:
    path = tmp_path / "board.yml"
    path.write_text(
        "defaults: {runner: console}\njobs:\n"
        + "".join(f"  j{n}: {{payload: x, every: 1h}}\n" for n in range(8))
        + "  last: {payload: y, after: [j0, j7]}\n"
    )
    assert f"board {board.name}: 9 to add, 0 unchanged" in jobs("board", "diff", str(path)).output
    assert "9 added, 0 unchanged" in jobs("board", "apply", str(path)).output
    assert "9 unchanged" in jobs("board", "diff", str(path)).output
    exported = jobs("board", "export").output
    assert "last:" in exported and "- j7" in exported
    path.write_text("jobs: {}\n")
    assert "9 removed" in jobs("board", "apply", str(path)).output


def test_a_dump_is_loaded_into_a_board_with_partitions(board: Board) -> None:
    first = [*jobs(12), {"id": "k", "runner": "test", "payload": "x", "after": ["j0", "j7", "gone"]}]
    dumped = [
        *({"next": "none"} | job for job in first),
        {"id": "p", "runner": "test", "payload": "x", "paused": 1},
    ]
    dumped.append({"alert": "ops", "runner": "tell", "payload": "x", "when": "dead"})
    assert not [found for found in board.load(dumped) if isinstance(found, Exception)]
    assert payloads(board, 12) == ["x"] * 12
    shown = {id: board.show(id) for id in ("j3", "k", "p")}
    assert shown["j3"].get("next") is None
    assert shown["k"]["after"] == ["j0", "j7", "gone"]
    assert shown["p"]["state"] == "paused"
