"""JTICK: move due jobs and tasks to their queues."""

from __future__ import annotations

import threading

import pytest

from jobs_core import Board, OptionError
from tests.lua.helpers import MS, Lua, T

MB = 1_000_000


def test_jtick_returns_the_number_moved_the_next_tick_and_the_time(lua: Lua) -> None:
    assert lua.jtick() == [0, 0, MS]
    lua.put("a", every=5)
    lua.put("b", at=T + 3)
    assert lua.jtick() == [1, MS + 3_000, MS]
    assert lua.jtick(now=T + 3) == [1, MS + 5_000, MS + 3_000]


def test_the_next_tick_may_be_for_a_delayed_task_or_a_lease(lua: Lua) -> None:
    lua.put(every=60, start=T + 60)
    lua.push(at="+40")
    assert lua.jtick()[1] == MS + 40_000
    lua.push()
    lua.held(lease=20)
    assert lua.jtick()[1] == MS + 20_000


def test_nothing_is_due_a_millisecond_early(lua: Lua) -> None:
    lua.put("a", at=f"{T}.500")
    assert (lua.tick(f"{T}.499"), lua.tick(f"{T}.500")) == (0, 1)


def test_an_occurrence_is_queued_once_despite_repeated_ticks(lua: Lua) -> None:
    lua.put(every=5)
    assert [lua.tick(T), lua.tick(T), lua.tick(T + 4.999), lua.tick(T + 5)] == [1, 0, 0, 1]
    assert lua.ids() == [f"a@{MS}", f"a@{MS + 5000}"]


def test_a_clock_that_runs_backwards_queues_nothing_twice(lua: Lua) -> None:
    lua.put(every=5)
    moved = [lua.tick(T + 10), lua.tick(T), lua.tick(T + 10)]
    assert moved == [1, 0, 0]


def test_late_occurrences_are_coalesced_into_one_run(lua: Lua) -> None:
    lua.put(every=5)
    assert lua.tick(T + 23) == 1
    stats = lua.stats()
    assert (stats["due"], stats["queued"], stats["coalesced"]) == (5, 1, 4)
    assert lua.ids() == [f"a@{MS}"]
    assert lua.jnext("a") == [MS + 25_000]


def test_an_occurrence_due_now_is_coalesced_too(lua: Lua) -> None:
    lua.put(every=5)
    lua.tick(T + 10)
    assert (lua.stats()["coalesced"], lua.jnext("a")) == (2, [MS + 15_000])


def test_occurrences_after_stop_are_not_due(lua: Lua) -> None:
    lua.put(every=5, stop=T + 10)
    lua.tick(T + 1000)
    assert (lua.stats()["due"], lua.job()["state"]) == (3, "ended")


def test_repeat_counts_runs_not_coalesced_occurrences(lua: Lua) -> None:
    lua.put(every=5, repeat=2)
    lua.tick(T + 23)
    assert lua.job()["left"] == 1
    lua.tick(T + 25)
    assert (lua.job()["left"], lua.job()["state"]) == (0, "ended")
    assert lua.tick(T + 99) == 0


def test_occurrences_after_the_last_run_of_repeat_are_not_due(lua: Lua) -> None:
    lua.put(every=5, repeat=2)
    lua.tick()
    lua.tick(T + 99)
    stats = lua.stats()
    assert (stats["due"], stats["queued"], stats["coalesced"]) == (2, 2, 0)


def test_tasks_go_to_the_queue_of_their_job(lua: Lua) -> None:
    lua.put("a", at=T)
    lua.put("b", at=T, queue="slow")
    lua.put("c", at=T, queue="echo")
    lua.tick()
    (slow,) = lua.take("slow", count=9)
    assert (slow["id"], slow["queue"], slow["runner"]) == (f"b@{MS}", "slow", "echo")
    assert lua.ids() == [f"a@{MS}", f"c@{MS}"]


def test_tasks_are_queued_in_the_order_they_were_due(lua: Lua) -> None:
    for second in (3, 1, 2):
        lua.put(f"j{second}", at=T + second)
    lua.tick(T + 9)
    assert [id.partition("@")[0] for id in lua.ids()] == ["j1", "j2", "j3"]


def test_a_limit_leaves_the_rest_for_further_ticks(lua: Lua) -> None:
    for number in range(25):
        lua.put(f"j{number:02}", at=T)
    moved, following, now = lua.jtick(limit=10)
    assert (moved, following, now) == (10, MS, MS)
    assert [lua.tick(limit=10) for _ in range(3)] == [10, 5, 0]
    assert lua.ids() == [f"j{number:02}@{MS}" for number in range(25)]


