"""JDEAD: retry and purge dead letters."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import OptionError
from tests.lua.helpers import MS, Lua, T


def bury(lua: Lua, **options: Any) -> str:
    """Create a dead letter. Returns its ticket."""
    lua.push(**options)
    token = str(lua.held()["token"])
    lua.jack(token, "dead", code=1)
    return token


def test_a_retried_dead_letter_starts_at_attempt_1(lua: Lua) -> None:
    lua.push("x", timeout=9)
    first = lua.held()
    lua.jack(first["token"], "retry", code=75)
    lua.jack(lua.held()["token"], "dead", code=1)
    (ticket,) = (task["ticket"] for task in lua.tasks(state="dead"))
    assert lua.jdead("retry", ticket) == 1
    assert lua.held() == first | {"token": f"{first['id']}#3"}
    assert lua.adds_up()


def test_a_retry_resets_losses(lua: Lua) -> None:
    lua.push(losses=1)
    token = lua.held()["token"]
    lua.tick(T + 30)
    lua.jdead("retry", token)
    assert lua.held(now=T + 30)["history"] == ""
    lua.tick(T + 60)
    assert lua.count()["dead"] == 1


def test_a_retry_reverts_the_death_in_the_ledger(lua: Lua) -> None:
    ticket = bury(lua)
    lua.jdead("retry", ticket)
    stats = lua.stats()
    assert (stats["dead"], stats["revived"], stats["in_flight"], lua.adds_up()) == (0, 1, 1, True)


def test_a_task_may_die_and_be_revived_again_and_again(lua: Lua) -> None:
    ticket = bury(lua)
    for _ in range(3):
        lua.jdead("retry", ticket)
        ticket = lua.held()["token"]
        lua.jack(ticket, "dead")
    assert (lua.stats()["dead"], lua.stats()["revived"], lua.adds_up()) == (1, 3, True)


def test_a_purged_dead_letter_stays_dead_in_the_ledger(lua: Lua) -> None:
    assert lua.jdead("purge", bury(lua)) == 1
    stats = lua.stats()
    assert (stats["dead"], stats["purged"], stats["in_flight"], lua.adds_up()) == (1, 1, 0, True)
    assert (lua.count()["dead"], lua.client.exists(lua.keys.task), lua.take()) == (0, 0, [])


@pytest.mark.parametrize("verb", ["retry", "purge"])
def test_jdead_returns_the_number_of_tasks_it_changed(lua: Lua, verb: str) -> None:
    first, second, third = (bury(lua) for _ in range(3))
    assert lua.jdead(verb, first, "nobody@1#1", second, first) == 2
    assert lua.jdead(verb, first, second) == 0
    assert lua.jdead(verb) == 0
    assert [task["ticket"] for task in lua.tasks(state="dead")] == [third]


@pytest.mark.parametrize("verb", ["retry", "purge"])
def test_a_live_task_is_ignored(lua: Lua, verb: str) -> None:
    lua.push()
    held = lua.held()
    delayed = lua.push(at="+9")
    before = lua.everything()
    assert lua.jdead(verb, held["token"], f"{delayed}#0") == 0
    assert lua.everything() == before


def test_a_retry_goes_to_the_end_of_its_own_lane_and_wakes_a_worker(lua: Lua) -> None:
    ticket = bury(lua, queue="echo", priority=5)
    lua.push("normal")
    lua.push("high", priority=5)
    lua.forget_wakes()
    lua.jdead("retry", ticket)
    assert lua.wakes() == ["wake:echo"]
    assert [task["payload"] for task in lua.take(count=9)] == ["high", "x", "normal"]


def test_limits_apply_to_a_retried_dead_letter(lua: Lua) -> None:
    lua.put(concurrency=1)
    lua.jpush("a")
    ticket = lua.held()["token"]
    lua.jack(ticket, "dead")
    lua.jpush("a")
    lua.held()
    lua.jdead("retry", ticket)
    assert (lua.take(lease=30), lua.count()["held"]) == ([], 1)


def test_the_ledger_of_the_job_agrees(lua: Lua) -> None:
    lua.put()
    lua.jpush("a")
    ticket = lua.held()["token"]
    lua.jack(ticket, "dead")
    lua.jdead("retry", ticket)
    assert lua.ledger() == {"revived": 1}


def test_the_ledger_of_a_recreated_job_never_becomes_negative(lua: Lua) -> None:
    lua.put()
    lua.jpush("a")
    ticket = lua.held()["token"]
    lua.jack(ticket, "dead")
    lua.jdel("a")
    lua.put()
    lua.jdead("retry", ticket)
    assert min(lua.jstats("job", "a")[1::2]) == 0


def test_the_history_records_retries_and_purges(lua: Lua) -> None:
    tickets = [bury(lua), bury(lua)]
    lua.jdead("retry", tickets[0])
    lua.jdead("purge", tickets[1])
    told = [entry for _, entry in lua.client.xrange(lua.keys.history)][2:]
    assert told == [
        {"task": f"push:1@{MS}", "attempt": "1", "what": "revived"},
        {"task": f"push:2@{MS}", "attempt": "1", "what": "purged"},
    ]


@pytest.mark.parametrize("arguments", [[], [""], ["bury"], ["bury", "x"], ["push:1#1"]])
def test_other_verbs_are_refused(lua: Lua, arguments: list[str]) -> None:
    bury(lua)
    lua.refuses(OptionError, "^JDEAD expects retry or purge, got ", "JDEAD", *arguments)
