"""Reading all jobs: by order, by state, in pages, while the board changes."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.exceptions import ResponseError

from jobs_core import AsyncBoard, Board, JobsError, OptionError
from jobs_core.client.connection import connect
from jobs_core.client.glob import matcher
from jobs_core.client.ids import PAGE
from jobs_core.client.listing import CHUNK
from jobs_core.client.paging import format_cursor
from jobs_core.text import as_bytes

Listed = list[dict[str, Any]]

LATER = 4102444800
"""A time far in the future."""


def put(board: Board, jobs: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> None:
    """Put jobs with the runner console."""
    for reply in board.put_many({"runner": "console", "payload": "x"} | job for job in jobs):
        if isinstance(reply, JobsError):
            raise reply


def crowd(count: int, **options: Any) -> list[dict[str, Any]]:
    return [{"id": f"j{number:05}", **options} for number in range(count)]


def ids(jobs: Any) -> list[str]:
    return [job["id"] for job in jobs]


@pytest.fixture
def board_of_all_states(board: Board) -> Board:
    """A board of five jobs, each in a different state, with the state as its id."""
    put(
        board, [{"id": "scheduled", "every": "1h"}, {"id": "waiting", "after": "scheduled"}, {"id": "manual"}]
    )
    put(board, [{"id": "paused", "every": "1h"}, {"id": "ended", "at": 1}])
    board.pause("paused")
    board.tick()
    return board


def both(board: Board, url: str, *arguments: Any, **options: Any) -> Listed:
    """Return what both clients list, after checking that it is the same."""

    async def listed() -> Listed:
        async with AsyncBoard(board.name, url, validate=False) as found:
            return [job async for job in found.list(*arguments, **options)]

    jobs = list(board.list(*arguments, **options))
    twin = asyncio.run(listed())
    if "sort" in options:
        assert twin == jobs
    else:  # in the order of Redis, which may change at any time
        assert sorted(twin, key=_id) == sorted(jobs, key=_id)
    return jobs


def _id(job: dict[str, Any]) -> str:
    return str(job["id"])


@pytest.mark.parametrize("state", ["scheduled", "waiting", "paused", "ended", "manual"])
def test_jobs_are_listed_by_state(board_of_all_states: Board, url: str, state: str) -> None:
    assert ids(both(board_of_all_states, url, state=state)) == [state]
    assert both(board_of_all_states, url, "x*", state=state) == []


@pytest.mark.parametrize("order", [{}, {"sort": "id"}, {"sort": "next"}], ids=str)
def test_every_job_is_listed_once(board: Board, url: str, order: dict[str, str]) -> None:
    rng = random.Random(5)
    jobs = [job | {"at": LATER + rng.randrange(20)} for job in crowd(3000)] + [{"id": "manual"}]
    put(board, jobs)
    assert sorted(ids(both(board, url, **order))) == sorted(ids(jobs))
    assert set(ids(both(board, url, "j000*", **order))) == {f"j{number:05}" for number in range(100)}


def test_jobs_are_sorted_by_id(board: Board, url: str) -> None:
    put(board, [{"id": id} for id in ("b", "é", "a", "B")])
    assert ids(both(board, url, sort="id")) == ["B", "a", "b", "é"]


@pytest.mark.parametrize("sort", [None, "id", "next"])
def test_an_id_that_is_not_utf_8_is_listed_and_matched(board: Board, url: str, sort: str | None) -> None:
    odd = "odd-\udcff"
    put(board, [{"id": "odd-too", "every": "1h"}, {"id": "other"}])
    # No command puts such a job, but others may write to Redis.
    same = as_bytes(str(board.client.hget(board.keys.job, "odd-too")))
    board.client.hset(board.keys.job, as_bytes(odd), same)  # type: ignore[arg-type]
    board.client.zadd(board.keys.schedule, {as_bytes(odd): 1})
    assert set(ids(both(board, url, sort=sort))) == {odd, "odd-too", "other"}
    assert ids(both(board, url, "*\udcff", sort=sort)) == [odd]


def test_jobs_are_sorted_by_next_run(board_of_all_states: Board, url: str) -> None:
    put(board_of_all_states, [{"id": "late", "at": LATER}, {"id": "later", "at": LATER + 1}])
    found = ids(both(board_of_all_states, url, sort="next"))
    assert found[:3] == ["scheduled", "late", "later"]
    assert set(found[3:]) == {"waiting", "manual", "paused", "ended"}
    assert ids(both(board_of_all_states, url, "late*", sort="next")) == ["late", "later"]


@pytest.mark.parametrize("options", [{"state": "sleeping"}, {"sort": "age"}])
def test_unknown_states_and_orders_are_rejected(board: Board, url: str, options: dict[str, str]) -> None:
    with pytest.raises(OptionError, match=r"expected .*, got '(sleeping|age)'"):
        list(board.list(**options))
    with pytest.raises(OptionError, match="expected"):
        both(board, url, **options)


# Concurrent changes


@pytest.mark.parametrize("apart", [0, 1, 0.001])
def test_jobs_moved_by_concurrent_removals_are_not_missed(board: Board, apart: float) -> None:
    """Seen jobs leave, and all unseen jobs are still listed, although all have the same next run."""
    put(board, [job | {"at": LATER + place * apart} for place, job in enumerate(crowd(4 * PAGE))])
    jobs = board.list(sort="next")
    seen = ids(itertools.islice(jobs, 2 * PAGE))
    board.remove(*seen[: PAGE // 2])
    for id in seen[PAGE // 2 : -1]:
        board.client.zadd(board.keys.schedule, {id: (LATER + 100000) * 1000})
    board.remove(seen[-1])
    seen += [job["id"] for job in jobs if job["next"] < LATER + 100000]
    assert sorted(seen) == ids(crowd(4 * PAGE))


def test_jobs_inserted_earlier_do_not_repeat_others(board: Board) -> None:
    put(board, [job | {"at": LATER} for job in crowd(3 * PAGE)])
    jobs = board.list(sort="next")
    seen = ids(itertools.islice(jobs, PAGE))
    put(board, [{"id": f"a{number}", "at": LATER} for number in range(2 * PAGE)])
    assert [*seen, *ids(jobs)] == ids(crowd(3 * PAGE))


def test_a_job_that_is_removed_meanwhile_is_left_out(board: Board) -> None:
    put(board, crowd(5 * CHUNK))
    jobs = board.list(sort="id")
    first = next(jobs)["id"]
    board.remove(*ids(crowd(5 * CHUNK)))
    rest = ids(jobs)
    assert [first, *rest] == ids(crowd(len(rest) + 1))
    assert len(rest) < 3 * CHUNK


def test_a_board_file_committed_meanwhile_is_rolled_forward(board: Board) -> None:
    put(board, crowd(4 * CHUNK))
    jobs = board.list()
    seen = [next(jobs)["id"]]
    stage = board.commands.call("JAPPLY", "begin")
    board.commands.call("JSTAGE", stage, "board.yml", "put", "3", "new", "echo", "x")
    board.commands.call("JAPPLY", "commit", stage, "board.yml")
    seen += ids(jobs)
    assert sorted(set(seen) - {"new"}) == ids(crowd(4 * CHUNK))


# Round trips


def test_unrequested_fields_are_not_read(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    put(board, crowd(4000, at=LATER))
    read: list[int] = []
    stream = board.commands.stream

    def counting(calls: Any, size: int = 500) -> Any:
        def counted() -> Any:
            for name, arguments in calls:
                read.append(len(arguments))
                yield name, arguments

        return stream(counted(), size)

    monkeypatch.setattr(board.commands, "stream", counting)
    for sort in (None, "id", "next"):
        read.clear()
        assert len(list(itertools.islice(board.list(sort=sort), 10))) == 10
        assert sum(read) <= CHUNK
    read.clear()
    assert len(list(board.list())) == 4000
    assert len(read) <= 4000 // CHUNK + 2


def test_large_payloads_are_read_a_few_at_a_time(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    put(board, [job | {"payload": "x" * 20000} for job in crowd(400)])
    sizes: list[int] = []
    stream = board.commands.stream

    def measured(calls: Any, size: int = 500) -> Any:
        for reply in stream(calls, size):
            sizes.append(sum(map(len, reply)))
            yield reply

    monkeypatch.setattr(board.commands, "stream", measured)
    assert len(list(board.list())) == 400
    assert max(sizes) < 2_000_000


def test_jobs_that_do_not_fit_into_one_reply_are_all_listed(board: Board, url: str) -> None:
    jobs = crowd(60)
    put(board, [job | {"payload": "x" * 100_000} for job in jobs])
    ids = sorted(str(job["id"]) for job in jobs)
    assert sorted(job["id"] for job in both(board, url, summary=True)) == ids
    page = board.job_page(limit=100, summary=True)
    assert sorted(job["id"] for job in page.jobs) == ids
    assert [job["id"] for job in board.show_many(*ids)] == ids
    assert {finding.job for finding in board.lint()} <= set(ids)

    async def read() -> list[str]:
        async with AsyncBoard(board.name, url, validate=False) as found:
            return [str(job["id"]) for job in (await found.job_page(limit=100, summary=True)).jobs]

    assert sorted(asyncio.run(read())) == ids


def test_an_older_server_that_cannot_omit_payloads_still_works(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    hscan: Any = board.client.hscan

    def older(*arguments: Any, no_values: bool = False, **options: Any) -> Any:
        if no_values:
            raise ResponseError("syntax error")
        return hscan(*arguments, **options)

    put(board, crowd(1200))
    monkeypatch.setattr(board.client, "hscan", older)
    assert sorted(ids(board.list())) == ids(crowd(1200))


def test_an_older_server_lists_the_same(other_url: str) -> None:
    board = Board("lists", other_url, validate=False)
    put(board, crowd(1200, at=LATER))
    orders: list[dict[str, str]] = [{}, {"sort": "id"}, {"sort": "next"}]
    for order in orders:
        assert sorted(ids(both(board, other_url, **order))) == ids(crowd(1200))
    board.client.close()


# Patterns


def test_patterns_match_bytes() -> None:
    assert list(filter(matcher("caf??"), ["café", "cafes", "caf"])) == ["café", "cafes"]
    assert list(filter(matcher("*é"), ["café", "cafe"])) == ["café"]


PIECES = st.sampled_from([*"ab*?[]^-\\", "[a-", "[^", "\\]", "*"])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(PIECES, max_size=8).map("".join),
    st.lists(st.text("ab[]^-\\é", min_size=1, max_size=5), max_size=8),
)
def test_patterns_match_as_those_of_redis_do(url: str, pattern: str, names: list[str]) -> None:
    client: Any = connect(url)
    client.delete("names")
    client.hset("names", mapping=dict.fromkeys([*names, "a"], "x"))
    _, found = client.hscan("names", match=pattern, count=100)
    client.close()
    assert set(filter(matcher(pattern), [*names, "a"])) == set(found)


def page_by_page(board: Board, url: str, limit: int, **options: Any) -> list[Listed]:
    """Return the pages of a board, after checking that both clients read the same."""

    async def read_async() -> list[Listed]:
        async with AsyncBoard(board.name, url, validate=False) as found:
            pages, cursor = [], None
            while True:
                page = await found.job_page(cursor, limit, **options)
                pages.append(list(page.jobs))
                if (cursor := page.next) is None:
                    return pages

    pages, cursor = [], None
    while True:
        page = board.job_page(cursor, limit, **options)
        pages.append(list(page.jobs))
        if (cursor := page.next) is None:
            assert asyncio.run(read_async()) == pages
            return pages


def test_jobs_are_read_page_by_page(board: Board, url: str) -> None:
    put(board, [{"id": "ü/%"}, {"id": "odd/0", "label": "x=1"}, *crowd(3, every="1h", label="x=1")])
    found = page_by_page(board, url, 2)
    assert [len(page) for page in found] == [2, 2, 1]
    assert sorted((job for page in found for job in page), key=_id) == list(board.list(sort="id"))
    assert [ids(page) for page in page_by_page(board, url, 2, label="x=1")] == [
        ["j00000", "j00001"],
        ["j00002", "odd/0"],
        [],
    ]
    with_summary = page_by_page(board, url, 10, summary=True, label="x=1")[0]
    assert with_summary == list(board.list(sort="id", summary=True, label="x=1"))
    assert with_summary[0]["failures"] == 0


def test_many_jobs_are_read_page_by_page(board: Board, url: str) -> None:
    put(board, crowd(3000))
    found = page_by_page(board, url, 500)
    assert sorted(id for page in found for id in ids(page)) == ids(crowd(3000))
    assert {len(page) for page in found[:-1]} == {500}


def test_a_search_that_finds_nothing_for_long_continues_on_the_next_page(
    board: Board, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs_core.client.page_plans.SEARCHES", 2)
    put(board, [*crowd(3000), {"id": "needle"}])
    found = page_by_page(board, url, 50, text="needle")
    assert len(found) > 1
    assert [id for page in found for id in ids(page)] == ["needle"]


def test_a_board_without_jobs_has_one_empty_page(board: Board, url: str) -> None:
    assert page_by_page(board, url, 50) == [[]]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"limit": 0}, "limit: expected a whole number from 1 to 500, got 0"),
        ({"limit": 501}, "limit: expected a whole number from 1 to 500, got 501"),
        ({"cursor": "ü"}, "cursor: expected"),
        ({"cursor": "bGFiZWwx"}, "cursor: expected"),
        ({"cursor": "W1tdLFtdXQ"}, "cursor: expected"),
        ({"cursor": format_cursor("jobs", "label1 a", [])}, "cursor: expected"),
        ({"state": "asleep"}, "state: expected"),
    ],
)
def test_wrong_arguments_of_a_page_are_rejected(board: Board, options: Any, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        board.job_page(**options)
