"""Limits: concurrency and rates are never exceeded across workers, and no task is held forever."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from jobs_core import Board
from tests.lua.helpers import MS, Lua, T, Task

KINDS = ("job", "queue", "runner")
LONG = "100d"


def limited(lua: Lua, kind: str, count: int, **limit: Any) -> list[str]:
    """Push tasks under a limit. Returns their ids."""
    if kind == "job":
        lua.put("a", **limit)
        return [str(lua.jpush("a")) for _ in range(count)]
    lua.jlimit(kind, "echo", **limit)
    lua.tick()
    return [lua.push() for _ in range(count)]


def take(lua: Lua, *queues: str, count: int = 99, **options: Any) -> list[Task]:
    return lua.take(*queues, count=count, **{"lease": LONG} | options)


def end(lua: Lua, tasks: list[Task], verb: str = "done", now: float = T) -> None:
    for task in tasks:
        lua.jack(task["token"], verb, now=now)


# Concurrency


@pytest.mark.parametrize("kind", KINDS)
def test_concurrency_is_limited_and_order_is_kept(lua: Lua, kind: str) -> None:
    ids = limited(lua, kind, 10, concurrency=3)
    for first in (0, 3, 6, 9):
        tasks = take(lua)
        assert {task["id"] for task in tasks} == set(ids[first : first + 3])
        assert take(lua) == []
        end(lua, tasks)
    assert lua.stats()["in_flight"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_tasks_admitted_one_by_one_keep_their_order(lua: Lua, kind: str) -> None:
    ids = limited(lua, kind, 6, concurrency=3)
    end(lua, take(lua))
    assert [task["id"] for task in take(lua)] == ids[3:]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verb", ["done", "dead", "cancelled"])
def test_each_end_admits_one_task_and_wakes_a_worker(lua: Lua, kind: str, verb: str) -> None:
    limited(lua, kind, 4, concurrency=2)
    tasks = take(lua)
    lua.forget_wakes()
    end(lua, tasks[:1], verb)
    assert lua.wakes() == ["wake:echo"]
    assert (len(take(lua)), len(take(lua)), lua.adds_up()) == (1, 0, True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verb", ["retry", "failed", "release"])
def test_a_returned_task_is_next_and_others_keep_their_order(lua: Lua, kind: str, verb: str) -> None:
    ids = limited(lua, kind, 4, concurrency=1)
    end(lua, take(lua), verb)
    ran: list[str] = []
    while tasks := take(lua):
        ran += [task["id"] for task in tasks]
        end(lua, tasks)
    assert ran == ids


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_waiting_for_a_retry_frees_its_slot(lua: Lua, kind: str) -> None:
    ids = limited(lua, kind, 2, concurrency=1)
    (first,) = take(lua)
    lua.jack(first["token"], "retry", delay=10)
    (second,) = take(lua)
    lua.tick(T + 10)
    assert take(lua, now=T + 10) == []
    end(lua, [second])
    assert [task["id"] for task in take(lua, now=T + 10)] == ids[:1]


@pytest.mark.parametrize("kind", KINDS)
def test_an_expired_lease_frees_a_slot(lua: Lua, kind: str) -> None:
    ids = limited(lua, kind, 2, concurrency=1)
    take(lua, lease=30)
    lua.tick(T + 30)
    ran = []
    while tasks := take(lua, now=T + 30):
        assert len(tasks) == 1
        ran += [(task["id"], task["attempt"]) for task in tasks]
        end(lua, tasks)
    assert sorted(ran) == [(ids[0], 2), (ids[1], 1)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_with_an_expired_lease_is_next_under_a_limit(lua: Lua, kind: str) -> None:
    ids = limited(lua, kind, 2, concurrency=1)
    take(lua, lease=30)
    lua.tick(T + 30)
    assert [task["id"] for task in take(lua, now=T + 30)] == ids[:1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_lost_too_often_frees_a_slot(lua: Lua, kind: str) -> None:
    lua.put("b", concurrency=1, losses=1)
    if kind != "job":
        lua.jlimit(kind, "echo", concurrency=1)
    ids = [lua.jpush("b") for _ in range(2)]
    take(lua, lease=30)
    lua.tick(T + 30)
    assert lua.count()["dead"] == 1
    assert [task["id"] for task in take(lua, now=T + 30)] == ids[1:]


@pytest.mark.parametrize("kind", KINDS)
def test_an_accepted_task_counts_until_it_ends_or_expires(lua: Lua, kind: str) -> None:
    limited(lua, kind, 2, concurrency=1)
    (task,) = take(lua)
    lua.jack(task["token"], "accepted", timeout=60)
    assert take(lua) == []
    lua.tick(T + 60)
    (again,) = take(lua, now=T + 60)
    lua.jack(again["token"], "accepted", timeout=60, now=T + 60)
    lua.jack(again["token"], "done", now=T + 61)
    assert len(take(lua, now=T + 61)) == 1


def test_only_the_job_itself_counts_for_its_limit(lua: Lua) -> None:
    limited(lua, "job", 3, concurrency=1)
    lua.put("b", concurrency=1)
    lua.jpush("b")
    lua.push()
    assert [task["job"] for task in take(lua)] == ["a", "b", "push:5"]


def test_a_limit_of_a_queue_counts_any_runner_and_one_of_a_runner_any_queue(lua: Lua) -> None:
    lua.jlimit("queue", "slow", concurrency=2)
    lua.jlimit("runner", "echo", concurrency=3)
    for queue in ("slow", "fast"):
        for runner in ("echo", "other"):
            for _ in range(3):
                lua.jpush(runner, "x", queue=queue)
    found = [(task["queue"], task["runner"]) for task in take(lua, "slow", "fast")]
    assert found == [("slow", "echo")] * 2 + [("fast", "echo")] + [("fast", "other")] * 3
    assert lua.count()["held"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_unlimited_tasks_overtake_held_tasks(lua: Lua, kind: str) -> None:
    limited(lua, kind, 20, concurrency=1)
    lua.jpush("other", "free", queue="echo")
    lua.jpush("other", "free", queue="free")
    passed = {"job": 2, "queue": 1, "runner": 2}[kind]
    assert [task["payload"] for task in take(lua, "echo", "free")] == ["x", *["free"] * passed]


def test_one_call_holds_at_most_a_hundred_and_leaves_a_wake_token(lua: Lua) -> None:
    lua.put(concurrency=1)
    lua.board.commands.batch([("JPUSH", ["a", "now", T])] * 250)
    free = lua.push()
    take(lua, count=1)
    found: list[Task] = []
    for held in (100, 200, 249):
        lua.forget_wakes()
        found += take(lua, count=5)
        assert lua.count()["held"] == held
        assert lua.wakes() == (["wake:echo"] if held < 249 else [])
    assert [task["id"] for task in found] == [free]


def test_a_task_without_a_lease_uses_no_slot(lua: Lua) -> None:
    lua.jlimit("runner", "echo", concurrency=1)
    for _ in range(3):
        lua.push(policy="none")
    for _ in range(5):
        take(lua)
    assert (lua.stats()["unleased"], lua.stats()["in_flight"], lua.size("running", "runner:echo")) == (
        3,
        0,
        0,
    )


def test_held_tasks_taken_without_a_lease_proceed_too(lua: Lua) -> None:
    limited(lua, "job", 5, concurrency=1)
    (leased,) = take(lua)
    end(lua, [leased])
    while lua.take(count=9):
        pass
    assert (lua.stats()["unleased"], lua.adds_up(), lua.count()["held"]) == (4, True, 0)


def test_a_higher_priority_is_admitted_first(lua: Lua) -> None:
    lua.jlimit("runner", "echo", concurrency=1)
    for priority in (5, 5, 0, 0):
        lua.push(str(priority), priority=priority)
    ran = []
    while tasks := take(lua):
        ran += [task["payload"] for task in tasks]
        end(lua, tasks)
    assert ran == ["5", "5", "0", "0"]


def test_several_clients_respect_the_limit_and_finish_all_tasks(lua: Lua, url: str) -> None:
    lua.put(concurrency=2)
    lua.jlimit("runner", "echo", concurrency=3)
    lua.board.commands.batch([("JPUSH", arguments) for arguments in (["a"], ["echo", "x"]) * 30])
    running: dict[str, int] = {"a": 0, "all": 0}
    most = dict(running)
    lock = threading.Lock()

    def count(task: Any, change: int) -> None:
        with lock:
            for name in ("all", *(("a",) if task.job == "a" else ())):
                running[name] += change
                most[name] = max(most[name], running[name])

    def work() -> None:
        other = Board(lua.board.name, url, validate=False)
        try:
            while other.stats()["done"] < 60:
                tasks = other.pop("echo", count=2, lease=30)
                for task in tasks:
                    count(task, 1)
                for task in tasks:
                    count(task, -1)
                    other.ack(task.token)
        finally:
            other.client.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (lua.stats()["done"], lua.stats()["in_flight"]) == (60, 0)
    assert (most["a"] <= 2, most["all"] <= 3) == (True, True)
    assert lua.adds_up()


# Rates


@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_limits_starts_and_a_tick_admits_the_next(lua: Lua, kind: str) -> None:
    ids = limited(lua, kind, 7, rate="3/1m")
    first = take(lua)
    assert [task["id"] for task in first] == ids[:3]
    end(lua, first)
    assert take(lua, now=T + 59.999) == []
    assert lua.jtick(now=T + 59.999)[:2] == [0, MS + 60_000]
    lua.tick(T + 60)
    second = take(lua, now=T + 60)
    end(lua, second)
    lua.tick(T + 120)
    third = take(lua, now=T + 120)
    assert (len(second), len(third)) == (3, 1)
    assert {task["id"] for task in second + third} == set(ids[3:])


@pytest.mark.parametrize("kind", KINDS)
def test_a_gate_admits_tasks_in_order(lua: Lua, kind: str) -> None:
    ids = limited(lua, kind, 7, rate="3/1m")
    end(lua, take(lua))
    lua.tick(T + 60)
    assert [task["id"] for task in take(lua, now=T + 60)] == ids[3:6]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_never_more_start_in_any_window_of_a_period(lua: Lua, kind: str, seed: int) -> None:
    chance = random.Random(seed)
    limited(lua, kind, 25, rate="4/10s")
    starts: list[int] = []
    now = MS
    while len(starts) < 25:
        lua.tick(now / 1000)
        tasks = take(lua, count=chance.randint(1, 9), now=now / 1000)
        starts += [now] * len(tasks)
        end(lua, tasks, now=now / 1000)
        now += chance.choice([1, 400, 1000, 3000, 9999])
        assert now < MS + 600_000
    assert all(later - earlier >= 10_000 for earlier, later in zip(starts, starts[4:], strict=False))


@pytest.mark.parametrize("kind", KINDS)
def test_following_the_tick_times_reaches_the_full_rate(lua: Lua, kind: str) -> None:
    limited(lua, kind, 20, rate="2/10s")
    now, ticks, started = MS, 0, 0
    while started < 20:
        if kind == "queue":
            lua.forget_wakes()
        tasks = take(lua, now=now / 1000)
        started += len(tasks)
        end(lua, tasks, now=now / 1000)
        _, following, _ = lua.jtick(now=now / 1000)
        if following <= now:
            lua.tick((now + 1) / 1000)
            continue
        now = following
        lua.tick(now / 1000)
        ticks += 1
        assert ticks < 60
    assert now <= MS + 90_000 + 10_000


def test_a_task_tried_again_counts_again(lua: Lua) -> None:
    limited(lua, "job", 1, rate="2/1m")
    for _ in range(2):
        end(lua, take(lua), "retry")
    assert (take(lua), lua.count()["held"]) == ([], 1)
    lua.tick(T + 60)
    assert len(take(lua, now=T + 60)) == 1


def test_a_task_without_a_lease_counts_for_a_rate(lua: Lua) -> None:
    lua.put(policy="none", rate="2/1m")
    for _ in range(3):
        lua.jpush("a")
    assert (len(take(lua)), len(take(lua)), lua.stats()["unleased"]) == (2, 0, 2)
    lua.tick(T + 60)
    assert len(take(lua, now=T + 60)) == 1
    assert lua.adds_up()


@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_and_a_concurrency_apply_together(lua: Lua, kind: str) -> None:
    limited(lua, kind, 6, rate="3/1m", concurrency=2)
    first = take(lua)
    assert len(first) == 2
    end(lua, first)
    second = take(lua, now=T + 1)
    assert len(second) == 1
    assert take(lua, now=T + 2) == []
    lua.tick(T + 60)
    (third,) = take(lua, now=T + 60)
    end(lua, [*second, third], now=T + 60)
    assert len(take(lua, now=T + 60)) == 1
    lua.tick(T + 61)
    assert len(take(lua, now=T + 61)) == 1


def test_the_keys_of_a_rate_expire(lua: Lua) -> None:
    limited(lua, "job", 1, rate="2/1m")
    take(lua)
    assert 60_000 < lua.client.pttl(f"{lua.keys.tag}:rate:job:a") <= 61_000


# Slots of one limit that another denies


def test_a_slot_that_a_task_cannot_use_goes_to_the_next(lua: Lua) -> None:
    lua.jlimit("runner", "echo", concurrency=1)
    lua.put("a", rate="1/1d")
    lua.push("c")
    end_last = take(lua)
    pushed = [lua.jpush("a"), lua.jpush("a"), lua.push("b")]
    assert take(lua) == []
    ran: list[str] = []
    for _ in range(6):
        end(lua, end_last)
        end_last = take(lua)
        ran += [task["id"] for task in end_last]
    assert ran == [pushed[0], pushed[2]]
    assert lua.count()["held"] == 1


def test_a_slot_of_an_unserved_queue_does_not_block_others(lua: Lua) -> None:
    lua.jlimit("runner", "echo", concurrency=1)
    lua.push("c", queue="p")
    first = take(lua, "p")
    lua.push("q", queue="q")
    task = lua.push("p", queue="p")
    take(lua, "q")
    take(lua, "p")
    end(lua, first)
    lua.tick()
    assert [found["id"] for found in take(lua, "p")] == [task]


def test_slots_unused_by_a_closed_queue_go_to_others(lua: Lua) -> None:
    lua.jlimit("queue", "x", concurrency=2)
    lua.jlimit("runner", "echo", concurrency=1)
    first, second, *_ = [lua.push(queue="x") for _ in range(4)]
    last = lua.push(queue="y")
    assert [task["id"] for task in take(lua, "x", "y")] == [first]
    lua.jlimit("runner", "echo", rate="3/1d")
    lua.tick()
    assert [task["id"] for _ in range(3) for task in take(lua, "x", "y")] == [second, last]


def test_all_kinds_of_limits_together_finish_all_tasks(lua: Lua) -> None:
    lua.jlimit("queue", "echo", concurrency=4)
    lua.jlimit("runner", "echo", concurrency=3, rate="5/10s")
    lua.put("a", concurrency=2)
    lua.put("b", rate="1/20s")
    for number in range(24):
        (lua.push, lambda: lua.jpush("a"), lambda: lua.jpush("b"))[number % 3]()
    now, done, held = T, 0, list[Task]()
    while done < 24:
        lua.tick(now)
        held += take(lua, now=now)
        assert len(held) <= 3
        assert sum(task["job"] == "a" for task in held) <= 2
        end(lua, held[:1], now=now)
        done += len(held[:1])
        del held[:1]
        now += 1
        assert now < T + 400
    assert (lua.count()["held"], lua.adds_up()) == (0, True)


# Changed limits


@pytest.mark.parametrize("kind", ["queue", "runner"])
@pytest.mark.parametrize(("changed", "more"), [({}, 7), ({"concurrency": 5}, 4), ({"rate": "3/1m"}, 2)])
def test_raising_or_removing_a_limit_admits_held_tasks(
    lua: Lua, kind: str, changed: dict[str, Any], more: int
) -> None:
    limited(lua, kind, 8, concurrency=1)
    assert (len(take(lua)), len(take(lua))) == (1, 0)
    lua.jlimit(kind, "echo", **changed)
    lua.tick()
    assert len(take(lua)) == more


@pytest.mark.parametrize("kind", ["queue", "runner"])
def test_removing_a_rate_admits_held_tasks(lua: Lua, kind: str) -> None:
    limited(lua, kind, 8, rate="1/1d")
    assert (len(take(lua)), len(take(lua))) == (1, 0)
    lua.jlimit(kind, "echo")
    lua.tick()
    assert (len(take(lua)), lua.count()["held"]) == (7, 0)


def test_hundreds_of_held_tasks_are_admitted_within_a_few_ticks(lua: Lua) -> None:
    lua.jlimit("runner", "echo", concurrency=1)
    lua.board.commands.batch([("JPUSH", ["echo", "x", "now", T])] * 350)
    for _ in range(5):
        take(lua, count=1)
    assert lua.count()["held"] == 349
    lua.jlimit("runner", "echo")
    for _ in range(5):
        lua.tick()
    assert len(take(lua, count=999)) == 349


@pytest.mark.parametrize("kind", ["queue", "runner"])
def test_a_lowered_limit_applies_from_the_next_start(lua: Lua, kind: str) -> None:
    limited(lua, kind, 8, concurrency=4)
    running = take(lua)
    lua.jlimit(kind, "echo", concurrency=2)
    lua.tick()
    assert take(lua) == []
    while running:
        end(lua, running[:1])
        running = running[1:] + take(lua)
        assert len(running) <= 3
    assert (lua.stats()["done"], lua.stats()["in_flight"]) == (8, 0)


def test_a_rate_that_is_lowered_counts_what_has_started(lua: Lua) -> None:
    limited(lua, "runner", 9, rate="5/1m")
    assert len(take(lua)) == 5
    lua.jlimit("runner", "echo", rate="2/1m")
    lua.tick(T + 59)
    assert take(lua, now=T + 59) == []
    lua.tick(T + 60)
    started = len(take(lua, now=T + 60))
    for second in (75, 90, 105):
        lua.tick(T + second)
        started += len(take(lua, now=T + second))
    assert started == 2


def test_a_job_that_loses_its_limit_still_runs_what_it_holds(lua: Lua) -> None:
    limited(lua, "job", 4, concurrency=1)
    running = take(lua)
    lua.put("a")
    lua.jpush("a")
    running += take(lua)
    assert len(running) == 2
    while running:
        end(lua, running)
        running = take(lua)
    assert (lua.stats()["done"], lua.stats()["in_flight"]) == (5, 0)


@pytest.mark.parametrize("count", [1, 9])
def test_a_lowered_job_limit_applies_to_tasks_queued_with_it(lua: Lua, count: int) -> None:
    limited(lua, "job", 2, concurrency=3)
    limited(lua, "job", 3, concurrency=1)
    assert sum(len(take(lua, count=count)) for _ in range(5)) == 2


def test_a_job_that_is_removed_still_runs_what_it_holds(lua: Lua) -> None:
    limited(lua, "job", 4, concurrency=1)
    running = take(lua)
    lua.jdel("a")
    while running:
        end(lua, running)
        running = take(lua)
    assert (lua.stats()["done"], lua.stats()["in_flight"]) == (4, 0)


# Held tasks that end without running


@pytest.mark.parametrize("kind", ["job", "runner"])
def test_a_held_task_can_be_cancelled_and_the_others_keep_their_order(lua: Lua, kind: str) -> None:
    ids = limited(lua, kind, 5, concurrency=1)
    running = take(lua)
    assert lua.jcancel(ids[2]) == ["0", ["cancelled"]]
    assert (take(lua), lua.count()["held"], lua.adds_up()) == ([], 3, True)
    ran: list[str] = []
    while running:
        end(lua, running)
        running = take(lua)
        ran += [task["id"] for task in running]
    assert ran == [ids[1], ids[3], ids[4]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["cancel", "trim"])
def test_an_admitted_task_that_never_starts_frees_its_slot(lua: Lua, kind: str, how: str) -> None:
    ids = limited(lua, kind, 4, concurrency=1)
    running = take(lua)
    end(lua, running)
    lua.take("other", lease=30)  # taking tasks from any queue admits held tasks
    lua.jcancel(ids[1]) if how == "cancel" else lua.jtrim("echo", 0, limit=1)
    assert lua.stats()["cancelled"] == 1
    assert [task["id"] for task in take(lua)] == ids[2:3]
    assert lua.adds_up()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["cancel", "trim"])
def test_an_admitted_task_that_never_starts_frees_its_share_of_the_rate(
    lua: Lua, kind: str, how: str
) -> None:
    ids = limited(lua, kind, 4, rate="1/1m")
    take(lua)
    lua.tick(T + 60)
    lua.take("other", lease=30, now=T + 60)
    lua.jcancel(ids[1]) if how == "cancel" else lua.jtrim("echo", 0, limit=1)
    assert [task["id"] for task in take(lua, now=T + 60)] == ids[2:3]
    assert lua.adds_up()


def test_trimming_admits_no_held_tasks_beyond_the_limit(lua: Lua) -> None:
    limited(lua, "job", 4, concurrency=1)
    take(lua)
    for _ in range(2):
        lua.jpush("a")
    assert (lua.jtrim("echo", 0), lua.count()["queued"], lua.count()["held"]) == (2, 0, 3)
    assert (lua.stats()["trimmed"], lua.stats()["cancelled"], lua.adds_up()) == (2, 2, True)


def test_held_tasks_are_counted_and_listed(lua: Lua) -> None:
    ids = limited(lua, "job", 3, concurrency=1)
    take(lua)
    assert (lua.count()["held"], lua.count()["queued"], lua.stats()["in_flight"]) == (2, 0, 3)
    assert {task["id"] for task in lua.tasks(state="held", job="a")} == set(ids[1:])


def test_an_idle_board_keeps_no_limit_keys(lua: Lua) -> None:
    before = set(lua.client.keys(f"{lua.keys.tag}:*"))
    limited(lua, "job", 5, concurrency=2)
    while running := take(lua):
        end(lua, running)
    left = {key.partition(":")[2] for key in set(lua.client.keys(f"{lua.keys.tag}:*")) - before}
    assert left <= {
        "job",
        "ledger",
        "stats",
        "history",
        "hours",
        "changes",
        "queues",
        "runs",
        "runs:a",
        "wake:echo",
        "wake",
    }
