"""JSET: create or update a job."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core import OptionError, PayloadError
from tests.lua.helpers import MS, Lua, T

MIB = 1 << 20


def test_jset_returns_the_first_run(lua: Lua) -> None:
    assert lua.put("now", every=5) == MS
    assert lua.put("later", every=5, start=T + 60) == MS + 60_000
    assert lua.put("once", at="+1m") == MS + 60_000
    assert lua.put("manual") == 0


def test_a_start_in_the_past_only_sets_the_grid(lua: Lua) -> None:
    assert lua.put(every=10, start=T - 13) == MS + 7_000


def test_a_job_that_can_never_run_again_has_no_next_run(lua: Lua) -> None:
    assert lua.put(every=10, start=T - 100, stop=T - 50) == 0
    assert lua.job()["state"] == "ended"


def test_stop_is_inclusive(lua: Lua) -> None:
    lua.put("reached", every=5, stop=T + 10)
    lua.put("missed", every=5, stop=T + 9.999)
    assert lua.jnext("reached", count=9) == [MS, MS + 5_000, MS + 10_000]
    assert lua.jnext("missed", count=9) == [MS, MS + 5_000]


def test_duration_counts_from_start_and_is_inclusive(lua: Lua) -> None:
    lua.put(every=5, start=T + 60, duration=5)
    assert lua.jnext("a", count=9) == [MS + 60_000, MS + 65_000]


UNITS = {
    "seconds": 1,
    "minutes": 60,
    "hours": 3600,
    "days": 86400,
    "weeks": 7 * 86400,
    "months": 30.4375 * 86400,
    "quarters": 91 * 86400,
    "years": 365.25 * 86400,
}


@pytest.mark.parametrize(("unit", "seconds"), UNITS.items())
def test_units_have_the_right_length(lua: Lua, unit: str, seconds: float) -> None:
    lua.put(**{unit: 2})
    assert lua.jnext("a", count=2)[1] == MS + 2 * seconds * 1000


def test_units_and_every_add_up(lua: Lua) -> None:
    lua.put(every="1m", hours=1, seconds=0.5)
    assert lua.job()["every"] == 3660.5


def test_the_options_of_a_worker_are_kept_as_they_are_read(lua: Lua) -> None:
    lua.put(timeout="1h30m", lease="PT1M", backoff=0.5, policy="retry", attempts=4, queue="slow")
    job = lua.job()
    found = {name: job[name] for name in ("timeout", "lease", "backoff", "policy", "attempts", "queue")}
    assert found == {
        "timeout": 5400,
        "lease": 60,
        "backoff": 0.5,
        "policy": "retry",
        "attempts": 4,
        "queue": "slow",
    }


@pytest.mark.parametrize(
    "schedule",
    [
        {"every": 5},
        {"every": 5, "stop": T + 100},
        {"every": 5, "duration": 100},
        {"every": 5, "repeat": 9},
        {"every": 5, "decay": 2, "step": "1h"},
        {"every": 5, "start": T},
    ],
)
def test_an_update_with_the_same_schedule_keeps_the_run_times(lua: Lua, schedule: dict[str, Any]) -> None:
    lua.put(**schedule)
    lua.tick(T)
    assert lua.put("a", "other", **schedule, timeout=9, now=T + 2) == MS + 5_000
    assert (lua.job()["payload"], lua.job()["next"], lua.job()["timeout"]) == ("other", T + 5, 9)


def test_an_update_with_the_same_schedule_keeps_a_run_that_is_late(lua: Lua) -> None:
    lua.put(every=5)
    assert lua.put(every=5, now=T + 17) == MS


def test_an_update_with_the_same_schedule_keeps_the_number_of_runs_left(lua: Lua) -> None:
    lua.put(every=5, repeat=3)
    lua.tick(T)
    lua.put(every=5, repeat=3, now=T + 1)
    assert lua.job()["left"] == 2


@pytest.mark.parametrize(
    ("changed", "following"),
    [
        ({"every": 4}, 8),
        ({"every": 5, "stop": T + 50}, 10),
        ({"every": 5, "repeat": 4}, 10),
        ({"every": 5, "start": T + 20}, 20),
        ({"every": 5, "decay": 2}, 10),
        ({"at": T + 99}, 99),
    ],
)
def test_an_update_with_another_schedule_starts_over_on_the_grid_of_the_old_start(
    lua: Lua, changed: dict[str, Any], following: int
) -> None:
    lua.put(every=5, repeat=3)
    lua.tick(T)
    assert lua.put(**changed, now=T + 7) == MS + following * 1000
    assert lua.job().get("left") == changed.get("repeat")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"every": 5, "start": T + 900}, {"every": 5}, T + 8),
        ({"every": 5, "start": T + 900}, {"every": 7}, T + 8),
        ({"every": 5, "start": T + 900}, {"every": 5, "start": T + 900}, T + 900),
        ({"every": 5, "duration": 9}, {"every": 6, "duration": 9}, T + 8),
        ({"every": 5}, {"every": 5, "start": T + 900}, T + 900),
    ],
)
def test_a_start_or_a_duration_of_before_does_not_stay(
    lua: Lua, before: dict[str, Any], after: dict[str, Any], expected: int
) -> None:
    lua.put(**before)
    assert lua.put(**after, now=T + 8) >= expected * 1000
    if "start" not in after:
        assert lua.put(**after, now=T + 9) < (T + 20) * 1000


def test_a_start_of_before_does_not_hold_back_a_cron_pattern(lua: Lua) -> None:
    lua.put(every=86400, start=T + 40 * 86400)
    assert lua.put(cron="0 9 * * *") < (T + 86400) * 1000
    assert "start" not in lua.job()


def test_a_declaration_that_does_not_change_keeps_its_runs(lua: Lua) -> None:
    for options in ({"every": 60}, {"every": 60, "duration": 600}, {"every": 60, "start": T + 30}):
        due = lua.put("b", **options)
        assert lua.put("b", **options, now=T + 7) == due


def test_an_update_may_remove_the_schedule(lua: Lua) -> None:
    lua.put(every=5)
    assert lua.put() == 0
    assert (lua.tick(T + 99), lua.job()["state"]) == (0, "manual")


def test_an_update_of_a_paused_job_leaves_it_paused(lua: Lua) -> None:
    lua.put(every=5)
    lua.jpause("a")
    assert lua.put(every=5, now=T + 1) == 0
    assert lua.put(every=7, now=T + 1) == 0
    assert (lua.job()["state"], lua.tick(T + 99)) == ("paused", 0)


def test_an_update_drops_options_it_does_not_repeat(lua: Lua) -> None:
    lua.put(every=5, timeout=9, queue="slow")
    lua.put(every=5)
    assert {"timeout", "queue"}.isdisjoint(lua.job())


def test_a_job_that_has_ended_does_not_run_again_when_it_is_put_again(lua: Lua) -> None:
    lua.put("once", at=T)
    lua.put("thrice", every=1, repeat=3)
    for second in range(5):
        lua.tick(T + second)
    assert len(lua.ids()) == 4
    assert lua.put("once", at=T, now=T + 9) == 0
    assert lua.put("thrice", every=1, repeat=3, now=T + 9) == 0
    assert lua.tick(T + 99) == 0


def test_queued_tasks_keep_what_they_were_queued_with(lua: Lua) -> None:
    lua.put("a", "old", every=5, timeout=1)
    lua.tick(T)
    lua.put("a", "new", every=5, timeout=2)
    lua.tick(T + 5)
    assert [(task["payload"], task["options"]) for task in lua.take(count=2)] == [
        ("old", '{"timeout":1}'),
        ("new", '{"timeout":2}'),
    ]


# The state of a job in a dump


def test_left_paused_and_next_restore_the_state_of_a_job(lua: Lua) -> None:
    assert lua.put("a", every=5, repeat=9, start=T - 100, left=2, next=T + 3) == MS + 3_000
    assert lua.put("b", every=5, paused=1, next="none") == 0
    assert lua.put("c", at=T - 9, next="none") == 0
    assert lua.put("d", every=5, paused=0) == MS
    assert lua.put("e", every=5, repeat=9, left=0) == 0
    states = [lua.job(id)["state"] for id in "abcde"]
    assert states == ["scheduled", "paused", "ended", "scheduled", "ended"]
    assert [lua.tick(T + 3), lua.tick(T + 8), lua.tick(T + 99)] == [2, 2, 1]
    assert lua.job("a")["left"] == 0


def test_a_run_that_is_late_in_a_dump_is_still_late(lua: Lua) -> None:
    assert lua.put(every=5, start=T - 100, next=T - 50) == MS - 50_000
    lua.tick(T)
    assert lua.ids() == [f"a@{MS - 50_000}"]
    assert lua.stats()["coalesced"] == 10


def test_next_moves_a_job_whose_schedule_is_the_same(lua: Lua) -> None:
    lua.put(every=5)
    assert lua.put(every=5, next=T + 100) == MS + 100_000
    assert lua.job()["next"] == T + 100


@pytest.mark.parametrize("dump", [{"paused": 0}, {"paused": 0, "next": T + 5}])
def test_a_paused_job_that_is_put_unpaused_runs(lua: Lua, dump: dict[str, Any]) -> None:
    lua.put(every=5)
    lua.jpause("a")
    assert lua.put(every=5, **dump, now=T + 1) == MS + 5_000
    assert (lua.job()["state"], lua.tick(T + 5)) == ("scheduled", 1)


def test_a_next_run_after_stop_is_not_due(lua: Lua) -> None:
    lua.put(every=5, stop=T + 10, next=T + 100)
    lua.tick(T + 100)
    assert lua.stats()["coalesced"] >= 0
    assert lua.stats()["due"] >= 0


# Payloads and ids


@pytest.mark.parametrize(
    "payload", ["", "\n", "\n1\n", "a\n1\necho\necho\n", "%1 %%", "\0\x01\x7f", "é😀", "@1#2"]
)
def test_a_payload_reaches_its_worker_unchanged_attempt_after_attempt(lua: Lua, payload: str) -> None:
    lua.put("a", payload, at=T, timeout=1)
    assert lua.job()["payload"] == payload
    lua.tick(T)
    for attempt in (1, 2, 3):
        task = lua.held()
        assert (task["payload"], task["attempt"], task["options"]) == (payload, attempt, '{"timeout":1}')
        lua.jack(task["token"], "retry")


def test_payload_bytes_that_are_not_utf8_are_kept(lua: Lua) -> None:
    payload = bytes(range(256))
    lua.jset("a", "echo", payload, at=T)
    lua.tick(T)
    for found in (lua.job()["payload"], lua.held()["payload"]):
        assert found.encode("utf-8", "surrogateescape") == payload


@pytest.mark.parametrize(
    "id",
    [b"a\xff", b"\xe9", b"\xed\xa0\x80", b"\xc0\xaf", b"\xe2\x82", b"\xf5\x80\x80\x80", b"\xf0\x80\x80\x80"],
)
def test_an_id_that_is_not_utf8_is_refused(lua: Lua, id: bytes) -> None:
    lua.refuses(OptionError, "id: expected UTF-8, got other bytes", "JSET", id, "echo", "x")


@pytest.mark.parametrize("id", ["p,q", ",", "a,"])
def test_an_id_with_a_comma_is_refused_since_after_has_commas(lua: Lua, id: str) -> None:
    lua.refuses(OptionError, "of 1 to 256 bytes, without spaces, commas,", "JSET", id, "echo", "x")


@pytest.mark.parametrize("id", ["é", "漢字", "😀", "\u07ff\u0800\ufffd\U0010ffff"])
def test_an_id_may_have_any_character_of_utf8(lua: Lua, id: str) -> None:
    lua.put(id, every=5)
    assert lua.job(id)["id"] == id


@pytest.mark.parametrize(
    "id", ["a@b", "a@1", "%d", "%", "^$()%.[]*+-?", "é", "--every", "a:b", "{x}", "a" * 256]
)
def test_an_id_may_have_any_other_character(lua: Lua, id: str) -> None:
    lua.put(id, every=5)
    lua.tick(T)
    first = lua.held()
    assert (first["id"], first["job"]) == (f"{id}@{MS}", id)
    lua.jack(first["token"], "retry", delay=1)
    lua.tick(T + 1)
    again = lua.held(now=T + 1)
    assert (again["id"], again["job"], again["attempt"]) == (first["id"], id, 2)
    lua.tick(T + 31)
    last = lua.take(count=9, lease=30)
    assert [(task["id"], task["attempt"]) for task in last] == [(first["id"], 3), (f"{id}@{MS + 5000}", 1)]
    assert lua.jack(last[0]["token"], "done") == first["id"]


@pytest.mark.parametrize("id", ["", "-", "a#1", "a b", "a\nb", "a\0b", "a\tb", "a" * 257])
def test_invalid_ids_are_rejected(lua: Lua, id: str) -> None:
    lua.refuses(OptionError, "expected a job id of 1 to 256 bytes, without", "JSET", id, "echo", "x")


@pytest.mark.parametrize("runner", ["", "a b", "-a", "a/b", "é", "a\n", "a" * 65])
def test_invalid_runner_names_are_rejected(lua: Lua, runner: str) -> None:
    lua.refuses(OptionError, "runner: expected 1 to 64 letters", "JSET", "a", runner, "x")


def test_the_default_payload_limit_is_a_mebibyte(lua: Lua) -> None:
    lua.put("a", "x" * MIB)
    says = f"^payload: expected at most {MIB} bytes, got {MIB + 1}: store it elsewhere"
    lua.refuses(PayloadError, says, "JSET", "a", "echo", "x" * (MIB + 1))


def test_the_limit_counts_bytes_not_characters(lua: Lua) -> None:
    lua.refuses(PayloadError, f"got {MIB + 2}", "JSET", "a", "echo", "é" * (MIB // 2 + 1))


def test_a_board_may_raise_the_payload_limit(lua: Lua) -> None:
    lua.client.hset(lua.keys.settings, "payload_limit", MIB + 5)
    lua.put("a", "x" * (MIB + 5))
    lua.refuses(PayloadError, f"at most {MIB + 5} bytes", "JSET", "a", "echo", "x" * (MIB + 6))


def test_a_board_may_lower_the_payload_limit(lua: Lua) -> None:
    lua.client.hset(lua.keys.settings, "payload_limit", 100)
    lua.refuses(PayloadError, "expected at most 100 bytes", "JSET", "a", "echo", "x" * 101)


def test_an_invalid_payload_limit_does_not_break_the_board(lua: Lua) -> None:
    lua.client.hset(lua.keys.settings, "payload_limit", "1MB")
    lua.refuses(PayloadError, "payload: expected at most", "JSET", "a", "echo", "x" * (MIB + 1))


# Waking the clock


def test_only_an_earlier_run_wakes_a_clock(lua: Lua) -> None:
    lua.put("first", at=T + 100)
    assert lua.wakes() == ["wake"]
    lua.forget_wakes()
    lua.put("later", at=T + 200)
    lua.put("manual")
    lua.put("paused", at=T + 1, paused=1)
    assert lua.wakes() == []
    lua.put("earlier", at=T + 50)
    assert lua.wakes() == ["wake"]


def test_an_update_that_is_due_earlier_wakes_a_clock(lua: Lua) -> None:
    lua.put("a", at=T + 100)
    lua.put("b", at=T + 200)
    lua.forget_wakes()
    lua.put("b", at=T + 50)
    assert lua.wakes() == ["wake"]


def test_at_most_one_token_waits(lua: Lua) -> None:
    for second in range(9, 0, -1):
        lua.put(f"j{second}", at=T + second)
    assert lua.client.llen(lua.keys.wake) == 1


def test_the_name_of_a_one_off_task_is_refused(lua: Lua) -> None:
    lua.refuses(OptionError, "push:<n> is reserved for one-off tasks", "JSET", "push:1", "echo", "x")
    assert lua.put("push:it") == 0
