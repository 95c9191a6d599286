"""JDUMP: what a board has besides its jobs and alerts, a page at a time."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import ConflictError, OptionError
from jobs_core.engine.zones import ensure
from tests.lua.helpers import MS, Lua, T

Item = list[str]


def dump(lua: Lua, place: str, *ids: str) -> list[Item]:
    """Call JDUMP for all pages."""
    cursor, found = "0", []
    while True:
        cursor, items = lua.jdump(place, cursor, *ids)
        found += items
        if cursor == "0":
            return found


def pages(lua: Lua, place: str, *ids: str) -> list[int]:
    """Return how many items each page has."""
    cursor, sizes = "0", []
    while True:
        cursor, items = lua.jdump(place, cursor, *ids)
        sizes.append(len(items))
        if cursor == "0":
            return sizes


def values(item: Item) -> dict[str, str]:
    """Return the names and values of an item."""
    return dict(zip(item[2::2], item[3::2], strict=True))


def end(lua: Lua, verb: str = "done", **options: Any) -> str:
    """Take a task and report on it. Returns its id."""
    task = lua.held()
    lua.jack(task["token"], verb, **options)
    return str(task["id"])


def test_an_empty_board_has_nothing(lua: Lua) -> None:
    for place in ("counts", "hours", "gaps", "tasks", "history", "tails", "backfills"):
        assert lua.jdump(place, "0") == ["0", []]
    assert dump(lua, "jobs", "a") == dump(lua, "outputs", "a@1") == dump(lua, "dues", "1") == []


def test_counts_are_those_of_the_board_that_are_not_0(lua: Lua) -> None:
    lua.put(every=5)
    lua.tick()
    lua.tick(T + 60)
    end(lua)
    (item,) = dump(lua, "counts")
    assert item[:2] == ["counts", ""]
    # Without the task that is queued: it counts again when it is loaded.
    assert values(item) == {"due": "12", "queued": "1", "coalesced": "11", "done": "1", "leased": "1"}


def test_hours_and_gaps(lua: Lua) -> None:
    lua.put(every=5)
    lua.tick()
    end(lua)
    lua.client.hset(f"{lua.keys.tag}:stats", "ticked", MS)
    lua.jtick(now=T + 60)
    assert dump(lua, "hours") == [["hours", "", f"{T // 3600} done", "1", f"{T // 3600} coalesced", "11"]]
    assert dump(lua, "gaps") == [["gaps", "", f"idle {MS + 5000} {MS + 60000}"]]


def test_a_job_has_its_counters_and_runs_and_what_it_waits_for(lua: Lua) -> None:
    lua.put("a", every=3600)
    lua.put("b", after="a,c")
    lua.tick()
    end(lua, "dead", note="no")
    lua.jpush("a")
    end(lua)
    first, second = dump(lua, "jobs", "none", "a", "b")
    assert first[:2] == ["job", "a"]
    assert {name: values(first)[name] for name in ("done", "dead")} == {"done": "1", "dead": "1"}
    assert values(first)["runs"].startswith(f"dead {MS} {MS} ")
    assert values(second)["met"] == "a"
    assert values(second)["ending"].startswith("a ")


def test_a_job_that_fails_has_failures_in_a_row(lua: Lua) -> None:
    lua.put(every=3600)
    lua.tick()
    end(lua, "dead")
    assert values(dump(lua, "jobs", "a")[0])["failing"] == "1"


def test_tasks_have_their_place_and_record(lua: Lua) -> None:
    lua.push("later", at=T + 60)
    lua.push("gone")
    end(lua, "dead")
    lua.push("waits")
    later, dead, waits = (
        next(item for item in dump(lua, "tasks") if item[2].endswith(text))
        for text in ("later", "gone", "waits")
    )
    assert later[3:] == ["delayed", f"{later[1]}#0", str(MS + 60000), "", ""]
    assert dead[3:] == ["dead", f"{dead[1]}#1", str(MS), "", ""]
    assert waits[3:] == ["queue", "", "", "", ""]


def test_a_held_task_has_its_limit(lua: Lua) -> None:
    lua.jlimit("runner", "echo", concurrency=1)
    for text in ("one", "two"):
        lua.push(text)
    (held,) = lua.take(count=2, lease=30)
    lua.jack(held["token"], "done")
    (item,) = dump(lua, "tasks")
    assert item[3] == "held:runner:echo"
    assert item[6].startswith("runner:echo ")


def test_pages_are_bounded_in_items_and_bytes(lua: Lua) -> None:
    for _ in range(450):
        lua.push("x")
    assert pages(lua, "tasks") == [200, 200, 50]
    lua.reset()
    for _ in range(9):
        lua.push("x" * 100_000)
    assert max(pages(lua, "tasks")) <= 10
    assert sum(pages(lua, "tasks")) == 9


def test_many_small_tasks_after_a_large_one_are_all_listed(lua: Lua) -> None:
    texts = ["x" * 200_000, *map(str, range(60)), "y" * 300_000, *map(str, range(60, 90))]
    for text in texts:
        lua.push(text)
    assert [item[2].rpartition("\n")[2] for item in dump(lua, "tasks")] == texts


def test_a_record_that_cannot_be_read_is_left_out(lua: Lua) -> None:
    lua.push("good")
    lua.client.rpush(lua.keys.queue("echo"), "bad")
    assert len(dump(lua, "tasks")) == 1


def test_history_and_changes_have_their_entries(lua: Lua) -> None:
    lua.push("x")
    task = end(lua, "done", note="good")
    lua.put("a")
    (entry,) = dump(lua, "history")
    assert (entry[:2], entry[3:]) == (
        ["history", task],
        ["task", task, "attempt", "1", "what", "done", "note", "good"],
    )
    lua.jedit("a", timeout=5)
    put, edit = dump(lua, "changes")
    assert (put[:2], put[3:]) == (["changes", "a"], ["what", "put", "by", "-", "ids", "a"])
    assert edit[:2] == ["changes", "a"]


def test_long_histories_have_pages(lua: Lua) -> None:
    for number in range(40):
        lua.client.xadd(lua.keys.history, {"task": f"a@{number}", "note": "x" * 20_000})
    assert len(pages(lua, "history")) > 1
    assert [item[1] for item in dump(lua, "history")] == [f"a@{number}" for number in range(40)]


def test_output_ends_with_its_size_and_when_it_expires(lua: Lua) -> None:
    lua.push("x", keep="1h")
    task = lua.held()
    lua.joutput(task["token"], "stdout", "hello")
    lua.jack(task["token"], "done")
    line, ended, printed = dump(lua, "outputs", "none@1", task["id"])
    assert line[3:] == ["stream", "stdout", "line", "hello"]
    assert ended[3:] == ["attempt", "1", "what", "done"]
    assert (printed[0], printed[2].split()[1]) == ("printed", "2")


def test_tails_are_listed(lua: Lua) -> None:
    lua.push("x")
    task = end(lua, "done", tail="a1\no hello")
    assert dump(lua, "tails") == [["tail", task, "a1\no hello"]]


def test_backfills_have_what_is_left_of_them(lua: Lua) -> None:
    ensure(lua.board.commands)
    lua.put(every=3600, start=T - 100 * 3600)
    lua.jbackfill("start", "a", "from", T - 10 * 3600, "to", T, concurrency=2)
    (backfill,) = dump(lua, "backfills")
    assert (backfill[:3], backfill[4]) == (["backfill", "a", "1"], "inf")
    assert dump(lua, "dues", "1") == [["dues", "a", "1", *(str(MS - n * 3600_000) for n in range(8, 0, -1))]]
    assert [item[:3] for item in dump(lua, "backfilled", "a")] == [["backfilled", "a", str(MS - 36000_000)]]
    assert [item[7] for item in dump(lua, "tasks")] == ["1", "1"]


def test_the_state_changes_with_the_board(lua: Lua) -> None:
    def state() -> str:
        return str(lua.jdump("state", "0")[1][0][2])

    first = state()
    assert state() == first
    lua.put("a")
    second = state()
    lua.push("x")
    assert len({first, second, state()}) == 3


def test_the_state_of_a_board_at_work_is_rejected(lua: Lua) -> None:
    lua.push("x")
    task = lua.held()
    lua.refuses(
        ConflictError, r"tasks are running on the board \(1\): stop its workers", "JDUMP", "state", "0"
    )
    lua.jack(task["token"], "done")
    for waiting in ("follow", "alerts:notices", "outgoing", "relink"):
        name = f"{lua.keys.tag}:{waiting}"
        lua.client.rpush(name, "x")
        lua.refuses(ConflictError, "run `jobs tick --once`", "JDUMP", "state", "0")
        lua.client.delete(name)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "JDUMP expects a place and a cursor"),
        (["counts"], "JDUMP expects a place and a cursor"),
        (["color", "0"], "place: expected what JDUMP reads"),
        (["tasks", "x"], "cursor: expected 0, or the cursor that was returned"),
        (["tasks", "1 x"], "cursor: expected 0, or the cursor that was returned"),
        (["history", "x"], "cursor: expected 0, or the cursor that was returned"),
        (["tails", "x"], "cursor: expected 0, or the cursor that was returned"),
        (["jobs", "0", *map(str, range(201))], "id: expected at most 200 ids, got 201"),
    ],
)
def test_wrong_calls_are_rejected(lua: Lua, words: list[str], says: str) -> None:
    lua.push("x")
    lua.refuses(OptionError, says, "JDUMP", *words)
