"""JAPPLY and JSTAGE on a board of partitions: a commit is everywhere or nowhere, wherever it stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from jobs_core import Board
from jobs_core.engine.partitions import commits
from jobs_core.engine.partitions.commits import commit
from jobs_core.engine.partitions.shapes import Route
from jobs_core.errors import AgainError, JobsError, OptionError, ServerError, StaleError
from tests.lua.helpers import Lua, T
from tests.lua.partitioned import Partitioned
from tests.lua.test_japply import FILE, words

NAME = "c1"


@pytest.fixture
def parts(board: Board) -> Iterator[Partitioned]:
    """An empty board of four partitions."""
    found = Partitioned(board)
    yield found
    found.reset()


@pytest.fixture
def ids(parts: Partitioned) -> list[str]:
    """A job in each partition."""
    return [parts.name(place) for place in range(4)]


def begin(parts: Partitioned, *jobs: list[Any], mode: str = "put", owner: str = FILE) -> str:
    """Stage jobs that are valid. Returns the stage."""
    stage = str(parts.whole.japply("begin", "now", T))
    replies = parts.whole.jstage(stage, owner, mode, *(word for job in jobs for word in job))
    assert not [reply for reply in replies if isinstance(reply, Exception)]
    return stage


def apply(parts: Partitioned, *jobs: list[Any], mode: str = "put", owner: str = FILE) -> int:
    count = int(parts.whole.japply("commit", begin(parts, *jobs, mode=mode, owner=owner), owner))
    parts.board.commands.finish_apply()
    return count


def prepare(parts: Partitioned, stage: str, *places: int, now: int = T) -> None:
    for place in places:
        parts.parts[place].japply("prepare", stage.split(",")[place], NAME, FILE, "now", now)


def pending(lua: Lua, now: int = T) -> list[Any]:
    return list(lua.japply("pending", "now", now))


def refused(lua: Lua, name: str, *arguments: Any) -> JobsError:
    (reply,) = super(type(lua.board.commands), lua.board.commands).batch([(name, arguments)])
    assert isinstance(reply, JobsError)
    return reply


def test_each_change_is_staged_where_its_job_is(parts: Partitioned, ids: list[str]) -> None:
    stage = parts.whole.japply("begin", "now", T)
    bad = [4, ids[2] + "x", "echo", "x", "every"]
    replies = parts.whole.jstage(stage, FILE, "put", *(word for id in ids for word in words(id)), *bad)
    assert [json.loads(reply[1])["id"] for reply in replies[:4]] == ids
    assert isinstance(replies[4], OptionError)
    for lua, one, id in zip(parts.parts, stage.split(","), ids, strict=True):
        assert lua.client.lrange(f"{lua.keys.tag}:stage:{one}", 0, -1) == [id]


def test_an_alert_is_staged_in_the_partition_of_its_name(parts: Partitioned) -> None:
    name = parts.name(3, "ops")
    stage = parts.whole.japply("begin", "now", T)
    parts.whole.jstage(stage, FILE, "put", 5, f"alert:{name}", "tell", "x", "when", "dead")
    staged = [
        lua.client.exists(f"{lua.keys.tag}:stage:{one}")
        for lua, one in zip(parts.parts, stage.split(","), strict=True)
    ]
    assert staged == [0, 0, 0, 1]


def test_a_commit_concerns_all_partitions(parts: Partitioned, ids: list[str]) -> None:
    assert apply(parts, *map(words, ids)) == 4
    assert None not in parts.whole.jget(*ids)
    assert apply(parts, [1, ids[0]], [1, ids[3]], mode="remove") == 2
    assert [found is None for found in parts.whole.jget(*ids)] == [True, False, False, True]


def test_a_commit_leaves_no_keys(parts: Partitioned, ids: list[str]) -> None:
    apply(parts, *map(words, ids[1:]))
    apply(parts, *([1, id] for id in ids[1:]), mode="remove")
    stage = begin(parts, words(ids[1]))
    parts.whole.japply("drop", stage)
    left = [key for lua in parts.parts for key in lua.everything()]
    assert not [
        key
        for key in left
        if "stage:" in key or "rolling" in key or key.endswith(("d:prepared", ":committed"))
    ]


def test_a_commit_of_nothing_is_out_of_date(parts: Partitioned) -> None:
    stage = parts.whole.japply("begin")
    with pytest.raises(StaleError, match="the stage no longer exists or is empty: begin again"):
        parts.whole.japply("commit", stage, FILE)
    assert [pending(lua) for lua in parts.parts] == [["", 0, ""]] * 4


@pytest.mark.parametrize("place", [0, 2])
def test_a_change_in_any_partition_makes_the_stage_out_of_date(
    parts: Partitioned, ids: list[str], place: int
) -> None:
    stage = begin(parts, words(ids[1]))
    parts.parts[place].jset(ids[place], "echo", "x", after=ids[1])
    with pytest.raises(StaleError, match="the board has changed since the stage began"):
        parts.whole.japply("commit", stage, FILE)
    assert parts.whole.jget(ids[1]) == [None]
    assert [pending(lua) for lua in parts.parts] == [["", 0, ""]] * 4


def test_a_prepared_partition_waits(parts: Partitioned, ids: list[str]) -> None:
    parts.whole.put(ids[1])
    stage = begin(parts, words(ids[1], "new"), mode="adopt")
    prepare(parts, stage, 1)
    lua = parts.parts[1]
    assert pending(lua, T + 3) == [NAME, 3000, ""]
    for call in (
        ("JGET", ids[1]),
        ("JCOUNT",),
        ("JTICK",),
        ("JSET", ids[1], "echo", "x"),
        ("JDEL", ids[1]),
        ("JAPPLY", "begin"),
        ("JAPPLY", "roll"),
        ("JAPPLY", "prepare", stage.split(",")[1], "c2", FILE),
    ):
        assert isinstance(refused(lua, *call), AgainError), call
    lua.japply("settle", NAME, "commit")
    lua.japply("roll")
    assert lua.job(ids[1])["payload"] == "new"


def test_a_prepared_stage_does_not_expire(parts: Partitioned, ids: list[str]) -> None:
    stage = begin(parts, words(ids[1])).split(",")[1]
    lua = parts.parts[1]
    prepare(parts, "," + stage, 1)
    lua.refuses(StaleError, "the stage no longer exists", "JAPPLY", "check", stage, ids[1])
    for part in ("", ":jobs"):
        assert lua.client.ttl(f"{lua.keys.tag}:stage:{stage}{part}") == -1


def test_an_aborted_partition_is_as_before(parts: Partitioned, ids: list[str]) -> None:
    lua = parts.parts[1]
    stage = begin(parts, words(ids[1]))
    prepare(parts, stage, 1)
    lua.japply("settle", "other", "abort")
    assert pending(lua)[0] == NAME
    lua.japply("settle", NAME, "abort")
    assert lua.count()["jobs"] == 0
    assert not [key for key in lua.everything() if "stage:" in key]


def test_what_is_aborted_is_never_committed(parts: Partitioned, ids: list[str]) -> None:
    prepare(parts, begin(parts, *map(words, ids)), 0, 1)
    first, second, *_ = parts.parts
    first.japply("settle", NAME, "abort")
    first.refuses(StaleError, "was aborted, since it took too long", "JAPPLY", "settle", NAME, "commit")
    second.japply("settle", NAME, "abort")
    second.japply("settle", NAME, "commit")
    assert [lua.count()["jobs"] for lua in (first, second)] == [0, 0]


def test_what_is_committed_is_never_aborted(parts: Partitioned, ids: list[str]) -> None:
    prepare(parts, begin(parts, *map(words, ids)), 0)
    lua = parts.parts[0]
    for decision in ("commit", "abort", "commit"):
        assert lua.japply("settle", NAME, decision) == "OK"
    lua.japply("roll")
    assert lua.count()["jobs"] == 1
    assert pending(lua) == ["", 0, NAME]
    lua.japply("close", "other")
    assert pending(lua) == ["", 0, NAME]
    lua.japply("close", NAME)
    assert pending(lua) == ["", 0, ""]


def test_the_next_commit_waits_for_the_last_one_to_be_closed(parts: Partitioned, ids: list[str]) -> None:
    prepare(parts, begin(parts, words(ids[0])), 0)
    lua = parts.parts[0]
    lua.japply("settle", NAME, "commit")
    lua.japply("roll")
    stage = lua.japply("begin")
    lua.refuses(StaleError, "another board file is being committed", "JAPPLY", "prepare", stage, "c2", FILE)
    lua.japply("close", NAME)
    assert lua.japply("prepare", stage, "c2", FILE) == 0


@pytest.mark.parametrize(
    ("says", "arguments"),
    [
        ("a partition commits with the others: see JAPPLY prepare", ["commit", "1-0", FILE]),
        ("name: expected 1 to 64 letters and digits, got ''", ["prepare", "1-0"]),
        ("name: expected 1 to 64 letters and digits, got 'a-b'", ["settle", "a-b", "commit"]),
        ("owner: expected 1 to 1024 bytes", ["prepare", "1-0", NAME]),
        ("decision: expected commit or abort, got ''", ["settle", NAME]),
        ("decision: expected commit or abort, got 'maybe'", ["settle", NAME, "maybe"]),
        ("stage: expected what JAPPLY begin returned", ["parents", "x", "a"]),
    ],
)
def test_partitions_reject_invalid_arguments(parts: Partitioned, says: str, arguments: list[Any]) -> None:
    parts.parts[1].refuses(OptionError, says, "JAPPLY", *arguments)


@pytest.mark.parametrize(
    "verb", [["prepare", "1-0", NAME, FILE], ["pending"], ["settle", NAME, "abort"], ["close", NAME]]
)
def test_a_board_without_partitions_has_none_of_this(lua: Lua, verb: list[str]) -> None:
    lua.refuses(OptionError, "has no partitions: call JAPPLY commit", "JAPPLY", *verb)


# What jobs wait for


def ring(parts: Partitioned, count: int = 3) -> list[list[Any]]:
    """Jobs in different partitions, each of which waits for the next."""
    names = [parts.name(place % 4, f"r{place}x") for place in range(count)]
    return [words(id, after=after) for id, after in zip(names, [*names[1:], names[0]], strict=True)]


def check(parts: Partitioned, stage: str, id: str) -> None:
    assert parts.whole.japply("check", stage, id) == "OK"


def test_a_cycle_over_partitions_is_found(parts: Partitioned) -> None:
    jobs = ring(parts)
    stage = begin(parts, *jobs)
    a, b, c = (job[1] for job in jobs)
    with pytest.raises(
        OptionError, match=f"after: expected no cycle, got {b} after {c} after {a} after {b}$"
    ):
        parts.whole.japply("check", stage, b)
    with pytest.raises(OptionError, match="the stage has unchecked jobs"):
        parts.whole.japply("commit", stage, FILE)


def test_a_cycle_with_jobs_of_the_board_is_found(parts: Partitioned) -> None:
    first, *others = ring(parts, 5)
    parts.whole.put(first[1])
    for job in reversed(others):
        parts.whole.put(job[1], after=job[5])
    with pytest.raises(OptionError, match=f"expected no cycle, got {first[1]} after .* after {first[1]}$"):
        parts.whole.japply("check", begin(parts, first, mode="adopt"), first[1])


def test_an_order_that_is_reversed_over_partitions_is_no_cycle(parts: Partitioned, ids: list[str]) -> None:
    a, b, *_ = ids
    parts.whole.put(a)
    parts.whole.put(b, after=a)
    stage = begin(parts, words(a, after=b), words(b), mode="adopt")
    check(parts, stage, a)
    parts.whole.japply("commit", stage, FILE)
    assert parts.when(a)["after"] == [b]
    assert "after" not in parts.when(b)


def test_jobs_that_are_checked_are_searched_once(parts: Partitioned, ids: list[str]) -> None:
    a, b, c, _ = ids
    stage = begin(parts, words(a, after=b), words(b, after=c))
    assert parts.parts[1].japply("parents", stage.split(",")[1], b, "other") == [c, ""]
    check(parts, stage, b)
    assert parts.parts[1].japply("parents", stage.split(",")[1], b) == [""]
    check(parts, stage, a)


def test_links_are_told_once_the_file_is_applied(parts: Partitioned, ids: list[str]) -> None:
    stage = begin(parts, words(ids[0]), words(ids[2], after=ids[0]))
    check(parts, stage, ids[2])
    parts.whole.japply("commit", stage, FILE)
    parts.board.commands.finish_apply()
    assert parts.when(ids[0])["followed_by"] == [ids[2]]


# Clients that stop


def interrupted(parts: Partitioned, route: Route, calls: int) -> bool:
    """Follow a route, but stop after so many calls. Returns whether it had ended by then."""
    spread = parts.board.commands.spread
    assert spread is not None
    replies: list[Any] | None = None
    while True:
        try:
            asked = next(route) if replies is None else route.send(replies)
        except StopIteration:
            return True
        replies = []
        for call in asked:
            if not calls:
                return False
            calls -= 1
            replies += spread.ask([call])


def payloads(parts: Partitioned, ids: list[str]) -> list[str]:
    return [json.loads(text)["payload"] for text in parts.whole.jget(*ids)]


STEPS = 12
"""The calls of a commit: `pending`, 4 `prepare`, 4 `settle` and `close` are ten."""


@pytest.mark.parametrize("calls", range(STEPS))
@pytest.mark.parametrize("reader", [0, 1, 3])
def test_wherever_a_client_stops_the_board_is_old_or_new(
    parts: Partitioned, ids: list[str], monkeypatch: pytest.MonkeyPatch, calls: int, reader: int
) -> None:
    monkeypatch.setattr(commits, "SILENCE", 0)
    apply(parts, *(words(id, "old") for id in ids))
    stage = begin(parts, *(words(id, "new") for id in ids))
    places = parts.board.commands.spread.places  # type: ignore[union-attr]
    ended = interrupted(parts, commit(places, "JAPPLY", ["commit", stage, FILE]), calls)
    assert ended == (calls >= 10)
    is_new = calls >= 6  # partition 0 has settled it
    assert payloads(parts, [ids[reader]]) == ["new" if is_new else "old"]
    assert payloads(parts, ids) == ["new" if is_new else "old"] * 4
    assert apply(parts, *(words(id, "later") for id in ids)) == 4
    assert payloads(parts, ids) == ["later"] * 4
    assert [pending(lua) for lua in parts.parts] == [["", 0, ""]] * 4


def test_others_leave_a_commit_alone_while_its_client_may_be_at_it(
    parts: Partitioned, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            for lua in parts.parts:
                lua.japply("settle", NAME, "commit")

    monkeypatch.setattr(commits, "SILENCE", 10**15)
    monkeypatch.setattr("jobs_core.engine.commands.time.sleep", pause)
    prepare(parts, begin(parts, *map(words, ids)), 0, 1, 2, 3)
    assert None not in parts.whole.jget(*ids)
    assert len(pauses) == 3


def test_a_prepared_partition_of_an_aborted_commit_is_not_waited_for(
    parts: Partitioned, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the call of a client arrives after others have aborted its commit."""
    monkeypatch.setattr(commits, "SILENCE", 10**15)
    prepare(parts, begin(parts, *map(words, ids)), 2)
    assert parts.whole.jget(*ids) == [None] * 4


