"""JCANCEL: cancel the tasks of an id, wherever they are."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import OptionError, StaleError
from tests.lua.helpers import MS, Lua, T


def cancel(lua: Lua, id: str) -> list[str]:
    """Call JCANCEL for all pages."""
    cursor, done = "0", []
    while True:
        cursor, found = lua.jcancel(id, cursor)
        done += found
        if cursor == "0":
            return done


def test_a_waiting_task_ends_at_once(lua: Lua) -> None:
    first, second = lua.push(), lua.push()
    assert lua.jcancel(first) == ["0", ["cancelled"]]
    assert (lua.stats()["cancelled"], lua.adds_up()) == (1, True)
    assert lua.ids() == [second]


def test_a_delayed_task_ends_at_once(lua: Lua) -> None:
    task = lua.push(at="+10")
    assert cancel(lua, task) == ["cancelled"]
    assert (lua.count()["delayed"], lua.client.exists(lua.keys.task), lua.tick(T + 10)) == (0, 0, 0)
    assert lua.adds_up()


def test_a_task_waiting_for_a_retry_ends_at_once(lua: Lua) -> None:
    task = lua.push()
    lua.jack(lua.held()["token"], "retry", delay=5)
    assert cancel(lua, task) == ["cancelled"]
    assert (lua.tick(T + 5), lua.adds_up()) == (0, True)


def test_a_task_of_any_priority_ends_at_once(lua: Lua) -> None:
    tasks = [lua.push(priority=priority) for priority in (9, 0, -9)]
    assert [cancel(lua, task) for task in tasks] == [["cancelled"]] * 3
    assert lua.count()["queued"] == 0


def test_a_held_task_ends_at_once(lua: Lua) -> None:
    lua.put(concurrency=1)
    lua.jpush("a")
    task = lua.jpush("a")
    lua.take(count=2, lease=30)
    assert lua.count()["held"] == 1
    assert cancel(lua, task) == ["cancelled"]
    assert (lua.count()["held"], lua.stats()["cancelled"], lua.adds_up()) == (0, 1, True)


def test_an_accepted_task_ends_at_once_and_its_token_is_stale(lua: Lua) -> None:
    lua.push()
    held = lua.held()
    lua.jack(held["token"], "accepted")
    assert cancel(lua, held["id"]) == ["cancelled"]
    assert (lua.count()["leased"], lua.client.exists(lua.keys.task), lua.adds_up()) == (0, 0, True)
    with pytest.raises(StaleError):
        lua.jack(held["token"], "done")


def test_a_running_task_is_marked_and_its_worker_notified(lua: Lua) -> None:
    lua.push()
    held = lua.held(worker="host-1")
    assert cancel(lua, held["id"]) == ["cancelling"]
    assert lua.client.lrange(lua.keys.inbox("host-1"), 0, -1) == [held["token"]]
    assert 0 < lua.client.ttl(lua.keys.inbox("host-1")) <= 3600
    assert (lua.count()["leased"], lua.stats()["cancelled"], lua.adds_up()) == (1, 0, True)


def test_a_worker_without_a_name_is_notified_by_its_next_beat(lua: Lua) -> None:
    lua.push()
    lua.push()
    other, held = lua.take(count=2, lease=30)
    cancel(lua, held["id"])
    assert not lua.client.keys(f"{lua.keys.tag}:inbox:*")
    assert lua.jbeat(30, other["token"], held["token"], "--", "now", T + 20) == [1, 2]
    assert lua.tick(T + 49.999) == 0


@pytest.mark.parametrize(
    ("verb", "counter"),
    [
        ("cancelled", "cancelled"),
        ("release", "cancelled"),
        ("retry", "cancelled"),
        ("failed", "cancelled"),
        ("accepted", "cancelled"),
        ("done", "done"),
        ("dead", "dead"),
    ],
)
def test_a_cancelled_task_does_not_run_again_whatever_is_reported(lua: Lua, verb: str, counter: str) -> None:
    lua.push()
    held = lua.held()
    cancel(lua, held["id"])
    assert lua.jack(held["token"], verb) == held["id"]
    assert (lua.stats()[counter], lua.take(), lua.tick(T + 99)) == (1, [], 0)
    assert (lua.stats()["in_flight"], lua.size("cancelling"), lua.adds_up()) == (0, 0, True)


def test_an_update_keeps_the_cancel_mark(lua: Lua) -> None:
    lua.push()
    held = lua.held()
    cancel(lua, held["id"])
    lua.jack(held["token"], "update", progress=50)
    assert lua.tasks()[0]["cancelling"] is True


def test_a_cancelled_task_ends_when_its_lease_expires(lua: Lua) -> None:
    lua.push()
    held = lua.held()
    cancel(lua, held["id"])
    assert lua.tick(T + 30) == 1
    stats = lua.stats()
    assert (stats["lost"], stats["cancelled"], stats["in_flight"], lua.size("cancelling")) == (1, 1, 0, 0)
    assert lua.adds_up()
    assert lua.client.exists(lua.keys.task) == 0


def test_cancelling_twice_only_notifies_the_worker_again(lua: Lua) -> None:
    lua.push()
    held = lua.held(worker="host-1")
    assert cancel(lua, held["id"]) + cancel(lua, held["id"]) == ["cancelling"] * 2
    assert lua.client.llen(lua.keys.inbox("host-1")) == 2
    lua.jack(held["token"], "cancelled")
    assert (lua.stats()["cancelled"], cancel(lua, held["id"])) == (1, [])


def test_a_dead_letter_cannot_be_cancelled(lua: Lua) -> None:
    lua.push()
    held = lua.held()
    lua.jack(held["token"], "dead")
    assert cancel(lua, held["id"]) == []
    assert lua.count()["dead"] == 1


def test_only_an_exact_id_matches(lua: Lua) -> None:
    tasks = [lua.push() for _ in range(12)]
    cancel(lua, tasks[0])
    assert lua.ids() == tasks[1:]


def test_every_task_with_the_id_is_cancelled(lua: Lua) -> None:
    for _ in range(3):
        lua.put(at=T)
        lua.tick()
        lua.jdel("a")
    lua.held()
    assert sorted(cancel(lua, f"a@{MS}")) == ["cancelled", "cancelled", "cancelling"]
    assert lua.adds_up()


def test_every_held_task_of_the_id_is_cancelled_once(lua: Lua) -> None:
    lua.put(concurrency=1)
    lua.jpush("a")
    lua.held()
    for _ in range(2):
        lua.jdel("a")
        lua.put(at=T, concurrency=1)
        lua.tick()
    lua.take(count=9, lease=30)
    assert cancel(lua, f"a@{MS}") == ["cancelled"] * 2
    assert (lua.stats()["cancelled"], lua.adds_up()) == (2, True)


def test_a_limit_without_held_tasks_is_removed(lua: Lua) -> None:
    lua.put(concurrency=1)
    lua.jpush("a")
    task = lua.jpush("a")
    lua.take(count=2, lease=30)
    cancel(lua, task)
    assert lua.size("held") == 0


def test_a_cancelled_task_makes_room_for_the_next(lua: Lua) -> None:
    lua.put(concurrency=1)
    for _ in range(2):
        lua.jpush("a")
    first = lua.take(count=2, lease=30)[0]
    lua.jack(first["token"], "accepted")
    lua.forget_wakes()
    cancel(lua, first["id"])
    assert lua.wakes() == ["wake:echo"]
    assert len(lua.take(count=2, lease=30)) == 1


def test_a_call_scans_a_thousand_tasks_and_returns_a_cursor(lua: Lua) -> None:
    tasks = lua.board.commands.batch([("JPUSH", ["echo", "x", "now", T])] * 2500)
    cursor, found = lua.jcancel(tasks[0])  # the oldest is scanned last
    assert (cursor, found) != ("0", ["cancelled"])
    calls = 1
    while cursor != "0":
        cursor, more = lua.jcancel(tasks[0], cursor)
        found, calls = found + more, calls + 1
    assert (found, calls) == (["cancelled"], 6)
    assert lua.count()["queued"] == 2499


def test_a_task_that_is_taken_between_two_pages_is_cancelled_too(lua: Lua) -> None:
    tasks = lua.board.commands.batch([("JPUSH", ["echo", "x", "now", T])] * 2500)
    cursor, found = lua.jcancel(tasks[0])
    assert lua.held()["id"] == tasks[0]
    while cursor != "0":
        cursor, more = lua.jcancel(tasks[0], cursor)
        found += more
    assert found == ["cancelling"]


def test_the_history_records_the_cancellation(lua: Lua) -> None:
    task = lua.push()
    cancel(lua, task)
    ((_, entry),) = lua.client.xrange(lua.keys.history)
    assert entry == {"task": task, "attempt": "1", "what": "cancelled"}


@pytest.mark.parametrize("arguments", [[], [""], ["a"], ["a@"], ["a@x"], ["@"]])
def test_an_id_is_required(lua: Lua, arguments: list[Any]) -> None:
    lua.refuses(OptionError, "^id: expected a task id, <job>@<due>, got", "JCANCEL", *arguments)


def test_a_missing_task_is_not_an_error(lua: Lua) -> None:
    before = lua.everything()
    assert lua.jcancel("nobody@1") == ["0", []]
    assert lua.everything() == before
