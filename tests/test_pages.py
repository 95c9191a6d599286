"""Reading and changing many things at once: pages of tasks and changes, runs of several jobs, bulk pauses."""

from __future__ import annotations

import asyncio

import pytest

from jobs_core import AsyncBoard, Board, NotFoundError, OptionError

PARTITIONS = (0, 4)


def push(board: Board, count: int) -> list[str]:
    return [board.push("shell", f"echo {n}") for n in range(count)]


def pages(board: Board, limit: int, **filters: str) -> list[list[str]]:
    found, cursor = [], None
    while True:
        page = board.task_page(cursor, limit, state="queued", **filters)
        found.append([str(task["id"]) for task in page.items])
        cursor = page.next
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [7, 25, 30, 100, 500])
def test_pages_of_tasks_have_each_task_once(board: Board, limit: int) -> None:
    tasks = push(board, 100)
    found = pages(board, limit)
    assert sorted(id for page in found for id in page) == sorted(tasks)
    assert all(len(page) == limit for page in found[:-1])


def test_pages_of_tasks_have_only_those_that_fit(board: Board) -> None:
    push(board, 60)
    other = board.push("http", "{}")
    assert pages(board, 50, runner="http") == [[other]]


@pytest.mark.parametrize(("cursor", "limit"), [("x", 5), ("1x", 5), (None, 0), (None, 501)])
def test_a_page_that_cannot_be_is_rejected(board: Board, cursor: str | None, limit: int) -> None:
    with pytest.raises(OptionError):
        board.task_page(cursor, limit)


def test_last_runs_of_several_jobs_are_read_together(board: Board) -> None:
    for id in ("a", "b", "idle"):
        board.put(id, "shell", "true")
    for id in ("a", "a", "b"):
        board.push(id)
        (task,) = board.pop("shell", lease=60)
        board.ack(task.token, "done", code=id)
    found = board.last_runs("a", "b", "idle", "gone", limit=1)
    assert {id: [run.code for run in runs] for id, runs in found.items()} == {
        "a": ["a"],
        "b": ["b"],
        "idle": [],
    }
    assert [run.code for run in board.last_runs("a")["a"]] == ["a", "a"]


def test_dead_letters_are_retried_and_purged_by_their_tickets(board: Board) -> None:
    push(board, 3)
    for task in board.pop("shell", count=3, lease=60):
        board.ack(task.token, "dead")
    first, second, third = (str(letter["ticket"]) for letter in board.dead())
    assert board.dead_retry(tickets=[first, "gone#1"]) == 1
    assert board.dead_purge(tickets=[second]) == 1
    assert [letter["ticket"] for letter in board.dead()] == [third]


def test_many_jobs_are_paused_and_resumed_together(board: Board) -> None:
    for id in ("a", "b"):
        board.put(id, "shell", "true", every=60)
    *paused, missing = board.pause_many(["a", "b", "gone"], because="the database moves")
    assert paused == [True, True]
    assert isinstance(missing, NotFoundError)
    assert board.show("b")["paused-because"] == "the database moves"
    assert all(board.resume_many(["a", "b"]))
    assert board.show("a")["state"] == "scheduled"


def test_many_jobs_are_read_together(board: Board) -> None:
    for n in range(120):
        board.put(f"job-{n}", "shell", "true")
    ids = [f"job-{n}" for n in reversed(range(120))]
    assert [job["id"] for job in board.show_many("gone", *ids)] == ids
    assert board.show_many("job-0", summary=True)[0]["failures"] == 0


def test_an_asyncio_board_does_the_same(board: Board, url: str) -> None:
    board.put("a", "shell", "true", every=60)
    board.push("a")

    async def look() -> None:
        async with AsyncBoard(board.name, url, validate=False) as other:
            assert len((await other.task_page()).items) == 1
            assert [job["id"] for job in await other.show_many("a", "gone")] == ["a"]
            assert await other.last_runs("a", "gone") == {"a": []}
            assert list(await other.pause_many(["a"])) == [True]
            assert all(await other.resume_many(["a"]))
            assert [change.what async for change in other.changes(limit=2)] == ["resume", "pause"]

    asyncio.run(look())