def test_the_default_limit_is_500_and_the_maximum_1000(lua: Lua) -> None:
    arguments = [[f"j{number}", "echo", "x", "at", T, "now", T] for number in range(2100)]
    lua.board.commands.batch([("JSET", each) for each in arguments])
    assert [lua.tick(), lua.tick(limit=5000), lua.tick(limit=1000)] == [500, 1000, 600]


def test_the_limit_applies_to_expired_leases_and_delayed_tasks(lua: Lua) -> None:
    for _ in range(5):
        lua.push()
    lua.take(count=5, lease=9)
    for _ in range(5):
        lua.push(at="+9")
    moved = []
    while not moved or moved[-1]:
        moved.append(lua.tick(T + 9, limit=2))
    assert moved == [4, 4, 2, 0]


def test_a_tick_ends_after_copying_about_a_mebibyte(lua: Lua) -> None:
    for number in range(30):
        lua.put(f"j{number}", "x" * MB, at=T)
    moved = []
    while not moved or moved[-1]:
        moved.append(lua.tick())
    assert (sum(moved), lua.count()["queued"]) == (30, 30)
    assert max(moved) <= 10


def test_large_payloads_behind_small_ones_end_a_tick_as_well(lua: Lua) -> None:
    for number in range(20):
        lua.put(f"a{number:02}", "x", at=T)
    for number in range(40):
        lua.put(f"b{number:02}", "x" * (MB // 4), at=T)
    first = lua.tick()
    assert 20 <= first < 60


@pytest.mark.parametrize("what", ["delayed", "expired"])
def test_large_delayed_and_expired_tasks_end_a_tick_as_well(lua: Lua, what: str) -> None:
    for _ in range(40):
        lua.push("x" * MB, at="+5" if what == "delayed" else T)
    while what == "expired" and lua.take(count=40, lease=5):
        pass
    assert lua.tick(T + 5) < 40


def test_two_clients_that_tick_at_once_never_queue_an_occurrence_twice(lua: Lua, url: str) -> None:
    lua.board.commands.batch(
        [("JSET", [f"j{number}", "echo", "x", "every", 1, "now", T]) for number in range(50)]
    )
    together = threading.Barrier(2)
    moved: list[int] = []

    def tick() -> None:
        other = Board(lua.board.name, url, validate=False)
        try:
            for second in range(20):
                together.wait()
                while count := other.tick(7, now=T + second).moved:
                    moved.append(count)
        finally:
            other.client.close()

    threads = [threading.Thread(target=tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = lua.ids()
    assert len(ids) == len(set(ids)) == sum(moved) == lua.stats()["queued"] == 50 * 20


def test_an_expired_lease_requeues_its_task_at_the_front_with_a_new_attempt(lua: Lua) -> None:
    for payload in ("first", "second"):
        lua.push(payload)
    held = lua.held(lease=30)
    assert (lua.tick(T + 29.999), lua.tick(T + 30)) == (0, 1)
    found = lua.take(count=2)
    assert [(task["payload"], task["attempt"]) for task in found] == [("first", 2), ("second", 1)]
    assert found[0]["id"] == held["id"]
    assert lua.stats()["lost"] == 1


def test_an_expired_lease_is_in_the_history(lua: Lua) -> None:
    lua.push()
    held = lua.held()
    lua.tick(T + 30)
    ((_, entry),) = lua.client.xrange(lua.keys.history)
    assert entry == {"task": held["id"], "attempt": "1", "what": "lost"}


def test_the_next_worker_sees_that_a_task_was_lost(lua: Lua) -> None:
    lua.push()
    lua.held(worker="w1")
    lua.tick(T + 31)
    assert lua.held(now=T + 31)["history"] == f"lost? {MS + 31_000} w1 lost "


@pytest.mark.parametrize(("options", "bound"), [({}, 5), ({"losses": 1}, 1), ({"losses": 20}, 20)])
def test_a_task_lost_too_often_becomes_a_dead_letter(lua: Lua, options: dict[str, int], bound: int) -> None:
    lua.push(**options)
    for attempt in range(1, bound + 1):
        assert lua.held(now=T + 30 * attempt)["attempt"] == attempt
        assert lua.tick(T + 30 * attempt + 30) == 1
    assert (lua.take(), lua.count()["dead"], lua.stats()["lost"]) == ([], 1, bound)
    assert (lua.stats()["dead"], lua.adds_up()) == (1, True)
    (dead,) = lua.tasks(state="dead")
    assert (dead["attempt"], dead["history"].count("lost?"), dead["since"]) == (
        bound,
        bound,
        T + 30 * bound + 30,
    )
    told = [entry for _, entry in lua.client.xrange(lua.keys.history)][-2:]
    assert told == [
        {"task": dead["id"], "attempt": str(bound), "what": "lost"},
        {
            "task": dead["id"],
            "attempt": str(bound),
            "what": "dead",
            "note": "lost too often",
            "code": "lost",
        },
    ]


def test_failures_do_not_count_as_losses(lua: Lua) -> None:
    lua.push(losses=2)
    for verb in ("retry", "failed", "retry", "failed"):
        lua.jack(lua.held()["token"], verb, note="lost", code="lost")
    token = lua.held(lease=5)["token"]
    lua.jack(token, "accepted", timeout=5)
    lua.tick(T + 5)
    lua.held(lease=5)
    lua.tick(T + 5)
    assert (lua.count()["dead"], lua.count()["queued"]) == (0, 1)
    lua.held(lease=5)
    lua.tick(T + 5)
    assert lua.count()["dead"] == 1


def test_losses_count_regardless_of_decisions(lua: Lua) -> None:
    lua.push(losses=2)
    lua.held()
    lua.tick(T + 30)
    lua.jack(lua.held()["token"], "retry", unstarted=1)
    lua.jack(lua.held()["token"], "retry")
    lua.held()
    lua.tick(T + 30)
    assert lua.count()["dead"] == 1


def test_an_accepted_task_expires_after_its_timeout(lua: Lua) -> None:
    lua.push("first", losses=1)
    lua.push("second")
    token = lua.held(worker="w1")["token"]
    lua.jack(token, "accepted", timeout="1h", progress=20, note="job 7")
    assert lua.tick(T + 3600) == 1
    again = lua.held(now=T + 3600)
    assert (again["payload"], again["attempt"]) == ("first", 2)
    assert again["history"] == f"failed? {MS + 3_600_000} w1 timeout no answer came in time"
    stats = lua.stats()
    assert (stats["failed"], stats["lost"], stats["dead"], stats["doubled"]) == (1, 0, 0, 0)
    assert [entry["what"] for _, entry in lua.client.xrange(lua.keys.history)] == ["accepted", "failed"]
    assert lua.adds_up()


def test_a_cancelled_task_ends_when_its_lease_expires_with_both_in_the_history(lua: Lua) -> None:
    lua.put(at=T)
    lua.tick()
    held = lua.held()
    lua.jcancel(held["id"])
    assert lua.tick(T + 30) == 1
    assert lua.ledger() == {
        "lost": 1,
        "cancelled": 1,
    }
    assert [entry["what"] for _, entry in lua.client.xrange(lua.keys.history)] == ["lost", "cancelled"]
    assert lua.stats()["in_flight"] == 0


def test_a_gate_sets_the_next_tick_and_wakes_a_clock(lua: Lua) -> None:
    lua.put(rate="1/1m")
    lua.jpush("a")
    lua.jpush("a")
    lua.forget_wakes()
    assert len(lua.take(count=2, lease="1h")) == 1
    assert "wake" in lua.wakes()
    assert lua.jtick() == [0, MS + 60_000, MS]
    lua.forget_wakes()
    assert lua.jtick(now=T + 60) == [1, MS + 3_600_000, MS + 60_000]
    assert lua.wakes() == ["wake:echo"]
    assert len(lua.take(lease="1h", now=T + 60)) == 1


def test_a_gate_of_a_queue_wakes_a_worker_when_tasks_wait(lua: Lua) -> None:
    lua.jlimit("queue", "echo", rate="1/1m")
    lua.tick()
    lua.push()
    lua.push()
    lua.take(count=2, lease="1h")
    lua.forget_wakes()
    lua.tick(T + 59.999)
    assert lua.wakes() == []
    lua.tick(T + 60)
    assert lua.wakes() == ["wake:echo"]


def test_a_gate_without_held_tasks_is_removed(lua: Lua) -> None:
    lua.put(rate="1/1m")
    lua.jpush("a")
    task = lua.jpush("a")
    lua.take(count=2, lease="1h")
    lua.jcancel(task)
    assert lua.jtick(now=T + 60)[:2] == [0, MS + 3_600_000]
    assert lua.size("gates") == 0


def test_a_delayed_task_goes_to_its_own_lane(lua: Lua) -> None:
    lua.push("late", at="+5", priority=5)
    lua.push("now")
    lua.tick(T + 5)
    assert [task["payload"] for task in lua.take(count=2)] == ["late", "now"]


def test_a_run_goes_to_the_lane_of_its_job(lua: Lua) -> None:
    lua.put("low", at=T, priority=-1)
    lua.put("high", at=T, priority=1)
    lua.put("none", at=T)
    lua.tick()
    assert [task["job"] for task in lua.take(count=9)] == ["high", "none", "low"]


def test_attempts_are_counted_beyond_nine(lua: Lua) -> None:
    lua.push("\n1\n", losses=20)
    for attempt in range(1, 13):
        task = lua.held(now=T + 30 * attempt)
        assert (task["attempt"], task["payload"]) == (attempt, "\n1\n")
        lua.tick(T + 30 * attempt + 30)


def test_tasks_that_lapse_over_several_ticks_keep_their_order(lua: Lua) -> None:
    for payload in "12345":
        lua.push(payload)
    for n in range(5):
        lua.held(lease=5 + n)
    while lua.tick(T + 20, limit=2):
        pass
    assert [task["payload"] for task in lua.take(count=9)] == list("12345")


def test_tasks_that_lapse_together_keep_their_order(lua: Lua) -> None:
    for payload in "123":
        lua.push(payload)
    lua.take(count=3, lease=5)
    lua.tick(T + 5)
    assert [task["payload"] for task in lua.take(count=3)] == ["1", "2", "3"]


def test_a_tick_wakes_one_worker_per_queue(lua: Lua) -> None:
    for number in range(3):
        lua.put(f"a{number}", at=T)
        lua.put(f"b{number}", at=T, queue="slow")
    lua.forget_wakes()
    lua.tick()
    assert lua.wakes() == ["wake:echo", "wake:slow"]
    assert lua.client.llen(lua.keys.wake_queue("echo")) == 1


def test_delayed_and_expired_tasks_wake_a_worker(lua: Lua) -> None:
    lua.push()
    lua.held(lease=5)
    lua.push(at="+9")
    for now in (T + 5, T + 9):
        lua.forget_wakes()
        lua.take()
        lua.tick(now)
        assert lua.wakes() == ["wake:echo"]


def test_a_tick_with_nothing_to_do_writes_only_when_it_was_every_ten_seconds(lua: Lua) -> None:
    lua.put(every=5, start=T + 60)
    lua.tick()
    before = lua.everything()
    lua.tick(T + 9)
    assert lua.everything() == before
    lua.tick(T + 10)
    after = lua.everything()
    assert {key for key in after if after[key] != before.get(key)} == {lua.keys.stats}
    assert lua.client.hget(lua.keys.stats, "ticked") == str(MS + 10_000)


def test_a_scheduled_id_without_a_job_is_removed(lua: Lua) -> None:
    lua.put(every=5)
    lua.client.hdel(lua.keys.job, "a")
    assert lua.tick() == 0
    assert lua.count()["scheduled"] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["limit", 0], "limit: expected a whole number of at least 1, got '0'"),
        (["limit", "x"], "limit: expected a whole number of at least 1, got 'x'"),
        (["limit", 1.5], "limit: expected a whole number of at least 1, got '1.5'"),
        (["limit"], "limit: expected a value, got none"),
        (["now", ""], "now: expected a time such as .*, got ''"),
        (["count", 1], "count: unknown option"),
    ],
)
def test_invalid_arguments_are_rejected(lua: Lua, arguments: list[str], says: str) -> None:
    lua.put(every=5)
    lua.refuses(OptionError, says, "JTICK", *arguments)


def test_decaying_jobs_that_are_very_late_are_caught_up_a_few_at_a_time(lua: Lua) -> None:
    for number in range(100):
        lua.put(f"a{number}", every=1, decay=1.001, step=2)
    moved = [lua.jtick(limit=100, now=T + 1_000_000)[0]]
    while moved[-1]:
        moved.append(lua.jtick(limit=100, now=T + 1_000_000)[0])
    assert sum(moved) == 100
    assert moved[0] < 100
    stats = lua.stats()
    assert stats["due"] == stats["queued"] + stats["coalesced"]


def test_empty_queues_are_forgotten_if_there_are_very_many(lua: Lua) -> None:
    for number in range(200):
        lua.push(queue=f"q{number}")
        lua.push(queue=f"q{number}", priority=5)
    lua.tick()
    assert len([name for name in lua.count() if name.startswith("queue:")]) == 200
    lua.ids(*(f"q{number}" for number in range(190)))
    for _ in range(30):
        lua.tick()
    left = [name for name in lua.count() if name.startswith("queue:")]
    assert {f"queue:q{number}" for number in range(190, 200)} <= set(left)
    assert lua.size("queues") <= 100
    assert lua.client.hlen(f"{lua.keys.tag}:lanes") <= 100
    lua.push("low", queue="q0")
    lua.push("high", queue="q0", priority=5)
    assert [task["payload"] for task in lua.take("q0", count=9)] == ["high", "low"]
    assert lua.adds_up()


def test_an_untaken_wake_token_expires(lua: Lua) -> None:
    lua.push(queue="q0")
    assert 0 < lua.client.ttl(f"{lua.keys.wake}:q0") <= 3600
