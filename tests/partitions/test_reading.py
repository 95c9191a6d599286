"""What is read of boards with partitions is that of one board: in order, page by page, nothing twice."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobs_core import AsyncBoard, Board, NotFoundError
from tests.helpers import Jobs

PARTITIONS = (16,)

MANY = 3000
"""Jobs of a board, far more than a page of any partition has."""


@pytest.fixture
def full(board: Board) -> Board:
    """A board with many jobs, of which some are due at the same moment, and some never."""
    jobs = [
        {"id": f"j{n:04}", "runner": "console", "payload": "x", "label": f"third={n % 3}"}
        | ({"every": 3600, "start": 2_000_000_000 + n % 7} if n % 10 else {})
        for n in range(MANY)
    ]
    assert not [one for one in board.put_many(jobs) if isinstance(one, Exception)]
    return board


def both(board: Board, url: str, method: str, *arguments: Any, **options: Any) -> Any:
    """Call a method of both clients, and check that the answers are the same."""

    async def read() -> Any:
        async with AsyncBoard(board.name, url, validate=False) as twin:
            found = getattr(twin, method)(*arguments, **options)
            return [item async for item in found] if hasattr(found, "__aiter__") else await found

    found = getattr(board, method)(*arguments, **options)
    found = list(found) if isinstance(found, Iterator) else found
    assert asyncio.run(read()) == found
    return found


def read_all(read: Callable[..., Any], **options: Any) -> list[list[Any]]:
    """Read all pages of a list."""
    pages, cursor = [], None
    while True:
        page = read(cursor, **options)
        pages.append(list(getattr(page, "items", getattr(page, "jobs", None))))
        if (cursor := page.next) is None:
            return pages


def flat(pages: list[list[Any]]) -> list[Any]:
    return list(itertools.chain.from_iterable(pages))


def write_history(board: Board, *entries: tuple[int, str]) -> None:
    """Add an entry to the history of a partition, under an id."""
    for place, id in entries:
        part = board.partitions[place]
        part.client.xadd(
            part.keys.history, {"task": f"a{place}@{id[0]}", "attempt": "1", "what": "done"}, id=id
        )


def tasks_of(entries: list[Any]) -> list[str]:
    return [entry["task"] for entry in entries]


def test_jobs_are_listed_in_order(full: Board, url: str) -> None:
    jobs = list(full.list())
    assert len(jobs) == MANY
    by_next = sorted(jobs, key=lambda job: (job.get("next", float("inf")), job["id"]))
    timed = [job["id"] for job in by_next if "next" in job]
    found = both(full, url, "find", sort="next")
    assert found[: len(timed)] == timed
    assert sorted(found) == both(full, url, "find", sort="id") == sorted(job["id"] for job in jobs)
    assert [job["id"] for job in itertools.islice(full.list(sort="next"), 50)] == timed[:50]
    assert both(full, url, "find", "*7", sort="next")[:9] == [id for id in timed if id.endswith("7")][:9]
    some = [job["id"] for job in by_next if "third=1" in job["label"]]
    assert both(full, url, "find", sort="next", label="third=1") == some


def test_pages_of_jobs_have_each_job_once(full: Board) -> None:
    pages = read_all(full.job_page, limit=100)
    assert sorted(job["id"] for job in flat(pages)) == sorted(full.find())
    assert {len(page) for page in pages[:-1]} == {100}
    filtered = flat(read_all(full.job_page, limit=100, label="third=2"))
    assert sorted(job["id"] for job in filtered) == list(full.find(sort="id", label="third=2"))


@pytest.mark.parametrize("limit", [1, 2, 5, 500])
def test_the_history_is_one(board: Board, url: str, limit: int) -> None:
    write_history(board, (0, "1-0"), (3, "1-0"), (3, "1-1"), (7, "1-0"), (0, "2-0"), (15, "2-0"), (7, "3-0"))
    history = both(board, url, "history")
    assert tasks_of(history) == ["a7@3", "a15@2", "a0@2", "a3@1", "a7@1", "a3@1", "a0@1"]
    assert flat(read_all(board.history_page, limit=limit)) == history
    page = both(board, url, "history_page", limit=limit)
    assert page.items == history[:limit]
    if page.next:
        assert both(board, url, "history_page", page.next, limit).items == history[limit : 2 * limit]
    found: list[Any] = []
    after = "0-0"
    while events := both(board, url, "events", after, limit):
        found += events
        after = events[-1]["id"]
    assert tasks_of(found) == tasks_of(history[::-1])
    assert both(board, url, "events")[0]["id"] == after


def test_the_history_of_long_partitions_is_read_in_turns(board: Board) -> None:
    names = [f"{1 + n}-0" for n in range(600)]
    write_history(board, *((n * 7 % 4, name) for n, name in enumerate(names)))
    times = [entry["time"] for entry in board.history()]
    assert times == [(1 + n) / 1000 for n in reversed(range(600))]
    assert [entry["time"] for entry in flat(read_all(board.history_page, limit=70))] == times


def test_entries_of_a_slow_clock_are_not_missed(board: Board, url: str) -> None:
    """In a cluster, each partition has the clock of its node."""
    write_history(board, (3, "9-0"))
    (newest,) = both(board, url, "events")
    write_history(board, (5, "7-0"))
    assert tasks_of(both(board, url, "events", newest["id"])) == ["a5@7"]


def test_changes_are_read_page_by_page(board: Board, url: str) -> None:
    for n in range(40):
        board.put(f"j{n % 9}", "console", "x", priority=n % 5)
    changes = both(board, url, "changes")
    for limit in (1, 7, 500):
        pages = read_all(board.change_page, limit=limit)
        assert flat(pages) == changes
        assert all(pages), "the last page says that it is the last"


def test_a_task_is_followed_where_it_is(board: Board, url: str) -> None:
    tasks = [board.push("console", "x", keep="1h") for _ in range(20)]
    for task in board.pop("console", count=20, lease=60):
        board.commands.call("JOUTPUT", task.token, "out", task.id)
        board.ack(str(task.token))
    for task_id in tasks[:3]:
        assert both(board, url, "wait", task_id, 5)["what"] == "done"
        assert [line.get("line") for line in both(board, url, "output", task_id)][:1] == [task_id]
        assert board.output_page(task_id).items[0]["line"] == task_id
        assert tasks_of(both(board, url, "history", task=task_id)) == [task_id]
    with pytest.raises(NotFoundError, match=f"on the board '{board.name}'"):
        next(board.output("push:1@5"))
    late = board.push("console", "x")
    timer = threading.Thread(target=lambda: board.ack(str(board.pop("console", lease=60)[0].token)))
    timer.start()
    assert board.wait(late, 20)["what"] == "done"
    timer.join()


def test_workers_run_what_they_run_in_all_partitions(board: Board, url: str) -> None:
    for place, part in enumerate(board.partitions[:3]):
        facts = ("queues", "console", "state", "serving", "running", place + 1, "concurrency", 9)
        part.commands.call("JREGISTER", "w", "console", "--", *facts, "now", f"{time.time() - place:.3f}")
    (worker,) = both(board, url, "workers")
    assert (worker["running"], worker["concurrency"]) == (6, 9)
    assert time.time() - worker["seen"] < 1.5
    (seen,) = board.top().seen_workers
    assert seen["running"] == 6


def test_the_digest_and_the_limits_are_those_of_the_board(board: Board, url: str) -> None:
    board.limit("queue", "mail", concurrency=3, max_length=9)
    assert [(limit["concurrency"], limit["max_length"]) for limit in both(board, url, "limits")] == [(3, 9)]
    for n in range(20):
        board.put(f"j{n}", "console", "x")
        board.push(f"j{n}")
    for task in board.pop("console", count=20, lease=60):
        board.ack(str(task.token), "dead" if task.id.startswith("j7@") else "done")
    digest = board.alert_digest()
    assert (digest.board, digest.have_run, digest.counts["done"]) == (board.name, 20, 19)
    assert [job.id for job in digest.failing] == ["j7"]


# jobs doctor


def doctor(jobs: Jobs, check: str) -> tuple[str, str]:
    lines = map(json.loads, jobs("doctor", "--json").stdout.splitlines())
    return next((line["state"], line["note"]) for line in lines if line["check"] == check)


def test_doctor_says_where_partitions_are(board: Board, jobs: Jobs) -> None:
    state, note = doctor(jobs, "partitions")
    assert (state, note.partition(",")[0]) == ("ok", "16 partitions")


def test_doctor_finds_partitions_that_are_gone(board: Board, jobs: Jobs) -> None:
    for place in (3, 4, 9):
        part = board.partitions[place]
        part.client.delete(part.keys.layout)
    assert doctor(jobs, "partitions") == (
        "problem",
        "of 16 partitions, these have lost their data: 3-4, 9",
    )
    board.client.delete(board.keys.layout)
    state, note = doctor(jobs, "partitions")
    assert (state, "it has 16 partitions" in note) == ("problem", True)


def test_doctor_finds_partitions_of_another_board(board: Board, jobs: Jobs) -> None:
    part = board.partitions[2]
    layout = part.client.get(part.keys.layout)
    part.client.set(part.keys.layout, str(layout).replace("/16", "/8"))
    assert doctor(jobs, "partitions")[0] == "problem"


def test_doctor_names_the_partition_that_nobody_ticks(board: Board, jobs: Jobs) -> None:
    board.commands.call("JSET", "report", "console", "x", "every", 1, "now", f"{time.time() - 60:.3f}")
    job = board.commands.places.of_job("report")
    for place, part in enumerate(board.partitions):
        if place != job:
            part.commands.call("JREGISTER", "w", "console", "--", "ticks", 1, "state", "serving")
    assert doctor(jobs, "ticks") == (
        "problem",
        f"nobody ticks in the partition {job}: what is due is not queued",
    )
    state, note = doctor(jobs, "overdue")
    assert (state, note.startswith("the job report is overdue by ")) == ("problem", True)


def test_doctor_adds_up_what_partitions_have(board: Board, jobs: Jobs) -> None:
    for place in (2, 5):
        part = board.partitions[place]
        part.client.xadd(part.keys.bad, {"place": "job", "id": f"broken-{place}"}, id=f"{place}-0")
        part.client.hincrby(part.keys.stats, "bad", 2)
    assert doctor(jobs, "records") == (
        "problem",
        "Jobs moved 4 unreadable records aside; the latest was in job broken-5",
    )
    part = board.partitions[5]
    part.client.hincrby(part.keys.stats, "due", 1)
    state, note = doctor(jobs, "ledger")
    assert (state, note.endswith("in the partition 5")) == ("problem", True), note
