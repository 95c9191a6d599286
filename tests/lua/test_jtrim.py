"""JTRIM: drop the oldest tasks of a queue."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import OptionError
from tests.lua.helpers import Lua


def test_the_newest_tasks_stay(lua: Lua) -> None:
    for payload in "12345":
        lua.push(payload)
    assert lua.jtrim("echo", 2) == 3
    assert [task["payload"] for task in lua.take(count=9)] == ["4", "5"]


def test_a_short_queue_is_unchanged(lua: Lua) -> None:
    lua.push()
    before = lua.everything()
    assert [lua.jtrim("echo", 1), lua.jtrim("echo", 9), lua.jtrim("none", 0)] == [0, 0, 0]
    assert lua.everything() == before


def test_a_call_drops_a_limited_number(lua: Lua) -> None:
    for _ in range(5):
        lua.push()
    assert [lua.jtrim("echo", 0, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_the_default_limit_is_a_thousand(lua: Lua) -> None:
    lua.board.commands.batch([("JPUSH", ["echo", "x"])] * 1005)
    assert [lua.jtrim("echo", 0), lua.jtrim("echo", 0)] == [1000, 5]


def test_the_ledger_counts_dropped_tasks(lua: Lua) -> None:
    for _ in range(5):
        lua.push()
    lua.jtrim("echo", 2)
    assert (lua.stats()["trimmed"], lua.stats()["cancelled"], lua.count()["queued"]) == (3, 3, 2)


def test_the_lowest_priority_is_dropped_first(lua: Lua) -> None:
    for priority in (5, 0, -5, 5, 0, -5):
        lua.push(str(priority), priority=priority)
    assert lua.jtrim("echo", 3) == 3
    assert [task["payload"] for task in lua.take(count=9)] == ["5", "5", "0"]


def test_other_queues_and_leased_tasks_stay(lua: Lua) -> None:
    lua.push()
    lua.push(queue="slow")
    lua.held()
    assert lua.jtrim("echo", 0) == 0
    assert (lua.count()["leased"], lua.count()["queue:slow"]) == (1, 1)


def test_dropping_a_task_runs_its_dependents(lua: Lua) -> None:
    lua.put("a")
    lua.put("b", after="a", on="end", queue="after")
    lua.jpush("a")
    lua.jtrim("echo", 0)
    assert [task["job"] for task in lua.take("after")] == ["b"]
    assert lua.adds_up()


def test_waiting_clients_are_notified_of_dropped_tasks(lua: Lua) -> None:
    task = lua.push(keep="1h")
    lua.jtrim("echo", 0)
    (entry,) = lua.board.output(task, follow=True)
    assert entry["what"] == "cancelled"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "keep: expected a whole number of at least 0, got ''"),
        (["echo"], "keep: expected a whole number of at least 0, got ''"),
        (["echo", -1], "keep: expected a whole number of at least 0, got '-1'"),
        (["echo", 0, "limit", 0], "limit: expected a whole number of at least 1, got '0'"),
        (["echo", 0, "keep", 1], "keep: unknown option"),
    ],
)
def test_a_rejected_call_drops_nothing(lua: Lua, arguments: list[Any], says: str) -> None:
    lua.push()
    lua.refuses(OptionError, says, "JTRIM", *arguments)
