"""JMACK: report on several tasks in one call."""

from __future__ import annotations

from jobs_core import OptionError, StaleError
from tests.lua.helpers import Lua


def test_each_task_is_reported_as_by_jack(lua: Lua) -> None:
    for payload in "abc":
        lua.push(payload)
    first, second, third = lua.take(count=3, lease=30)
    replies = lua.jmack(
        *(2, first["token"], "done"),
        *(4, second["token"], "retry", "delay", 5),
        *(6, third["token"], "dead", "note", "broken", "code", 7),
    )
    assert replies == [first["id"], second["id"], third["id"]]
    assert (lua.count()["delayed"], lua.count()["dead"], lua.stats()["done"]) == (1, 1, 1)


def test_a_rejected_report_does_not_affect_the_others(lua: Lua) -> None:
    lua.push()
    held = lua.held()
    stale, unknown, done = lua.jmack(
        2, "nobody#1", "done", 2, held["token"], "finished", 2, held["token"], "done"
    )
    assert isinstance(stale, StaleError)
    assert isinstance(unknown, OptionError) and "got 'finished'" in str(unknown)
    assert done == held["id"]
    assert (lua.stats()["done"], lua.stats()["stale"]) == (1, 1)


def test_incomplete_reports_are_rejected(lua: Lua) -> None:
    lua.push()
    token = lua.held()["token"]
    lua.refuses(OptionError, "words: expected at most", "JMACK", 9, token, "done")
    lua.refuses(
        OptionError, "words: expected a whole number of at least 1, got 'x'", "JMACK", "x", token, "done"
    )
    assert lua.jmack() == []


def test_a_task_is_done_once_however_far_apart_two_reports_are(lua: Lua) -> None:
    for number in range(30):
        lua.push(str(number))
    tokens = [task["token"] for task in lua.take(count=30, lease=30)]
    *replies, again = lua.jmack(*(word for token in (*tokens, tokens[0]) for word in (2, token, "done")))
    assert len(replies) == 30 and isinstance(again, StaleError)
    assert (lua.stats()["done"], lua.stats()["stale"]) == (30, 1)
