"""JPOP: take tasks from queues."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from jobs_core import Board, OptionError
from tests.lua.helpers import MS, Lua, T

MB = 1_000_000


def test_jpop_returns_what_a_worker_needs(lua: Lua) -> None:
    lua.put("a", "x", at=T, queue="slow", timeout=30)
    lua.tick()
    assert lua.take("slow", lease=30) == [
        {
            "id": f"a@{MS}",
            "token": f"a@{MS}#1",
            "job": "a",
            "runner": "echo",
            "queue": "slow",
            "due": MS,
            "attempt": 1,
            "history": "",
            "options": '{"timeout":30}',
            "payload": "x",
        }
    ]


def test_tasks_leave_in_the_order_they_came(lua: Lua) -> None:
    for payload in "12345":
        lua.push(payload)
    taken = lua.take() + lua.take(count=3) + lua.take(count=9)
    assert [task["payload"] for task in taken] == list("12345")
    assert lua.take() == []


def test_queues_are_emptied_in_the_order_they_are_named(lua: Lua) -> None:
    for queue in ("b", "a", "b", "c"):
        lua.push(queue=queue)
    assert [task["queue"] for task in lua.take("c", "none", "b", "a", count=3)] == ["c", "b", "b"]
    assert [task["queue"] for task in lua.take("c", "none", "b", "a", count=3)] == ["a"]


def test_without_a_lease_a_task_is_removed(lua: Lua) -> None:
    lua.push()
    (task,) = lua.take()
    assert task["token"] == ""
    assert (lua.count()["leased"], lua.client.exists(lua.keys.task)) == (0, 0)
    assert (lua.stats()["unleased"], lua.stats()["leased"]) == (1, 0)


def test_with_a_lease_it_is_held_under_a_token_of_its_own(lua: Lua) -> None:
    for _ in range(3):
        lua.push()
    tokens = [task["token"] for task in lua.take(count=2, lease=30) + lua.take(lease=30)]
    assert tokens == [f"push:{number}@{MS}#{number}" for number in (1, 2, 3)]
    assert (lua.count()["leased"], lua.stats()["leased"]) == (3, 3)


def test_a_new_lease_of_the_same_task_has_a_new_token(lua: Lua) -> None:
    lua.push()
    first = lua.held()
    lua.jack(first["token"], "release")
    again = lua.held()
    assert again["id"] == first["id"]
    assert again["token"] != first["token"]


def test_a_job_may_set_its_lease(lua: Lua) -> None:
    lua.put("short", at=T, lease="5s")
    lua.put("long", at=T, lease="1h")
    lua.tick()
    lua.take(count=2, lease=30)
    assert [lua.tick(T + 4.999), lua.tick(T + 5), lua.tick(T + 3599), lua.tick(T + 3600)] == [0, 1, 0, 1]


def test_the_lease_of_a_job_applies_only_with_a_lease(lua: Lua) -> None:
    lua.push(lease=5)
    assert lua.take()[0]["token"] == ""
    assert lua.count()["leased"] == 0


def test_five_hundred_tasks_at_most(lua: Lua) -> None:
    lua.board.commands.batch([("JPUSH", ["echo", "x", "now", T])] * 1005)
    assert [len(lua.take(count=5000, lease=30)), len(lua.take(count=5000))] == [500, 500]


def test_large_payloads_are_taken_a_few_at_a_time(lua: Lua) -> None:
    for queue in ("a", "b") * 7:
        lua.push("x" * MB, queue=queue)
    counts = []
    while not counts or counts[-1]:
        counts.append(len(lua.take("a", "b", count=99, lease=30)))
    assert (sum(counts), counts[0]) == (14, 5)


def test_two_clients_never_take_the_same_task(lua: Lua, url: str) -> None:
    lua.board.commands.batch([("JPUSH", ["echo", "x", "now", T])] * 200)
    together = threading.Barrier(2)
    taken: list[str] = []

    def take() -> None:
        other = Board(lua.board.name, url, validate=False)
        try:
            together.wait()
            while tasks := other.pop("echo", count=3, lease=30, now=T):
                taken.extend(task.token for task in tasks)
        finally:
            other.client.close()

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 200


def test_leaving_tasks_behind_wakes_another_worker(lua: Lua) -> None:
    for _ in range(3):
        lua.push()
    lua.forget_wakes()
    lua.take(count=2)
    assert lua.wakes() == ["wake:echo"]
    lua.forget_wakes()
    lua.take(count=2)
    assert lua.wakes() == []


def test_skipping_a_named_queue_wakes_another_worker(lua: Lua) -> None:
    lua.push(queue="b")
    lua.client.delete(lua.keys.wake_queue("b"))  # that token woke a worker of both queues,
    lua.push(queue="a")  # which takes this task first
    lua.take("a", "b")
    assert "wake:b" in lua.wakes()


# Priorities


def test_lanes_of_a_queue_are_emptied_in_order_across_calls(lua: Lua) -> None:
    for priority in (0, 3, -3, 3, 0):
        lua.push(str(priority), priority=priority)
    assert [task["payload"] for task in lua.take(count=3)] == ["3", "3", "0"]
    lua.push("9", priority=9)
    assert [task["payload"] for task in lua.take(count=9)] == ["9", "0", "-3"]


def test_the_order_of_queues_comes_before_priorities(lua: Lua) -> None:
    lua.push("a", queue="a", priority=-9)
    lua.push("b", queue="b", priority=9)
    assert [task["payload"] for task in lua.take("a", "b", count=2)] == ["a", "b"]


def test_a_returned_task_goes_to_the_front_of_its_lane(lua: Lua) -> None:
    for payload, priority in (("low", 0), ("one", 5), ("two", 5)):
        lua.push(payload, priority=priority)
    lua.jack(lua.held()["token"], "retry")
    assert [task["payload"] for task in lua.take(count=9)] == ["one", "two", "low"]


def test_leaving_lower_priority_tasks_behind_wakes_another_worker(lua: Lua) -> None:
    lua.push(priority=5)
    lua.push(priority=-5)
    lua.forget_wakes()
    lua.take()
    assert lua.wakes() == ["wake:echo"]


# At most once


def test_a_task_with_policy_none_never_has_a_lease(lua: Lua) -> None:
    lua.push("once", policy="none")
    lua.push("held")
    lua.push("named", policy="ack")
    tasks = lua.take(count=9, lease=30)
    assert [(task["payload"], bool(task["token"])) for task in tasks] == [
        ("once", False),
        ("held", True),
        ("named", True),
    ]
    stats = lua.stats()
    assert (stats["unleased"], stats["leased"], lua.count()["leased"], lua.adds_up()) == (1, 2, 2, True)


def test_a_job_of_policy_none_is_counted_in_its_own_ledger(lua: Lua) -> None:
    lua.put(policy="none", at=T)
    lua.tick()
    lua.take(lease=30)
    assert lua.ledger() == {"unleased": 1}


@pytest.mark.parametrize("options", [{"policy": "nonesuch"}, {"retry-on": '"policy":"none"'}])
def test_only_policy_none_is_at_most_once(lua: Lua, options: dict[str, str]) -> None:
    lua.push(**options)
    assert lua.held()["token"]


# Earlier attempts


def test_a_new_task_has_no_history(lua: Lua) -> None:
    lua.push()
    assert lua.held(worker="w1")["history"] == ""


def test_only_a_lost_attempt_counts_as_doubled(lua: Lua) -> None:
    lua.put()
    for how, doubled in (("lost", 1), ("expire", 1), ("failed", 1), ("retry", 1), ("release", 1)):
        lua.jpush("a")
        token = lua.held()["token"]
        if how == "expire":
            lua.jack(token, "accepted", timeout=30)
        if how in ("lost", "expire"):
            lua.tick(T + 30)
        else:
            lua.jack(token, how)
        lua.jack(lua.held(now=T + 30)["token"], "done")
        assert (how, lua.stats()["doubled"]) == (how, doubled)
    assert lua.ledger() == {"lost": 1, "doubled": 1, "failed": 2, "retried": 1, "done": 5}


def test_without_a_lease_the_history_comes_too(lua: Lua) -> None:
    lua.push()
    lua.jack(lua.held(worker="w1")["token"], "failed", code=7)
    assert lua.take()[0]["history"] == f"failed? {MS} w1 7 "


# Limits


def test_a_held_task_is_skipped_and_the_next_is_taken(lua: Lua) -> None:
    lua.put(concurrency=1)
    for _ in range(3):
        lua.jpush("a")
    other = lua.push()
    taken = lua.take(count=9, lease=30)
    assert [task["job"] for task in taken] == ["a", "push:4"]
    assert taken[1]["id"] == other
    assert (lua.count()["held"], lua.count()["queued"], lua.adds_up()) == (2, 0, True)


def test_a_limit_counts_within_one_call_over_several_queues(lua: Lua) -> None:
    lua.jlimit("runner", "echo", concurrency=3)
    for queue in ("x", "y") * 3:
        lua.push(queue=queue)
    assert [task["queue"] for task in lua.take("x", "y", count=9, lease=30)] == ["x"] * 3
    assert lua.count()["held"] == 3


def test_a_queue_at_its_limit_is_skipped(lua: Lua) -> None:
    lua.jlimit("queue", "x", concurrency=1)
    for queue in ("x", "x", "y"):
        lua.push(queue=queue)
    assert [task["queue"] for task in lua.take("x", "y", count=9, lease=30)] == ["x", "y"]
    assert (lua.count()["queue:x"], lua.count()["held"]) == (1, 0)


def test_a_worker_is_not_woken_for_a_queue_at_its_limit(lua: Lua) -> None:
    lua.jlimit("queue", "echo", concurrency=1)
    lua.push()
    lua.push()
    lua.forget_wakes()
    (task,) = lua.take(count=9, lease=30)
    assert lua.wakes() == []
    lua.jack(task["token"], "done")
    assert lua.wakes() == ["wake:echo"]


# Rejected calls


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "numqueues: expected a whole number of at least 1, got ''"),
        ([0], "numqueues: expected a whole number of at least 1, got '0'"),
        (["echo"], "numqueues: expected a whole number of at least 1, got 'echo'"),
        ([2, "echo"], "numqueues: expected at most 1, the number of arguments that follow, got 2"),
        ([1, "echo", "count", 0], "count: expected a whole number of at least 1, got '0'"),
        ([1, "echo", "lease", "x"], "lease: expected a duration such as 90, 1h30m or PT1H30M, got 'x'"),
        ([1, "echo", "lease", "-5"], "lease: expected a duration such as 90, 1h30m or PT1H30M, got '-5'"),
        ([1, "echo", "now", "x"], "now: expected a time such as .*, got 'x'"),
        ([1, "echo", "lease"], "lease: expected a value, got none"),
        ([1, "echo", "slow"], "slow: unknown option"),
    ],
)
def test_a_rejected_call_takes_nothing(lua: Lua, arguments: list[Any], says: str) -> None:
    lua.push()
    lua.refuses(OptionError, says, "JPOP", *arguments)
    assert lua.count()["queued"] == 1
