"""Rules for late runs (misfire, grace), overlapping runs (overlap) and delayed starts (jitter)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jobs_core import OptionError
from tests.lua.helpers import MS, Lua, T


@pytest.fixture(autouse=True)
def accounted(lua: Lua) -> Iterator[None]:
    """Check after each test that the ledger adds up."""
    yield
    assert lua.adds_up()


def passed(lua: Lua) -> list[tuple[str, str, str, str]]:
    """Return the history of runs that did not happen: task, what, count, reason."""
    return [
        (fields["task"], fields["what"], fields["count"], fields["note"])
        for _, fields in lua.client.xrange(lua.keys.history)
        if fields["what"] in ("coalesced", "skipped")
    ]


def times(lua: Lua) -> list[int]:
    """Return the times of the queued tasks, in seconds since T."""
    return [int(id.partition("@")[2]) // 1000 - T for id in lua.ids()]


def ledger(lua: Lua, id: str = "a") -> dict[str, int]:
    """Return the ledger of a job, without the tasks that `times` took."""
    return {name: n for name, n in lua.ledger(id).items() if name != "unleased"}


# Late runs


def test_late_runs_are_coalesced_into_the_first(lua: Lua) -> None:
    lua.put(every=10)
    lua.tick(T + 35)
    assert times(lua) == [0]
    assert ledger(lua) == {"coalesced": 3}
    assert passed(lua) == [(f"a@{MS}", "coalesced", "3", "late")]


def test_misfire_all_runs_each(lua: Lua) -> None:
    lua.put(every=10, misfire="all")
    assert lua.tick(T + 35) == 4
    assert times(lua) == [0, 10, 20, 30]
    assert lua.jnext("a") == [MS + 40_000]
    assert ledger(lua) == {}


def test_misfire_all_runs_a_hundred_and_coalesces_the_rest(lua: Lua) -> None:
    lua.put(every=10, misfire="all")
    lua.tick(T + 2000)
    assert times(lua) == list(range(0, 1000, 10))
    assert ledger(lua) == {"coalesced": 101}
    assert lua.jnext("a") == [MS + 2_010_000]


def test_misfire_all_ends_with_repeat_and_stop(lua: Lua) -> None:
    lua.put("a", every=10, misfire="all", repeat=3)
    lua.put("b", every=10, misfire="all", stop=T + 15)
    lua.tick(T + 100)
    assert sorted(times(lua)) == [0, 0, 10, 10, 20]
    assert lua.stats()["coalesced"] == 0
    assert lua.jnext("a") == lua.jnext("b") == []


def test_misfire_skip_skips_runs_over_a_minute_late(lua: Lua) -> None:
    lua.put(every=100, misfire="skip")
    lua.tick(T + 190)
    assert times(lua) == []
    assert ledger(lua) == {"skipped": 2}
    assert passed(lua) == [(f"a@{MS}", "skipped", "2", "late")]
    assert lua.jnext("a") == [MS + 200_000]


def test_misfire_skip_runs_less_late_ones(lua: Lua) -> None:
    lua.put(every=100, misfire="skip")
    lua.tick(T + 250)
    assert times(lua) == [200]
    assert ledger(lua) == {"skipped": 2}


def test_runs_within_the_grace_are_coalesced(lua: Lua) -> None:
    lua.put(every=10, misfire="skip", grace=25)
    lua.tick(T + 100)
    assert times(lua) == [80]
    assert ledger(lua) == {"skipped": 8, "coalesced": 2}


@pytest.mark.parametrize(
    ("misfire", "runs", "skipped", "coalesced"), [("coalesce", [80], 8, 2), ("all", [80, 90, 100], 8, 0)]
)
def test_a_grace_applies_with_every_misfire_rule(
    lua: Lua, misfire: str, runs: list[int], skipped: int, coalesced: int
) -> None:
    lua.put(every=10, misfire=misfire, grace=25)
    lua.tick(T + 100)
    assert times(lua) == runs
    assert (lua.stats()["skipped"], lua.stats()["coalesced"]) == (skipped, coalesced)


def test_a_run_on_time_is_not_late(lua: Lua) -> None:
    lua.put(every=100, misfire="skip", grace=0)
    lua.tick(T)
    assert times(lua) == [0]


def test_a_job_with_only_late_runs_ends(lua: Lua) -> None:
    lua.put(every=10, misfire="skip", stop=T + 25)
    lua.tick(T + 1000)
    assert (times(lua), lua.jnext("a"), lua.job()["state"]) == ([], [], "ended")
    assert ledger(lua) == {"skipped": 3}


def test_a_cron_job_has_the_same_rules(lua: Lua) -> None:
    base = T // 60 * 60 + 60
    lua.put(cron="* * * * *", misfire="all")
    lua.put("b", cron="* * * * *", misfire="skip", grace=100)
    lua.put("c", cron="* * * * *")
    lua.tick(base + 250)
    found = [id.split("@") for id in lua.ids()]
    runs = {job: [int(ms) // 1000 - base for j, ms in found if j == job] for job in "abc"}
    assert runs == {"a": [0, 60, 120, 180, 240], "b": [180], "c": [0]}
    assert ledger(lua, "b") == {"skipped": 3, "coalesced": 1}
    assert ledger(lua, "c") == {"coalesced": 4}


# Overlapping runs


def test_overlap_allow_is_the_default(lua: Lua) -> None:
    lua.put(every=10)
    for second in (0, 10, 20):
        lua.tick(T + second)
    assert times(lua) == [0, 10, 20]


def test_overlap_skip_waits_until_the_run_has_ended(lua: Lua) -> None:
    lua.put(every=10, overlap="skip")
    lua.tick(T)
    lua.tick(T + 10)  # it is still queued
    task = lua.held()
    lua.tick(T + 20)  # it is running
    lua.jack(task["token"], "retry", delay=15, now=T + 25)
    lua.tick(T + 30)  # it waits for its retry
    lua.tick(T + 40)
    task = lua.held(now=T + 40)
    lua.jack(task["token"], "done", now=T + 45)
    lua.tick(T + 50)
    assert times(lua) == [50]
    assert ledger(lua) == {"skipped": 4, "done": 1, "retried": 1}
    assert passed(lua) == [(f"a@{MS + 1000 * s}", "skipped", "1", "overlap") for s in (10, 20, 30, 40)]


@pytest.mark.parametrize("ending", ["dead", "cancelled", "trimmed", "cancelled in the queue", "lost"])
def test_any_end_of_a_run_allows_the_next(lua: Lua, ending: str) -> None:
    lua.put(every=1000, overlap="skip", losses=1)
    lua.tick(T)
    if ending == "trimmed":
        lua.jtrim("echo", 0)
    elif ending == "cancelled in the queue":
        lua.jcancel(f"a@{MS}")
    elif ending == "lost":
        lua.held()
        lua.tick(T + 40)
    else:
        lua.jack(lua.held()["token"], ending)
    lua.tick(T + 1000)
    assert times(lua) == [1000]


def test_a_retried_dead_letter_is_in_progress(lua: Lua) -> None:
    lua.put(every=10, overlap="skip")
    lua.tick(T)
    token = lua.held()["token"]
    lua.jack(token, "dead")
    lua.jdead("retry", token)
    lua.tick(T + 10)
    assert times(lua) == [0]


def test_a_pushed_run_is_in_progress(lua: Lua) -> None:
    lua.put(every=10, overlap="skip", start="+10")
    lua.jpush("a")
    lua.tick(T + 10)
    assert [id.partition("@")[2] for id in lua.ids()] == [f"{MS}-1"]
    assert ledger(lua) == {"skipped": 1}


def test_overlap_queue_keeps_one_waiting_run(lua: Lua) -> None:
    lua.put(every=10, overlap="queue")
    lua.tick(T)
    first = lua.held()
    lua.tick(T + 10)
    lua.tick(T + 20)
    assert lua.take(now=T + 20, lease=30) == []  # not until the first has ended
    lua.jack(first["token"], "done", now=T + 21)
    (second,) = lua.take(now=T + 21, lease=30)
    assert second["id"] == f"a@{MS + 10_000}"
    lua.tick(T + 30)
    lua.jack(second["token"], "done", now=T + 31)
    assert [task["id"] for task in lua.take(now=T + 31, lease=30)] == [f"a@{MS + 30_000}"]
    assert ledger(lua) == {"skipped": 1, "done": 2}


def test_overlap_replace_stops_what_runs(lua: Lua) -> None:
    lua.put(every=10, overlap="replace")
    lua.tick(T)
    first = lua.held(worker="host-1")
    lua.tick(T + 10)
    assert lua.client.lrange(f"{lua.keys.tag}:inbox:host-1", 0, -1) == [first["token"]]
    assert lua.jbeat(30, first["token"]) == [2]
    assert lua.take(now=T + 10, lease=30) == []
    lua.tick(T + 20)  # one is already waiting, and it is recorded once
    assert lua.client.llen(f"{lua.keys.tag}:inbox:host-1") == 1
    lua.jack(first["token"], "cancelled", now=T + 21)
    assert [task["id"] for task in lua.take(now=T + 21, lease=30)] == [f"a@{MS + 10_000}"]
    assert ledger(lua) == {"skipped": 1, "cancelled": 1}


def test_overlap_replace_ends_an_accepted_run(lua: Lua) -> None:
    lua.put(every=10, overlap="replace")
    lua.tick(T)
    lua.jack(lua.held(worker="host-1")["token"], "accepted", now=T)
    lua.tick(T + 10)
    assert [task["id"] for task in lua.take(now=T + 10, lease=30)] == [f"a@{MS + 10_000}"]
    assert ledger(lua) == {"cancelled": 1}
    assert lua.size("cancelling") == 0
    assert lua.adds_up()


def test_late_runs_that_overlap_are_skipped_with_it(lua: Lua) -> None:
    lua.put(every=10, overlap="skip")
    lua.tick(T)
    lua.tick(T + 35)
    assert times(lua) == [0]
    assert ledger(lua) == {"skipped": 3}


def test_repeat_counts_runs_not_skipped_occurrences(lua: Lua) -> None:
    lua.put(every=10, overlap="skip", repeat=2)
    lua.tick(T)
    lua.tick(T + 10)
    assert lua.job()["left"] == 1
    lua.jack(lua.held()["token"], "done")
    lua.tick(T + 20)
    assert (times(lua), lua.job()["state"]) == ([20], "ended")


def test_a_job_that_is_removed_leaves_nothing_open(lua: Lua) -> None:
    lua.put(every=10, overlap="skip")
    lua.tick(T)
    lua.jdel("a")
    assert lua.client.keys(f"{lua.keys.tag}:open:*") == []
    lua.ids()


# Jitter


def test_jitter_delays_a_run_by_a_fixed_amount(lua: Lua) -> None:
    waits = []
    for _ in range(2):
        lua.put(every=1000, jitter=100)
        lua.tick(T)
        ((ticket, at),) = lua.client.zrange(f"{lua.keys.tag}:delayed", 0, -1, withscores=True)
        waits.append(at - MS)
        assert ticket.startswith(f"a@{MS}#")
        lua.tick((at - 1) / 1000)
        assert lua.ids() == []
        lua.tick(at / 1000)
        assert lua.ids() == [f"a@{MS}"]
        lua.reset()
    assert waits[0] == waits[1]
    assert 0 <= waits[0] <= 100_000


def test_jitter_spreads_jobs_and_runs(lua: Lua) -> None:
    for number in range(200):
        lua.put(f"job-{number}", every=1000, jitter=100)
    lua.tick(T)
    waits = [at - MS for _, at in lua.client.zrange(f"{lua.keys.tag}:delayed", 0, -1, withscores=True)]
    assert min(waits) >= 0 and max(waits) <= 100_000
    assert len(set(waits)) > 150 and min(waits) < 20_000 and max(waits) > 80_000
    lua.tick(T + 100)
    assert len(lua.ids()) == 200


def test_the_next_run_is_not_moved_by_jitter(lua: Lua) -> None:
    lua.put(every=10, jitter=60)
    lua.tick(T)
    assert lua.jnext("a", count=2) == [MS + 10_000, MS + 20_000]
    lua.tick(T + 100)
    lua.tick(T + 200)
    lua.ids()


# Options


def test_rules_are_shown(lua: Lua) -> None:
    options = {"misfire": "all", "grace": 90, "overlap": "queue", "jitter": 5}
    lua.put(every=10, **options)
    shown = lua.job()
    assert {name: shown[name] for name in options} == options
    lua.put(every=10, misfire="coalesce", overlap="allow")
    assert not {"misfire", "overlap", "grace", "jitter"} & set(lua.job())


def test_changing_rules_keeps_the_run_times(lua: Lua) -> None:
    lua.put(every=10, repeat=9)
    lua.tick(T)
    lua.put(every=10, repeat=9, overlap="skip", misfire="all", now=T + 3)
    assert (lua.jnext("a"), lua.job()["left"]) == ([MS + 10_000], 8)
    lua.ids()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"every": 5, "misfire": "some"}, "^misfire: expected coalesce, skip or all, got 'some'$"),
        ({"every": 5, "overlap": "never"}, "^overlap: expected allow, skip, queue or replace, got 'never'$"),
        (
            {"every": 5, "overlap": "skip", "policy": "none"},
            "^overlap: skip cannot be combined with policy none",
        ),
        (
            {"every": 5, "overlap": "queue", "concurrency": 2},
            "^concurrency: expected 1 with overlap queue, got",
        ),
        (
            {"every": 5, "grace": "soon"},
            "^grace: expected a duration such as 90, 1h30m or PT1H30M, got 'soon'",
        ),
        (
            {"every": 5, "jitter": "some"},
            "^jitter: expected a duration such as 90, 1h30m or PT1H30M, got 'some'",
        ),
        ({"at": T, "jitter": 5}, "^jitter: needs every or cron"),
        ({"overlap": "skip"}, "^overlap: needs every or cron"),
    ],
)
def test_contradictory_options_are_rejected(lua: Lua, options: dict[str, Any], says: str) -> None:
    pairs = [part for pair in options.items() for part in pair]
    lua.refuses(OptionError, says, "JSET", "a", "echo", "x", *pairs)
