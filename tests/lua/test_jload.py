"""JLOAD: restores what JDUMP read, each item once."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import ConflictError, LayoutError, OptionError
from jobs_core.engine.loader import VERSION
from tests.lua.helpers import MS, Lua, T


def begin(lua: Lua, dump: str = "d1") -> int:
    return int(lua.jload("begin", dump, VERSION))


def add(lua: Lua, *items: list[Any], dump: str = "d1", first: int = 1) -> list[Any]:
    """Add items under the next numbers. Returns OK or the error for each."""
    words: list[Any] = []
    for n, item in enumerate(items, first):
        words += (len(item) + 1, n, *item)
    return list(lua.jload("add", dump, *words))


RECORD = f"1\npush:1@{MS}\n\necho\necho\n\nx"
TASK = ["task", f"push:1@{MS}", RECORD, "queue", "", "", "", ""]


def test_counts_are_added(lua: Lua) -> None:
    begin(lua)
    assert add(lua, ["counts", "", "due", 12, "done", 5], ["counts", "", "due", 3]) == ["OK", "OK"]
    assert (lua.stats()["due"], lua.stats()["done"]) == (15, 5)


def test_an_item_is_added_once(lua: Lua) -> None:
    begin(lua)
    for _ in range(2):
        assert add(lua, ["counts", "", "due", 12], TASK) == ["OK", "OK"]
    assert begin(lua) == 2
    assert add(lua, TASK, TASK, ["counts", "", "due", 1]) == ["OK", "OK", "OK"]
    assert lua.stats()["due"] == 14  # a task counts where it is loaded
    assert lua.ids() == [f"push:1@{MS}"]


def test_a_task_can_be_taken_from_where_it_was(lua: Lua) -> None:
    begin(lua)
    later = RECORD.replace("push:1", "push:2")
    dead = RECORD.replace("push:1", "push:3")
    add(
        lua,
        TASK,
        ["task", f"push:2@{MS}", later, "delayed", f"push:2@{MS}#0", MS + 5000, "", ""],
        ["task", f"push:3@{MS}", dead, "dead", f"push:3@{MS}#4", MS, "", ""],
    )
    assert sorted(task["state"] for task in [*lua.tasks(), *lua.tasks(state="dead")]) == [
        *("dead", "delayed", "queued")
    ]
    assert lua.ids() == [f"push:1@{MS}"]
    lua.tick(T + 5)
    assert lua.ids() == [f"push:2@{MS}"]


def test_a_held_task_starts_once_its_limit_has_room(lua: Lua) -> None:
    begin(lua)
    lua.jlimit("runner", "echo", concurrency=1)
    add(lua, [*TASK[:3], "held:runner:echo", "", "", f"runner:echo {MS} 1", ""])
    (task,) = lua.tasks()
    assert (task["state"], task["held"]["limit"]) == ("held", "runner:echo")
    lua.tick()
    assert lua.ids() == [f"push:1@{MS}"]


def test_a_job_gets_its_counters_and_runs(lua: Lua) -> None:
    begin(lua)
    for first in (1, 2):  # a dump may have a job twice
        add(
            lua,
            ["job", "a", "done", 5, "failing", 2, "runs", f"dead {MS} {MS} {MS} 1 host-1\n", "owner", "me"],
            first=first,
        )
    lua.put("a", every=5)
    assert lua.ledger() == {"done": 5}
    assert len(lua.jruns("a")) == 1
    assert '"failures":2' in lua.jsummary("a")[0]
    assert int(lua.client.hget(f"{lua.keys.tag}:stats", "runs")) == len(f"dead {MS} {MS} {MS} 1 host-1\n")


def test_an_occurrence_goes_on_waiting(lua: Lua) -> None:
    begin(lua)
    add(lua, ["job", "b", "waiting", f"{MS} inf"])
    lua.put("a")
    lua.put("b", at=T, after="a", next="none")
    assert lua.stats()["waiting"] == 1
    lua.jpush("a")
    lua.jack(lua.held()["token"], "done")
    assert lua.ids() == [f"b@{MS}"]


def test_entries_keep_their_ids_and_come_in_order(lua: Lua) -> None:
    begin(lua)
    add(
        lua,
        ["history", "a@1", "1700000000000-0", "task", "a@1", "what", "done"],
        ["history", "a@0", "1600000000000-0", "task", "a@0", "what", "done"],
    )
    entries = lua.client.xrange(lua.keys.history)
    assert [(id, fields["task"]) for id, fields in entries] == [
        ("1700000000000-0", "a@1"),
        ("1700000000000-1", "a@0"),
    ]


def test_changes_replace_those_of_the_load(lua: Lua) -> None:
    begin(lua)
    lua.put("a")
    add(lua, ["changes", "b", "1600000000000-0", "what", "put", "by", "ann", "ids", "b"])
    lua.jload("end", "d1", "by", "bob")
    texts = lua.jchanges()[1]
    assert ['"what":"load"' in texts[0], '"by":"bob"' in texts[0], '"by":"ann"' in texts[1], len(texts)] == [
        *(True, True, True, 2)
    ]


def test_output_is_added_once_and_expires(lua: Lua) -> None:
    begin(lua)
    line = ["output", "a@1", "1700000000000-1", "stream", "stdout", "line", "hello"]
    add(lua, line, line, ["printed", "a@1", "17 1 1700000000000", 7_000_000_000_000])
    name = lua.keys.output("a@1")
    assert lua.client.xlen(name) == 1
    assert lua.client.pttl(name) > 0


def test_a_rejected_item_does_not_affect_the_others(lua: Lua) -> None:
    begin(lua)
    replies = add(lua, ["color", "", "red"], ["counts", "", "due", 1], ["counts", "", "colour", 1])
    assert [isinstance(reply, OptionError) for reply in replies] == [True, False, True]
    assert lua.stats()["due"] == 1


WRONG: list[list[Any]] = [
    ["counts", "", "due"],
    ["counts", "", "due", "x"],
    ["hours", "", "x done", 1],
    ["gaps", "", "x"],
    ["job", "a b", "done", 1],
    ["job", "a", "done", "x"],
    ["job", "a", "done"],
    ["job", "a", "waiting", "x"],
    ["backfilled", "a", "x", 1],
    ["task", f"push:1@{MS}"],
    [*TASK[:2], "x", *TASK[3:]],
    ["task", f"push:2@{MS}", *TASK[2:]],
    [*TASK[:3], "leased", *TASK[4:]],
    [*TASK[:3], "delayed", "x", "y", "", ""],
    ["history", "a@1", "x", "task", "a@1"],
    ["history", "a@1", "1-1", "task"],
    ["printed", "a@1", "x", 1],
    ["tail", "a@1"],
    ["backfill", "a", "1", "x", ""],
    ["backfill", "a", "1", '{"job":"b","id":"1"}', ""],
    ["dues", "a", "x", 1],
    ["dues", "a", "1", "x"],
    ["counts"],
]


@pytest.mark.parametrize("item", WRONG, ids=lambda item: " ".join(map(str, item))[:40])
def test_wrong_items_are_rejected_and_write_nothing(lua: Lua, item: list[Any]) -> None:
    begin(lua)
    before = lua.everything()
    (reply,) = add(lua, item)
    assert isinstance(reply, OptionError)
    mark = f"{lua.keys.tag}:load"
    assert lua.everything() | {mark: None} == before | {mark: None}


def test_a_board_with_a_ledger_is_rejected(lua: Lua) -> None:
    lua.push("x")
    lua.refuses(ConflictError, "the board has a ledger of its own", "JLOAD", "begin", "d1", VERSION)


def test_a_dump_is_loaded_once_and_whole(lua: Lua) -> None:
    begin(lua)
    lua.refuses(ConflictError, "another dump was only loaded in part", "JLOAD", "begin", "d2", VERSION)
    lua.refuses(ConflictError, "this dump is not being loaded", "JLOAD", "add", "d2", 4, 1, "counts", "", "x")
    assert lua.jload("end", "d1") == "OK"
    lua.refuses(ConflictError, "this dump is loaded already", "JLOAD", "begin", "d1", VERSION)
    lua.refuses(ConflictError, "this dump is not being loaded", "JLOAD", "end", "d2")
    assert lua.jload("end", "d1") == "OK"  # its reply may have been lost
    assert len(lua.jchanges()[1]) == 1


def test_another_layout_is_rejected(lua: Lua) -> None:
    lua.refuses(LayoutError, "the dump is of layout '4'", "JLOAD", "begin", "d1", "4")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "JLOAD expects begin, add or end"),
        (["go"], "JLOAD expects begin, add or end, got 'go'"),
        (["begin"], "dump: expected the id of a dump"),
        (["begin", "a b", VERSION], "dump: expected the id of a dump"),
        (["add", "d1", "x"], "words: expected a whole number"),
        (["add", "d1", 9, 1, "counts"], "words: expected at most"),
        (["add", "d1", 3, "x", "counts", ""], "n: expected a whole number"),
        (["end", "d1", "color", "red"], "color: unknown option"),
    ],
)
def test_wrong_calls_are_rejected(lua: Lua, words: list[Any], says: str) -> None:
    begin(lua)
    lua.refuses(OptionError, says, "JLOAD", *words)
