"""A board that is moved with its ledger: what it had counted, its runs, tasks, history and settings stay."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobs_core import AsyncBoard, Board, ConflictError, JobsError, LayoutError, OptionError, StaleError
from jobs_core.engine.ledger import SUMS, total
from tests.conftest import REMOVE
from tests.helpers import Jobs, refused

HOUR = 3600
NOW = int(time.time()) // HOUR * HOUR


def run(board: Board, queue: str, verb: Any = "done", **options: Any) -> str:
    """Take the next task of a queue, print a line, and report on it."""
    (task,) = board.pop(queue, lease=60, worker="host-1")
    board.commands.call("JOUTPUT", task.token, "stdout", f"line of {task.id}")
    board.ack(task.token, verb, **options)
    return task.id


def fill(board: Board) -> None:
    """Give a board a ledger: something of all that it may have."""
    board.retain(runs=30, dead_age="90d")
    board.limit("queue", "mail", concurrency=1, max_length=50)
    board.limit("runner", "slow", concurrency=1)
    board.put("report", "echo", "x", every=HOUR, start=NOW - 30 * HOUR, keep="1d", label="team=web")
    board.put("both", "child", "x", after=["report", "other"])
    board.put("late", "child", "x", at=NOW - HOUR, after=["other"])
    board.put("single", "single", "x", every=HOUR, overlap="skip", queue="single")
    board.put("old", "echo", "x", at=NOW - HOUR)
    board.put("paused", "echo", "x", every=60)
    board.pause("paused", because="moving")
    board.apply([{"id": "filed", "runner": "filed", "payload": "x", "every": HOUR}], "board.yml")
    board.alert_put("ops", "notify", "x", when=["late 1d"])
    board.tick()
    board.push("single")
    board.push("report")
    run(board, "echo")
    board.push("report")
    run(board, "echo")
    board.push("report")
    run(board, "echo", "dead", note="as you wish", code="as-you-wish", tail="a1\no the last line")
    board.push("report")
    run(board, "echo", "retry", delay=600, note="again")
    for payload in ("first", "second", "third"):
        board.push("slow", payload)
    (first,) = board.pop("slow", count=3, lease=60)
    board.ack(first.token)
    board.push("echo", "urgent", priority=5, keep="1h", queue="urgent")
    board.push("echo", "later", in_="2h", queue="later")
    board.push("gone", "x", policy="none")
    board.pop("gone")
    board.push("echo", "\x7f 'quoted'\n☃", queue="odd", keep="1h")
    board.backfill("report", NOW - 20 * HOUR, NOW - 10 * HOUR, concurrency=2)
    while any(one.state == "planning" for one in board.backfill_list()):
        board.tick()
    run(board, "echo")


def snapshot(board: Board) -> dict[str, Any]:
    """Return everything that a board shows."""
    jobs = sorted(job["id"] for job in board.list())
    tasks = [*board.tasks(payload=True), *board.tasks("dead", payload=True)]
    for task in tasks:
        task.get("held", task).pop("opens", None)  # a limit that is set opens with the next tick
    return {
        "jobs": {job["id"]: job for job in board.list(summary=True)},
        "stats": board.stats(),
        "of jobs": {job: board.stats(job) for job in jobs},
        "runs": {job: list(board.runs(job)) for job in jobs},
        "when": {job: board.when(job) for job in jobs},
        "counts": {name: n for name, n in board.count().items() if n},
        "tasks": sorted(tasks, key=lambda task: str(task["id"])),
        "order": [task["payload"] for task in board.tasks("held", payload=True)],
        "history": list(board.history()),
        "hours": board.hours(),
        "gaps": board.gaps(),
        "backfills": list(board.backfill_list()),
        "limits": list(board.limits()),
        "retention": board.retention(),
        "alerts": [alert.name for alert in board.alert_list()],
        "printed": [list(board.logs(task["id"])) for task in board.dead()],
        "output": {entry["task"]: output(board, entry["task"]) for entry in board.history()},
        "owners": board.plan([], "board.yml").changes,
    }


def output(board: Board, task: str) -> list[Any] | None:
    try:
        return list(board.output(task))
    except JobsError:
        return None


@pytest.fixture
def full(board: Board) -> Board:
    fill(board)
    return board


@pytest.fixture
def other(url: str) -> Iterator[Board]:
    """An empty board on the same server."""
    found = Board("moved", url, validate=False)
    yield found
    found.client.eval(REMOVE, 0, f"{found.keys.tag}:*")
    found.client.close()


def load(board: Board, lines: Any) -> None:
    assert [reply for reply in board.load(lines) if isinstance(reply, Exception)] == []


def test_a_moved_board_shows_what_it_showed(full: Board, other: Board) -> None:
    before = snapshot(full)
    load(other, map(json.dumps, full.dump(ledger=True)))
    assert snapshot(other) == before
    assert snapshot(full) == before


def test_a_moved_ledger_adds_up(full: Board, other: Board) -> None:
    load(other, full.dump(ledger=True))
    stats = other.stats()
    assert {name: stats[name] for name in SUMS} == {name: total(stats, name) for name in SUMS}
    assert stats["in_flight"] == len(list(other.tasks())) > 8


def test_every_kind_of_item_is_in_the_dump(full: Board) -> None:
    kinds = {line["ledger"] for line in full.dump(ledger=True) if "ledger" in line}
    assert kinds == {
        *("begin", "end", "counts", "hours", "job", "task", "history", "changes", "tail"),
        *("output", "printed", "backfill", "dues", "backfilled"),
    }
    places = {line["values"][1] for line in full.dump(ledger=True) if line.get("ledger") == "task"}
    assert places == {"queue", "held:runner:slow", "delayed", "dead"}


def test_a_moved_board_goes_on_where_it_was(full: Board, other: Board) -> None:
    load(other, full.dump(ledger=True))
    for found in (full, other):
        for _ in range(40):
            found.tick()
            for task in found.pop("echo", "slow", "single", "urgent", "odd", "child", count=50, lease=60):
                found.ack(task.token)
    names = ("due", "queued", "done", "dead", "in_flight", "backfilled")
    assert [other.stats()[name] for name in names] == [full.stats()[name] for name in names]
    assert [one.state for one in other.backfill_list()] == ["done"]
    assert {job: len(list(other.runs(job))) for job in ("report", "single")} == {
        job: len(list(full.runs(job))) for job in ("report", "single")
    }


def test_tasks_of_a_moved_board_run_in_order(full: Board, other: Board) -> None:
    for number in range(60):
        full.push("many", str(number))
    load(other, full.dump(ledger=True))
    assert [task.payload for task in other.pop("many", count=100, lease=60)] == list(map(str, range(60)))


def test_changes_move_and_the_load_is_one_of_them(full: Board, other: Board) -> None:
    before = list(full.changes())
    load(other, full.dump(ledger=True))
    latest, *rest = other.changes()
    assert (latest.what, latest.by) == ("load", other.by)
    assert rest == before


def test_a_dump_is_loaded_once(full: Board, other: Board) -> None:
    lines = list(full.dump(ledger=True))
    load(other, lines)
    before = snapshot(other)
    with pytest.raises(ConflictError, match=r"this dump is loaded already"):
        list(other.load(lines))
    with pytest.raises(ConflictError, match="has a ledger of its own"):
        list(other.load(full.dump(ledger=True)))
    assert snapshot(other) == before


def test_an_interrupted_load_goes_on_where_it_was(full: Board, other: Board) -> None:
    lines, before = list(full.dump(ledger=True)), snapshot(full)
    for part in (len(lines) // 3, len(lines) // 2, len(lines) - 1):
        with pytest.raises(OptionError, match="its last line is missing"):
            list(other.load(lines[:part]))
    with pytest.raises(ConflictError, match="another dump was only loaded in part"):
        list(other.load(full.dump(ledger=True)))
    load(other, lines)
    assert snapshot(other) == before


def test_a_board_with_running_tasks_is_not_dumped(full: Board) -> None:
    (task,) = full.pop("urgent", lease=60)
    with pytest.raises(ConflictError, match=r"tasks are running on the board \(1\): stop its workers"):
        next(full.dump(ledger=True))
    full.ack(task.token)
    assert next(full.dump(ledger=True))["ledger"] == "begin"


CHANGES: dict[str, Callable[[Board], Any]] = {
    "a push": lambda board: board.push("echo", "x"),
    "a put": lambda board: board.put("new", "echo", "x"),
    "an edit": lambda board: board.edit("report", timeout=5),
    "a run": lambda board: run(board, "urgent"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_board_that_changes_meanwhile_is_not_dumped(full: Board, change: Callable[[Board], Any]) -> None:
    lines = full.dump(ledger=True)
    next(lines)
    change(full)
    with pytest.raises(StaleError, match="changed while it was dumped"):
        list(lines)


def test_a_ledger_of_another_layout_is_not_loaded(full: Board, other: Board) -> None:
    first, *rest = full.dump(ledger=True)
    with pytest.raises(LayoutError, match="the dump is of layout '4'"):
        list(other.load([first | {"layout": "4"}, *rest]))
    assert not list(other.list())


def test_wrong_lines_are_refused_and_the_others_are_loaded(full: Board, other: Board) -> None:
    first, *rest, last = full.dump(ledger=True)
    wrong = [
        {"ledger": "task", "n": 900001, "id": "a@1", "values": ["x", "queue", "", "", "", ""]},
        {"ledger": "job", "n": 900002, "id": "a", "values": ["colour", "red"]},
        {"ledger": "nothing", "n": 900003, "id": "a", "values": []},
        {"ledger": "counts", "n": "1", "id": "", "values": []},
        first,
    ]
    replies = [
        str(reply) for reply in other.load([first, *rest, *wrong, last]) if isinstance(reply, Exception)
    ]
    assert [text.partition(", got")[0] for text in replies] == [
        "item: expected a task as JDUMP lists it",
        "item: expected what JDUMP lists of a job",
        "item: expected what JDUMP lists",
        "ledger: expected an item with n, id and values, all but n of them texts",
        "ledger: a ledger is loaded from its first line to its last, one dump at a time",
    ]
    assert other.stats() == full.stats()


def test_a_line_of_a_ledger_needs_the_first_one(other: Board) -> None:
    (reply,) = other.load([{"ledger": "counts", "n": 1, "id": "", "values": ["due", "5"]}])
    assert "from its first line to its last" in str(reply)
    assert other.stats()["due"] == 0


def test_the_command_line_moves_a_board(full: Board, other: Board, jobs: Jobs) -> None:
    before = snapshot(full)
    dumped = jobs("dump", "--ledger")
    assert dumped.exit_code == 0
    result = jobs("load", "--board", other.name, input=dumped.stdout)
    assert result.exit_code == 0, result.output
    assert result.stderr == f"{len(dumped.stdout.splitlines())} loaded\n"
    assert snapshot(other) == before
    refused(jobs("load", "--board", other.name, input=dumped.stdout), "this dump is loaded already")
    full.pop("urgent", lease=60)
    refused(jobs("dump", "--ledger"), "stop its workers")


def test_asyncio_moves_a_board(full: Board, other: Board, url: str) -> None:
    before = snapshot(full)

    async def move() -> None:
        async with AsyncBoard(full.name, url) as old, AsyncBoard(other.name, url, validate=False) as new:
            lines = [line async for line in old.dump(ledger=True)]
            replies = await new.load(lines)
            assert len(replies) == len(lines)

    asyncio.run(move())
    assert snapshot(other) == before


def test_a_dump_without_a_ledger_has_none(full: Board) -> None:
    assert not [line for line in full.dump() if "ledger" in line]


@pytest.fixture
def spread(url: str) -> Iterator[Board]:
    """An empty board of four partitions."""
    found = Board("spread", url, validate=False)
    found.init(partitions=4)
    yield found
    for part in [*found.partitions, found]:
        found.client.eval(REMOVE, 0, f"{part.keys.tag}:*")
    found.client.close()


def shown(board: Board) -> dict[str, Any]:
    """Return what a board shows, with or without partitions. Backfills have other numbers there."""
    jobs = ("report", "both", "late", "single", "old", "paused", "filed")
    tasks = [*board.tasks(payload=True), *board.tasks("dead", payload=True)]
    for task in tasks:
        task.get("held", task).pop("opens", None)
    return {
        "stats": board.stats(),
        "of jobs": {job: board.stats(job) for job in jobs},
        "runs": {job: list(board.runs(job)) for job in jobs},
        "jobs": {job: board.show(job) for job in jobs},
        "tasks": sorted(tasks, key=lambda task: str(task["id"])),
        "hours": board.hours(),
        "backfills": [(one.job, one.state, one.running, one.total) for one in board.backfill_list()],
        "changes": sorted((change.id, change.what) for change in board.changes() if change.what != "load"),
        "printed": [list(board.logs(task["id"])) for task in board.dead()],
    }


def test_a_board_grows_from_one_to_many_partitions(full: Board, spread: Board) -> None:
    for number in range(30):
        full.push("many", str(number))
    before = shown(full)
    load(spread, map(json.dumps, full.dump(ledger=True)))
    assert shown(spread) == before
    assert len([part for part in spread.partitions if list(part.tasks())]) == 4
    for part in spread.partitions:
        stats = part.stats()
        assert {name: stats[name] for name in SUMS} == {name: total(stats, name) for name in SUMS}
        assert stats["dead"] >= part.count()["dead"]
    with pytest.raises(ConflictError, match=r"this dump is loaded already|has a ledger"):
        list(spread.load(full.dump(ledger=True)))


def test_a_backfill_goes_on_in_a_partition(full: Board, spread: Board) -> None:
    load(spread, full.dump(ledger=True))
    for _ in range(20):
        spread.tick()
        for task in spread.pop("echo", count=50, lease=60):
            spread.ack(task.token)
    (backfill,) = spread.backfill_list()
    assert (backfill.state, backfill.done) == ("done", 10)
    assert spread.backfill_show(backfill.id) == backfill


def test_a_board_of_partitions_is_moved(full: Board, spread: Board, other: Board) -> None:
    load(spread, full.dump(ledger=True))
    before = shown(spread)
    lines = list(spread.dump(ledger=True))
    load(other, lines)
    moved = shown(other)
    assert moved.pop("changes") != before.pop("changes")  # each partition has the load
    assert moved == before


def test_an_interrupted_load_into_partitions_goes_on(full: Board, spread: Board) -> None:
    lines, before = list(full.dump(ledger=True)), shown(full)
    with pytest.raises(OptionError, match="its last line is missing"):
        list(spread.load(lines[: len(lines) // 2]))
    load(spread, lines)
    assert shown(spread) == before
