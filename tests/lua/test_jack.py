"""JACK: say what became of a task, under the token of its lease."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import OptionError, StaleError
from tests.lua.helpers import MS, Lua, T

VERBS = ("done", "fail", "retry", "dead", "cancelled", "release")
COUNTERS = {"done": "succeeded", "retry": "retried", "release": "released", "fail": "failed"}


@pytest.mark.parametrize("verb", VERBS)
def test_it_answers_the_id_of_the_task_and_ends_the_lease(lua: Lua, verb: str) -> None:
    lua.push()
    held = lua.held()
    assert lua.jack(held["token"], verb) == held["id"]
    assert lua.count()["leased"] == 0
    assert lua.stats()[COUNTERS.get(verb, verb)] == 1


def test_a_task_that_is_done_is_gone(lua: Lua) -> None:
    lua.push()
    lua.jack(lua.held()["token"], "done")
    assert lua.client.exists(lua.keys.task) == 0
    assert (lua.tick(T + 99), lua.take()) == (0, [])


def test_a_retry_without_a_delay_is_the_next_in_line(lua: Lua) -> None:
    lua.push("first")
    lua.push("second")
    lua.jack(lua.held()["token"], "retry")
    found = lua.take(count=2)
    assert [(task["payload"], task["attempt"]) for task in found] == [("first", 2), ("second", 1)]


def test_a_retry_waits_for_its_delay(lua: Lua) -> None:
    lua.push("x", timeout=9)
    held = lua.held()
    lua.jack(held["token"], "retry", delay="1m")
    assert (lua.take(), lua.count()["delayed"], lua.tick(T + 59.999)) == ([], 1, 0)
    assert lua.tick(T + 60) == 1
    (again,) = lua.take()
    assert again == held | {"attempt": 2, "token": "", "history": f"failed {MS} - - "}
    assert lua.client.exists(lua.keys.task) == 0


def test_a_release_does_not_count_as_an_attempt(lua: Lua) -> None:
    lua.push("first")
    lua.push("second")
    lua.jack(lua.held()["token"], "release")
    found = lua.take(count=2)
    assert [(task["payload"], task["attempt"]) for task in found] == [("first", 1), ("second", 1)]


def test_a_dead_letter_keeps_the_whole_task_and_when_it_died(lua: Lua) -> None:
    lua.put("a", "the\npayload", at=T, timeout=9, queue="slow")
    lua.tick()
    (held,) = lua.take("slow", lease=30)
    lua.jack(held["token"], "dead", now=T + 3)
    assert lua.client.zscore(lua.keys.dead, held["token"]) == MS + 3000
    record = lua.client.hget(lua.keys.task, held["token"])
    assert record == f'a@{MS}\n1\nfailed {MS + 3000} - - \nslow\necho\n{{"timeout":9}}\nthe\npayload'
    assert (lua.count()["dead"], lua.tick(T + 99), lua.take("slow")) == (1, 0, [])


@pytest.mark.parametrize("verb", VERBS)
def test_a_stale_token_is_refused_and_counted(lua: Lua, verb: str) -> None:
    lua.push()
    stale = lua.held()["token"]
    lua.tick(T + 30)
    newer = lua.held(now=T + 30)
    before = lua.everything()
    with pytest.raises(StaleError, match=f"^the token '{stale}' does not hold its task any more$"):
        lua.jack(stale, verb)
    after = lua.everything()
    assert {key for key in after if after[key] != before[key]} == {lua.keys.stats}
    assert lua.stats()["stale"] == 1
    assert lua.jack(newer["token"], "done") == newer["id"]


def test_a_task_is_acknowledged_once(lua: Lua) -> None:
    lua.push()
    token = lua.held()["token"]
    lua.jack(token, "done")
    with pytest.raises(StaleError):
        lua.jack(token, "done")
    assert (lua.stats()["succeeded"], lua.stats()["stale"]) == (1, 1)


def test_nobody_acknowledges_a_task_without_its_token(lua: Lua) -> None:
    lua.push()
    held = lua.held()
    for token in ("", held["id"], held["id"] + "#", held["id"] + "#99", "#1"):
        with pytest.raises(StaleError):
            lua.jack(token, "done")
    assert lua.count()["leased"] == 1


def test_a_lease_that_nobody_has_ended_yet_still_acknowledges(lua: Lua) -> None:
    lua.push()
    held = lua.held(lease=30)
    assert lua.jack(held["token"], "done", now=T + 99) == held["id"]
    assert lua.tick(T + 99) == 0


def test_the_history_keeps_each_attempt_with_its_note_code_and_data(lua: Lua) -> None:
    lua.push()
    first = lua.held()
    lua.jack(first["token"], "retry", note="busy\nagain", code=75, data='{"a":1}')
    lua.jack(lua.held()["token"], "done")
    entries = [entry for _, entry in lua.client.xrange(lua.keys.history)]
    assert entries == [
        {
            "task": first["id"],
            "attempt": "1",
            "what": "retry",
            "note": "busy\nagain",
            "code": "75",
            "data": '{"a":1}',
        },
        {"task": first["id"], "attempt": "2", "what": "done"},
    ]


def test_the_history_keeps_about_the_last_ten_thousand(lua: Lua) -> None:
    pipe = lua.client.pipeline(transaction=False)
    for _ in range(10_500):
        pipe.xadd(lua.keys.history, {"what": "done"})
    pipe.execute()
    lua.push()
    lua.jack(lua.held()["token"], "done")
    assert 10_000 <= lua.client.xlen(lua.keys.history) < 10_400


def test_what_goes_back_to_its_queue_wakes_a_worker_and_what_is_delayed_a_clock(lua: Lua) -> None:
    lua.push()
    for verb, options, woken in (
        ("release", {}, "wake:echo"),
        ("retry", {}, "wake:echo"),
        ("retry", {"delay": 5}, "wake"),
    ):
        token = lua.held()["token"]
        lua.forget_wakes()
        lua.jack(token, verb, **options)
        assert lua.wakes() == [woken]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "'' is not one of done, fail, retry, dead, cancelled, release, accept, update"),
        (["finished"], "'finished' is not one of done, fail"),
        (["retry", "delay", "x"], "delay 'x' is not a duration"),
        (["retry", "delay"], "the option 'delay' has no value"),
        (["done", "reason", "x"], "there is no option 'reason'"),
        (["dead", "now", "x"], "now 'x' is not a time"),
    ],
)
def test_what_is_refused_leaves_the_lease_alone(lua: Lua, arguments: list[Any], says: str) -> None:
    lua.push()
    token = lua.held()["token"]
    lua.refuses(OptionError, says, "JACK", token, *arguments)
    assert lua.jack(token, "done")


def test_an_ended_task_leaves_nothing_behind(lua: Lua) -> None:
    before = set(lua.client.keys(f"{lua.keys.tag}:*"))
    lua.push()
    lua.jack(lua.held()["token"], "done")
    left = {key.partition(":")[2] for key in set(lua.client.keys(f"{lua.keys.tag}:*")) - before}
    assert left <= {"stats", "history", "queues", "wake:echo"}