def test_a_late_client_learns_that_its_commit_was_aborted(
    parts: Partitioned, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "SILENCE", 0)
    stage = begin(parts, *map(words, ids))
    spread = parts.board.commands.spread
    assert spread is not None
    route = commit(spread.places, "JAPPLY", ["commit", stage, FILE])
    calls = next(route)
    for _ in range(2):  # both prepare steps
        calls = route.send(spread.ask(calls))
    replies = spread.ask(calls)
    assert parts.whole.jget(*ids) == [None] * 4  # somebody else aborts it
    with pytest.raises(StaleError, match="was aborted, since it took too long"):
        spread.run(_resumed(route, replies))
    assert [pending(lua) for lua in parts.parts] == [["", 0, ""]] * 4
    assert parts.whole.jget(*ids) == [None] * 4


def _resumed(route: Route, replies: list[Any]) -> Route:
    """Go on with a route that has got these replies."""
    while True:
        try:
            calls = route.send(replies)
        except StopIteration as end:
            return end.value
        replies = yield calls


def test_a_partition_that_is_away_aborts_the_commit_everywhere(parts: Partitioned, ids: list[str]) -> None:
    stage = begin(parts, *map(words, ids))
    spread = parts.board.commands.spread
    assert spread is not None
    route = commit(spread.places, "JAPPLY", ["commit", stage, FILE])
    replies: list[Any] | None = None
    with pytest.raises(ServerError, match="away"):
        while True:
            calls = next(route) if replies is None else route.send(replies)
            while any(place == 2 for place, _ in calls):
                spread.ask([call for call in calls if call[0] != 2])
                calls = route.throw(ServerError("partition 2 is away"))
            replies = spread.ask(calls)
    assert [pending(lua)[0] for lua in parts.parts] == [""] * 4
    assert parts.whole.jget(*ids) == [None] * 4


def test_a_worker_that_ticks_a_partition_goes_on_with_its_commit(
    parts: Partitioned, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "SILENCE", 0)
    prepare(parts, begin(parts, *(words(id, every=5) for id in ids)), 0, 1, 2, 3)
    parts.parts[0].japply("settle", NAME, "commit")
    ticking = parts.board.commands.with_timeout(patience=0)
    first, *others = ticking.parts
    for one in (first, *(first.for_board(other) for other in others)):
        assert one.call("JTICK", "now", T + 60)[0] == 1
