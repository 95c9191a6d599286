"""JPUSH: queue a one-off task, or run a job now."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from jobs_core import Board, NotFoundError, OptionError, PayloadError, trace_of
from tests.lua.helpers import MS, Lua, T


def test_a_one_off_task_has_its_own_job(lua: Lua) -> None:
    assert [lua.push("x"), lua.push("y")] == [f"push:1@{MS}", f"push:2@{MS}"]
    (task,) = lua.take()
    assert (task["job"], task["runner"], task["queue"], task["due"]) == ("push:1", "echo", "echo", MS)
    assert (task["payload"], task["attempt"], task["options"]) == ("x", 1, "")


def test_a_one_off_task_has_a_queue_and_the_options_of_a_worker(lua: Lua) -> None:
    lua.push(queue="slow", timeout="1m")
    (task,) = lua.take("slow")
    assert (task["runner"], task["queue"], task["options"]) == ("echo", "slow", '{"timeout":60}')


def test_a_pushed_run_does_not_change_the_schedule(lua: Lua) -> None:
    lua.put("a", "x", every=60, start=T + 60, queue="slow", timeout=9)
    task = lua.jpush("a", now=T + 7)
    assert task == f"a@{MS + 7000}-1"
    (found,) = lua.take("slow")
    assert (found["id"], found["job"], found["payload"], found["options"]) == (
        task,
        "a",
        "x",
        '{"timeout":9}',
    )
    assert lua.jnext("a") == [MS + 60_000]


def test_a_pushed_run_does_not_count_as_one_of_repeat(lua: Lua) -> None:
    lua.put(every=5, repeat=3)
    lua.jpush("a")
    assert lua.job()["left"] == 3


def test_a_job_without_a_schedule_runs_when_it_is_pushed(lua: Lua) -> None:
    lua.put()
    assert lua.jpush("a") == f"a@{MS}-1"
    assert lua.ids() == [f"a@{MS}-1"]


def test_a_task_with_a_time_waits_for_it(lua: Lua) -> None:
    task = lua.push(at="+10")
    assert (lua.count()["delayed"], lua.count()["queued"]) == (1, 0)
    assert (lua.tick(T + 9.999), lua.tick(T + 10)) == (0, 1)
    assert lua.ids() == [task] == [f"push:1@{MS + 10_000}"]
    assert lua.client.exists(lua.keys.task) == 0


def test_a_delayed_run_keeps_its_push_options(lua: Lua) -> None:
    lua.put("a", "old", queue="slow")
    lua.jpush("a", at="+10")
    lua.put("a", "new")
    lua.tick(T + 10)
    (task,) = lua.take("slow")
    assert (task["id"], task["payload"]) == (f"a@{MS + 10_000}-1", "old")


def test_a_time_in_the_past_is_now(lua: Lua) -> None:
    lua.push(at=T - 5)
    assert lua.ids() == [f"push:1@{MS - 5000}"]


def test_the_ledger_counts_it_as_due_and_queued(lua: Lua) -> None:
    lua.put()
    lua.push()
    lua.push(at="+5")
    lua.jpush("a")
    stats = lua.stats()
    assert (stats["pushed"], stats["due"], stats["queued"]) == (3, 3, 3)


# No task id is ever queued twice


def test_a_push_at_the_time_of_an_occurrence_gets_a_distinct_id(lua: Lua) -> None:
    lua.put(every=5)
    before = lua.jpush("a", now=T)
    lua.tick(T)
    after = lua.jpush("a", now=T)
    lua.tick(T + 1)
    assert sorted(lua.ids()) == [f"a@{MS}", before, after] == [f"a@{MS}", f"a@{MS}-1", f"a@{MS}-2"]


def test_a_push_at_the_time_of_a_single_run_gets_a_distinct_id(lua: Lua) -> None:
    lua.put(at=T + 5)
    lua.jpush("a", at=T + 5)
    lua.tick(T + 6)
    assert lua.ids() == [f"a@{MS + 5000}-1", f"a@{MS + 5000}"]


def test_pushes_in_the_same_millisecond_get_distinct_ids(lua: Lua) -> None:
    lua.put()
    pushed = [lua.jpush("a") for _ in range(50)]
    lua.tick(T + 1)
    assert lua.ids() == pushed
    assert len(set(pushed)) == 50


def test_concurrent_pushes_and_ticks_never_create_the_same_task(lua: Lua, url: str) -> None:
    lua.put(every="2ms")
    together = threading.Barrier(2)

    def work() -> None:
        other = Board(lua.board.name, url, validate=False)
        try:
            for step in range(100):
                together.wait()
                now = T + step / 1000
                other.commands.batch([("JPUSH", ["a", "now", now]), ("JTICK", ["now", now])])
        finally:
            other.client.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lua.tick(T + 9)
    ids = lua.ids()
    assert len(ids) == len(set(ids)) == 200 + 50 + 1
    assert lua.stats()["pushed"] == 200


def test_a_run_that_is_pushed_for_later_does_not_delay_one_that_is_pushed_now(lua: Lua) -> None:
    lua.put()
    lua.jpush("a", at="+10h")
    task = lua.jpush("a")
    assert lua.ids() == [task] == [f"a@{MS}-2"]


def test_an_occurrence_at_a_pushed_time_is_a_distinct_task(lua: Lua) -> None:
    lua.put(every=7)
    lua.jpush("a", at=T + 10)
    lua.put(every=5)
    for second in range(11):
        lua.tick(T + second)
    ids = lua.ids()
    assert len(ids) == len(set(ids))


def test_a_push_after_an_update_does_not_make_a_task_of_the_old_schedule_again(lua: Lua) -> None:
    lua.put(every=5)
    lua.tick(T)
    lua.put(every=7, start=T - 1)
    lua.jpush("a")
    ids = lua.ids()
    assert len(ids) == len(set(ids))


def test_a_job_that_runs_every_millisecond_can_be_pushed(lua: Lua) -> None:
    lua.put(every="1ms", duration=60)
    due = int(lua.jpush("a").partition("@")[2].partition("-")[0])
    assert due < MS + 1000


# Deduplication


def test_a_duplicate_push_queues_nothing_and_returns_the_first_id(lua: Lua) -> None:
    first = lua.push(**{"unique-for": "1m"})
    for now in (T, T + 1, T + 59.999):
        assert lua.push(**{"unique-for": "1m", "now": now}) == first
    again = lua.push(**{"unique-for": "1m", "now": T + 60})
    assert again != first
    assert lua.push(**{"unique-for": "1m", "now": T + 61}) == again
    assert lua.ids() == [first, again]
    assert (lua.stats()["pushed"], lua.stats()["due"], lua.stats()["queued"]) == (2, 2, 2)


@pytest.mark.parametrize(
    "other", [{"payload": "y"}, {"queue": "slow"}, {"payload": ""}, {"payload": "x\n"}, {"runner": "other"}]
)
def test_duplicates_share_runner_payload_and_queue(lua: Lua, other: dict[str, str]) -> None:
    unique = {"unique-for": "1m"}
    first = lua.push(**unique)
    options = {key: value for key, value in other.items() if key == "queue"}
    second = lua.jpush(other.get("runner", "echo"), other.get("payload", "x"), **options, **unique)
    assert second != first
    assert lua.push(queue="echo", priority=5, timeout=9, **unique) == first


def test_only_pushes_with_unique_for_are_deduplicated(lua: Lua) -> None:
    ids = {lua.push(), lua.push(**{"unique-for": "1m"}), lua.push(), lua.push()}
    assert len(ids) == 4
    assert lua.push(**{"unique-for": "1s"}) in ids


def test_deduplication_outlives_the_first_task(lua: Lua) -> None:
    first = lua.push(at="+10", **{"unique-for": "1m"})
    assert lua.push(**{"unique-for": "1m"}) == first
    lua.jcancel(first)
    assert lua.push(**{"unique-for": "1m"}) == first
    assert lua.stats()["queued"] == 1


def test_deduplication_keys_expire(lua: Lua) -> None:
    lua.push(**{"unique-for": "1m"})
    (name,) = lua.client.keys(f"{lua.keys.tag}:unique:*")
    assert 60_000 < lua.client.pttl(name) <= 61_000


# Idempotency keys

KEY = {"idempotency-key": "order 17"}


def test_a_key_adds_one_task_a_day(lua: Lua) -> None:
    first = lua.push(**KEY)
    for now in (T, T + 1, T + 86399.999):
        assert lua.push(**KEY, now=now) == first
    again = lua.push(**KEY, now=T + 86400)
    assert lua.ids() == [first, again]
    assert (lua.stats()["pushed"], lua.stats()["queued"]) == (2, 2)


def test_a_key_runs_a_job_once(lua: Lua) -> None:
    lua.put()
    first = lua.jpush("a", **KEY)
    assert lua.jpush("a", at="+10", by="ann", **KEY) == first
    assert lua.ids() == [first]
    lua.jdel("a")
    assert lua.jpush("a", **KEY) == first


def test_a_key_compares_what_is_pushed_and_no_other_option(lua: Lua) -> None:
    first = lua.push(**KEY)
    assert lua.push(queue="slow", priority=5, timeout=9, at="+10m", **KEY) == first
    lua.put("echo")
    says = "^idempotency-key: used for another push$"
    lua.refuses(OptionError, says, "JPUSH", "echo", "y", "idempotency-key", "order 17", "now", T)
    lua.refuses(OptionError, says, "JPUSH", "other", "x", "idempotency-key", "order 17", "now", T)
    lua.refuses(OptionError, says, "JPUSH", "echo", "idempotency-key", "order 17", "now", T)
    assert lua.push("y", **{"idempotency-key": "order 18"}) != first


def test_a_push_that_failed_keeps_no_key(lua: Lua) -> None:
    lua.refuses(NotFoundError, "there is no job 'a'", "JPUSH", "a", "idempotency-key", "order 17")
    lua.jlimit("queue", "echo", **{"max-length": 1})
    lua.push("full")
    lua.refuses(OptionError, "is full", "JPUSH", "echo", "x", "idempotency-key", "order 17")
    lua.take()
    lua.put()
    assert lua.jpush("a", **KEY).startswith("a@")


def test_keys_expire_and_cannot_be_read(lua: Lua) -> None:
    lua.push(**KEY)
    assert lua.client.keys(f"{lua.keys.tag}*order*") == []
    (name,) = lua.client.keys(f"{lua.keys.tag}:idempotent:*")
    assert 86_400_000 < lua.client.pttl(name) <= 86_401_000
    assert "order" not in lua.client.get(name)


@pytest.mark.parametrize("key", ["", "x" * 256, "secret\n", "secret\x00"])
def test_a_wrong_key_is_rejected_and_not_quoted(lua: Lua, key: str) -> None:
    with pytest.raises(OptionError, match=r"^idempotency-key: expected") as caught:
        lua.push(**{"idempotency-key": key})
    assert "secret" not in str(caught.value) and "xx" not in str(caught.value)
    assert lua.push(**{"idempotency-key": "x" * 255})


# Priorities


def test_a_task_of_a_higher_priority_leaves_its_queue_first(lua: Lua) -> None:
    for priority in (0, -9, 5, 9, 5, 0):
        lua.push(str(priority), priority=priority, queue="slow")
    taken = lua.take("slow", count=9)
    assert [task["payload"] for task in taken] == ["9", "5", "5", "0", "0", "-9"]
    assert {task["queue"] for task in taken} == {"slow"}


def test_a_run_of_a_job_has_the_priority_of_the_job_delayed_or_not(lua: Lua) -> None:
    lua.put(priority=3)
    late, now = lua.jpush("a", at="+5"), lua.jpush("a")
    lua.tick(T + 5)
    lua.push()
    assert lua.ids()[:2] == [now, late]


def test_a_priority_wakes_the_workers_of_the_queue(lua: Lua) -> None:
    lua.push(priority=3)
    assert lua.wakes() == ["wake:echo"]


# Waking


def test_a_queued_task_wakes_a_worker_and_a_delayed_one_a_clock(lua: Lua) -> None:
    lua.push(at="+10")
    assert lua.wakes() == ["wake"]
    lua.forget_wakes()
    lua.push(at="+20")
    assert lua.wakes() == []
    lua.push(queue="slow")
    lua.push(queue="slow")
    assert lua.wakes() == ["wake:slow"]
    assert lua.client.llen(lua.keys.wake_queue("slow")) == 1


# Rejected calls


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "JPUSH expects a job id, or a runner and a payload"),
        (["echo", "x", "every", 5], "every: unknown option"),
        (["echo", "x", "left", 5], "left: unknown option"),
        (["echo", "x", "at", "noon"], "at: expected a time such as .*, got 'noon'"),
        (["echo", "x", "timeout", 0], "timeout: expected more than 0, got"),
        (["echo", "x", "queue", "a b"], "queue: expected one word of at most 256 bytes"),
        (
            ["echo", "x", "unique-for", "x"],
            "unique-for: expected a duration such as 90, 1h30m or PT1H30M, got 'x'",
        ),
        (
            ["echo", "x", "unique-for", 5, "idempotency-key", "k"],
            "^idempotency-key: cannot be combined with unique-for$",
        ),
        (["echo", "x", "unique-for"], "JPUSH expects a job id, or a runner and a payload, then"),
        (["echo", "x", "priority", 10], "priority: expected -9 to 9, got '10'"),
        (["a", "unique-for", 5], "JPUSH expects a job id, or a runner and a payload, then"),
        (["a", "priority", 5], "JPUSH expects a job id, or a runner and a payload, then"),
        (["a b", "x"], "runner: expected 1 to 64 letters"),
        (["a", "queue", "slow"], "JPUSH expects a job id, or a runner and a payload, then"),
        (["a", "at", "noon"], "at: expected a time such as .*, got 'noon'"),
    ],
)
def test_invalid_arguments_are_rejected(lua: Lua, arguments: list[Any], says: str) -> None:
    lua.put(every=5)
    lua.refuses(OptionError, says, "JPUSH", *arguments)


def test_a_missing_job_is_an_error(lua: Lua) -> None:
    lua.refuses(NotFoundError, "^there is no job 'a' on the board '[^']+'$", "JPUSH", "a")


def test_a_payload_over_the_limit(lua: Lua) -> None:
    lua.refuses(
        PayloadError, "^payload: expected at most 1048576 bytes, got 1048577", "JPUSH", "echo", "x" * 1048577
    )


def test_an_error_never_quotes_the_payload(lua: Lua) -> None:
    with pytest.raises((OptionError, NotFoundError)) as caught:
        lua.call("JPUSH", "echo", "the secret", "at")
    assert "secret" not in str(caught.value)


def test_in_is_a_delay(lua: Lua) -> None:
    assert lua.push("x", **{"in": "10m"}) == f"push:1@{MS + 600_000}"
    lua.put("a")
    assert lua.jpush("a", "in", 5) == f"a@{MS + 5000}-2"
    assert lua.tick(T + 4) == 0
    assert lua.tick(T + 5) == 1
    lua.refuses(OptionError, "at: cannot be combined with in", "JPUSH", "a", "in", 5, "at", "+5")
    lua.refuses(
        OptionError,
        "in: expected a duration such as 90, 1h30m or PT1H30M, got 'soon'",
        "JPUSH",
        "a",
        "in",
        "soon",
    )


# Traces

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_task_carries_the_trace_of_its_push(lua: Lua) -> None:
    lua.push(traceparent=TRACEPARENT, timeout=9)
    (task,) = lua.take()
    assert json.loads(task["options"]) == {"traceparent": TRACEPARENT, "timeout": 9}


def test_a_pushed_run_carries_a_trace_beside_the_options_of_its_job(lua: Lua) -> None:
    lua.put(timeout=9, history=3)
    lua.jpush("a", traceparent=TRACEPARENT, tracestate='v=1 2,w="\\', keep="1h")
    assert json.loads(lua.held()["options"]) == {
        "timeout": 9,
        "history": 3,
        "keep": 3600,
        "traceparent": TRACEPARENT,
        "tracestate": 'v=1 2,w="\\',
    }


def test_a_trace_goes_with_every_attempt_and_stays_in_a_dead_letter(lua: Lua) -> None:
    lua.push(traceparent=TRACEPARENT, policy="ack")
    for verb in ("retry", "dead"):
        attempt = lua.held()
        assert TRACEPARENT in attempt["options"]
        lua.jack(attempt["token"], verb, now=T)
    assert lua.tasks(state="dead")[0]["options"]["traceparent"] == TRACEPARENT


def test_a_run_of_the_schedule_belongs_to_no_trace(lua: Lua) -> None:
    lua.put(every=5)
    lua.jpush("a", traceparent=TRACEPARENT)
    lua.tick(T)
    assert ["traceparent" in task["options"] for task in lua.take(count=2)] == [True, False]


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "no trace",
        TRACEPARENT[:-1],
        TRACEPARENT + "-00",
        TRACEPARENT.upper(),
        "ff" + TRACEPARENT[2:],
        TRACEPARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        TRACEPARENT.replace("00f067aa0ba902b7", "0" * 16),
        TRACEPARENT.replace("-", "_"),
        TRACEPARENT.replace("36-00", "3-600"),
    ],
)
def test_what_is_no_traceparent_is_rejected_without_a_task(lua: Lua, wrong: str) -> None:
    with pytest.raises(OptionError, match=r"^traceparent: expected 55 characters such as 00-") as caught:
        lua.push(traceparent=wrong)
    assert caught.value.option == "traceparent"
    assert trace_of({"traceparent": wrong}) == {}
    assert lua.tasks() == []


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        ",,",
        "v",
        "v=",
        "=1",
        "V=1",
        "v=1=2",
        "v=1;w\t",
        "v=\xe9",
        f"{'v' * 257}=1",
        f"v={'1' * 257}",
        ",".join(f"v{n}=1" for n in range(33)),
        f"a={'1' * 250},b={'1' * 250},c=12345678",
    ],
)
def test_what_is_no_tracestate_is_rejected(lua: Lua, wrong: str) -> None:
    with pytest.raises(OptionError, match=r"^tracestate: expected up to 32 members"):
        lua.push(traceparent=TRACEPARENT, tracestate=wrong)
    lua.push(**trace_of({"traceparent": TRACEPARENT, "tracestate": wrong}))
    assert TRACEPARENT in lua.take()[0]["options"]


@pytest.mark.parametrize("state", ["v=1", " v=a b ,, w@x=/*-_ ", "0t@v=1"])
def test_what_is_a_tracestate_is_taken_here_and_in_headers(lua: Lua, state: str) -> None:
    lua.push(traceparent=TRACEPARENT, tracestate=state)
    lua.push(**trace_of({"traceparent": TRACEPARENT, "tracestate": state}))
    assert ["tracestate" in task["options"] for task in lua.take(count=2)] == [True, True]
