"""A limit or an overlap rule that is set while tasks run counts these tasks, whenever they began."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lua.helpers import Lua, T


def running(lua: Lua, id: str = "a", **options: Any) -> str:
    """A job whose task runs. Returns the task's token."""
    lua.put(id, every=60, **options)
    lua.tick(T)
    (task,) = lua.take(lease=600)
    return str(task["token"])


@pytest.mark.parametrize("overlap", ["skip", "queue"])
def test_a_new_overlap_rule_sees_the_run_under_way(lua: Lua, overlap: str) -> None:
    token = running(lua)
    lua.put(every=60, overlap=overlap, now=T + 1)
    lua.tick(T + 60)
    assert lua.take(lease=600, now=T + 60) == []
    lua.jack(token, "done", now=T + 61)
    lua.tick(T + 120)
    assert len(lua.take(lease=600, now=T + 120)) == 1


def test_a_new_overlap_rule_may_replace_the_run_under_way(lua: Lua) -> None:
    token = running(lua)
    lua.put(every=60, overlap="replace", now=T + 1)
    lua.tick(T + 60)
    assert lua.jbeat(600, token, "--", "now", T + 60) == [2]


@pytest.mark.parametrize("put", ["jset", "jedit", "jmset"])
def test_a_new_concurrency_counts_the_run_under_way(lua: Lua, put: str) -> None:
    token = running(lua, timeout=900, description="x")
    if put == "jset":
        lua.put(every=60, timeout=900, concurrency=1, now=T + 1)
    elif put == "jedit":
        lua.jedit("a", concurrency=1, now=T + 1)
    else:
        lua.jmset("set", 7, "a", "echo", "x", "every", 60, "concurrency", 1)
    lua.jpush("a", now=T + 2)
    assert lua.take(lease=600, now=T + 2) == []
    lua.jack(token, "done", now=T + 3)
    assert len(lua.take(lease=600, now=T + 3)) == 1


def test_the_slot_of_a_run_that_is_lost_or_retried_becomes_free(lua: Lua) -> None:
    token = running(lua)
    lua.jedit("a", concurrency=1, now=T + 1)
    lua.jack(token, "retry", delay=5, now=T + 2)
    lua.jpush("a", now=T + 3)
    (task,) = lua.take(lease=600, now=T + 3)
    lua.tick(T + 10)
    assert lua.take(lease=600, now=T + 10) == []
    lua.jack(task["token"], "done", now=T + 11)
    assert len(lua.take(lease=600, now=T + 11)) == 1


def test_a_new_rate_counts_the_starts_of_its_period(lua: Lua) -> None:
    running(lua)
    lua.jedit("a", rate="1/1h", now=T + 1)
    lua.jpush("a", now=T + 2)
    assert lua.take(lease=600, now=T + 2) == []
    lua.tick(T + 3599)
    assert lua.take(lease=600, now=T + 3599) == []
    lua.tick(T + 3600)
    assert len(lua.take(lease=600, now=T + 3600)) == 1


@pytest.mark.parametrize("kind", ["queue", "runner"])
def test_a_new_limit_of_a_queue_or_runner_counts_what_runs(lua: Lua, kind: str) -> None:
    token = running(lua)
    lua.jlimit(kind, "echo", concurrency=1, now=T + 1)
    lua.push(now=T + 2)
    assert lua.take(lease=600, now=T + 2) == []
    lua.jack(token, "done", now=T + 3)
    assert len(lua.take(lease=600, now=T + 3)) == 1


def test_a_new_rate_of_a_queue_counts_what_has_started(lua: Lua) -> None:
    running(lua)
    lua.jlimit("queue", "echo", rate="1/1h", now=T + 1)
    lua.push(now=T + 2)
    assert lua.take(lease=600, now=T + 2) == []


def test_another_job_or_queue_is_not_counted(lua: Lua) -> None:
    running(lua, "b")
    lua.put("a", concurrency=1, now=T + 1)
    lua.put("a", concurrency=1, overlap="skip", every=60, now=T + 1)
    lua.jlimit("runner", "other", concurrency=1, now=T + 1)
    lua.jpush("a", now=T + 2)
    assert len(lua.take(lease=600, now=T + 2)) == 1


def test_a_large_payload_stays_whole(lua: Lua) -> None:
    payload = '{"n": 9007199254740993, "empty": [], "text": "é\n"}'
    lua.put(payload=payload, every=60)
    lua.tick(T)
    (task,) = lua.take(lease=600)
    lua.jedit("a", concurrency=1, now=T + 1)
    lua.jack(task["token"], "retry", now=T + 2)
    (again,) = lua.take(lease=600, now=T + 3)
    assert (again["payload"], again["attempt"]) == (payload, 2)
    assert lua.adds_up()
