"""Pages of tasks, changes, the history and output, with both clients."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jobs_core import AsyncBoard, Board, OptionError
from jobs_core.client.paging import format_cursor

PARTITIONS = (0, 4)


def both(board: Board, url: str, method: str, *arguments: Any, **options: Any) -> Any:
    """Call a method of both clients that only reads, and check that the answers are the same."""

    async def read() -> Any:
        async with AsyncBoard(board.name, url, validate=False) as twin:
            return await getattr(twin, method)(*arguments, **options)

    found = getattr(board, method)(*arguments, **options)
    assert asyncio.run(read()) == found
    return found


def all_pages(board: Board, url: str, method: str, **options: Any) -> list[list[Any]]:
    pages, cursor = [], None
    while True:
        page = both(board, url, method, cursor, **options)
        pages.append(list(page.items))
        if (cursor := page.next) is None:
            return pages


def test_tasks_are_read_page_by_page(board: Board, url: str) -> None:
    tasks = list(board.push_many([{"runner": "console", "payload": "x"}] * 700))
    pages = all_pages(board, url, "task_page", limit=50, state="queued")
    assert sorted(task["id"] for page in pages for task in page) == sorted(tasks)
    assert len(pages) > 2
    assert all_pages(board, url, "task_page", task=tasks[3])[0][0]["id"] == tasks[3]


def test_changes_are_read_page_by_page(board: Board, url: str) -> None:
    for number in range(5):
        board.put("a", "console", "x", priority=number)
    pages = all_pages(board, url, "change_page", limit=2, job="a")
    assert [change for page in pages for change in page] == list(board.changes("a"))
    assert list(map(len, pages)) == [2, 2, 1]


def test_the_last_page_of_changes_says_so(board: Board, url: str) -> None:
    for number in range(4):
        board.put("a", "console", "x", priority=number)
    assert list(map(len, all_pages(board, url, "change_page", limit=2))) == [2, 2]


@pytest.mark.whole
def test_a_rare_change_is_on_the_first_page(board: Board, url: str) -> None:
    board.put("rare", "console", "x")
    for number in range(1, 2101):  # more than one JCHANGES looks at
        board.put("a", "console", "x", every=number)
    page = both(board, url, "change_page", job="rare")
    assert [change.jobs for change in page.items] == [("rare",)]


def ended(board: Board, count: int) -> list[str]:
    """Push and end tasks. Returns their ids."""
    tasks = [board.push("console", "x") for _ in range(count)]
    for task in board.pop("console", count=count, lease=60):
        board.ack(task.token)
    return tasks


def test_the_history_is_read_page_by_page(board: Board, url: str) -> None:
    tasks = ended(board, 5)
    pages = all_pages(board, url, "history_page", limit=2)
    found = [entry for page in pages for entry in page]
    assert found == list(board.history())
    assert sorted(entry["task"] for entry in found) == sorted(tasks)
    assert [entry["time"] for entry in found] == sorted((entry["time"] for entry in found), reverse=True)
    (entry,) = both(board, url, "history_page", task=tasks[1]).items
    assert entry["what"] == "done"


def test_events_follow_the_history(board: Board, url: str) -> None:
    assert both(board, url, "events") == []
    first = ended(board, 1)
    (newest,) = both(board, url, "events")
    assert newest["task"] == first[0]
    more = ended(board, 3)
    later = [entry["task"] for entry in list(board.history())[2::-1]]
    assert sorted(later) == sorted(more)
    assert [entry["task"] for entry in both(board, url, "events", newest["id"])] == later
    assert [entry["task"] for entry in both(board, url, "events", newest["id"], limit=1)] == later[:1]
    assert [entry["task"] for entry in both(board, url, "events", "0-0")] == first + later
    with pytest.raises(OptionError, match="after: expected the id of an entry"):
        board.events("+")


def test_output_is_read_page_by_page(board: Board, url: str) -> None:
    task = board.push("console", "x", keep="1h")
    assert both(board, url, "output_page", task).items == []
    (held,) = board.pop("console", lease=60)
    assert held.token is not None
    board.commands.call("JOUTPUT", held.token, "out", "one", "err", "two")
    page = both(board, url, "output_page", task)
    assert [entry.get("line") for entry in page.items] == ["one", "two"]
    board.ack(held.token)
    page = both(board, url, "output_page", task, page.next)
    assert [entry["what"] for entry in page.items] == ["done"]
    assert both(board, url, "output_page", task, page.next) == type(page)([], None)


def first_cursors(board: Board) -> dict[str, str]:
    """Return a cursor of each list, by the method that reads it."""
    for n in range(3):
        board.put(f"j{n}", "console", "x", every=60)
        board.push("console", "x", keep="1h")
    for task in board.pop("console", count=2, lease=60):
        board.ack(str(task.token))
    for _ in range(3):
        board.push("console", "x")
    pages = {
        "job_page": board.job_page(limit=1),
        "task_page": board.task_page(limit=1),
        "change_page": board.change_page(limit=1),
        "history_page": board.history_page(limit=1),
    }
    found = {name: page.next for name, page in pages.items() if page.next}
    assert found.keys() == pages.keys()
    return found


def test_cursors_that_are_damaged_or_of_other_lists_are_rejected(board: Board, url: str) -> None:
    cursors = first_cursors(board)
    for method, cursor in cursors.items():
        both(board, url, method, cursor)
        cut, longer, other = cursor[:-3], f"{cursor}x", cursor.swapcase()
        others = [found for name, found in cursors.items() if name != method]
        for wrong in (cut, longer, other, f"{cursor}=", f"!{cursor}", "", "x", "W10", "ü", *others):
            with pytest.raises(OptionError, match=r"^cursor: expected the `next` of a page") as caught:
                both(board, url, method, wrong)
            assert caught.value.option == "cursor"


@pytest.mark.whole
@pytest.mark.parametrize(
    ("method", "of", "arguments", "places"),
    [
        ("job_page", "jobs", (), [("x", []), ("all x", []), ("all 1", [1]), ("all 1",), ("failing 1", [])]),
        ("task_page", "tasks", (), [("x", 0), ("queue:a 1", -1), ("queue:a x", 0), ("queue:a 1", "x")]),
        ("change_page", "changes", (), [("x",), ("1-x",), (f"{10**19}-0",), (1,), ("0-0",), ()]),
        ("history_page", "history", (), [("x",), ("1-x",), (f"{10**19}-0",), (1,), ("+",), ()]),
        ("output_page", "output", ("a@1",), [("x", 0, False), ("1-1", "x", False), ("1-1", 0, 0), ("1-1",)]),
    ],
)
def test_cursors_that_lead_nowhere_are_rejected(
    board: Board, url: str, method: str, of: str, arguments: tuple[str, ...], places: list[tuple[Any, ...]]
) -> None:
    """They have the form of cursors, but no page had them."""
    for place in places:
        with pytest.raises(OptionError) as caught:
            both(board, url, method, *arguments, format_cursor(of, *place))
        assert caught.value.option in ("cursor", "before"), place
