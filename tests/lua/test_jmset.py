"""JMSET: several jobs in one call."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import ExistsError, OptionError, PayloadError
from tests.lua.helpers import MS, Lua, T


def words(*arguments: Any) -> tuple[Any, ...]:
    return len(arguments), *arguments


def test_jmset_returns_what_jset_would_for_each_job(lua: Lua) -> None:
    tick = words("a", "echo", "x", "every", 5, "now", T)
    manual = words("b", "echo", "y")
    once = words("c", "echo", "z", "at", "+1m", "now", T)
    assert lua.jmset("set", *tick, *manual, *once) == [MS, 0, MS + 60_000]
    assert [lua.job(id)["payload"] for id in "abc"] == ["x", "y", "z"]


def test_a_rejected_job_does_not_affect_the_others(lua: Lua) -> None:
    replies = lua.jmset(
        "set",
        *words("a", "echo", "x"),
        *words("b", "echo", "x", "every", "5q"),
        *words("c", "echo", "x" * (1 << 20) + "x"),
        *words("d", "echo"),
        *words("e", "echo", "x"),
    )
    kinds = [type(reply) for reply in replies]
    assert kinds == [int, OptionError, PayloadError, OptionError, int]
    assert str(replies[1]).startswith("every: expected a duration such as 90, 1h30m or PT1H30M, got '5q'")
    assert [found is not None for found in lua.jget(*"abcde")] == [True, False, False, False, True]


def test_set_updates_and_create_refuses(lua: Lua) -> None:
    lua.put("a", "old")
    (refused, created) = lua.jmset("create", *words("a", "echo", "new"), *words("b", "echo", "x"))
    assert (type(refused), str(refused), created) == (ExistsError, "the job 'a' already exists", 0)
    assert lua.job()["payload"] == "old"
    assert lua.jmset("set", *words("a", "echo", "new")) == [0]
    assert lua.job()["payload"] == "new"


def test_jmset_accepts_no_jobs(lua: Lua) -> None:
    assert lua.jmset("set") == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "JMSET expects set or create, got"),
        (["put"], "JMSET expects set or create, got"),
        (["set", *words("a", "echo", "x"), 4, "b", "echo", "x"], "words: expected at most"),
        (["set", *words("a", "echo", "x"), 0], "words: expected a whole number of at least 1, got '0'"),
        (
            ["set", *words("a", "echo", "x"), "b", "echo"],
            "words: expected a whole number of at least 1, got 'b'",
        ),
    ],
)
def test_a_call_that_cannot_be_split_puts_nothing(lua: Lua, arguments: list[Any], says: str) -> None:
    lua.refuses(OptionError, says, "JMSET", *arguments)
    assert lua.count()["jobs"] == 0


@pytest.mark.parametrize("first", ["0 3 * * *", "59 23 * * *", "30 4 * * *"])
@pytest.mark.parametrize("days", ["* * *", "* * MON-FRI", "1 * *"])
def test_a_job_at_midnight_keeps_its_time_beside_others(lua: Lua, first: str, days: str) -> None:
    """Jobs with the same days share the search for a day within a call."""
    crons = [first[:-5] + days, "0 0 " + days, first[:-5] + days]
    puts = (words(f"s{n}", "echo", "x", "cron", cron, "now", T) for n, cron in enumerate(crons))
    lua.jmset("set", *(word for put in puts for word in put))
    for n, cron in enumerate(crons):
        assert lua.job(f"s{n}")["next"] * 1000 == lua.jnext("-", "cron", cron)[0]
        assert lua.jnext(f"s{n}", count=3) == lua.jnext("-", "cron", cron, count=3)
