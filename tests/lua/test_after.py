"""Jobs that run when others have ended: after, on, join; JWHEN."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs_core.errors import OptionError, StaleError
from tests.lua.helpers import MS, Lua, T


@pytest.fixture
def family(lua: Lua) -> Lua:
    """Parents a and b, on the queue `echo`."""
    for id in "ab":
        lua.put(id)
    return lua


def child(lua: Lua, id: str = "c", after: str = "a,b", **options: Any) -> None:
    lua.put(id, "child", after=after, queue="children", **options)


def end(lua: Lua, id: str, verb: str = "done", *, now: float = T, **options: Any) -> str:
    """Run a job now, and report its task."""
    lua.jpush(id, now=now)
    (task,) = [task for task in lua.take(lease=30, now=now) if task["job"] == id]
    lua.jack(task["token"], verb, now=now, **options)
    return str(task["token"])


def runs(lua: Lua) -> list[str]:
    return lua.ids("children")


def when(lua: Lua, id: str = "c") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lua.jwhen(id)[0])
    return found


def test_a_job_runs_when_all_parents_have_succeeded(family: Lua) -> None:
    child(family)
    end(family, "a")
    assert runs(family) == []
    end(family, "b", now=T + 5)
    assert runs(family) == [f"c@{MS + 5000}-f1"]
    assert family.adds_up()


def test_the_run_is_an_ordinary_task(family: Lua) -> None:
    child(family, after="a", priority=5, timeout=60)
    end(family, "a")
    (task,) = family.take("children", lease=30)
    assert (task["job"], task["payload"], task["due"], task["attempt"]) == ("c", "child", MS, 1)
    parent = {"job": "a", "task": f"a@{MS}-1", "outcome": "done"}
    assert json.loads(task["options"]) == {"timeout": 60, "parents": [parent]}
    family.jack(task["token"], "done")
    assert family.ledger("c") == {"done": 1}


def test_one_parent_ending_twice_does_not_complete_the_set(family: Lua) -> None:
    child(family)
    end(family, "a")
    end(family, "a")
    assert runs(family) == []


def test_a_job_waits_again_after_each_run(family: Lua) -> None:
    child(family)
    for _ in range(3):
        end(family, "a")
        end(family, "b")
        assert len(runs(family)) == 1
    end(family, "b")
    assert runs(family) == []


def test_join_any_runs_after_each_parent(family: Lua) -> None:
    child(family, join="any")
    end(family, "b")
    end(family, "a")
    assert len(runs(family)) == 2


@pytest.mark.parametrize(
    ("on", "verb", "follows"),
    [
        ("done", "done", True),
        ("done", "dead", False),
        ("done", "cancelled", False),
        ("dead", "done", False),
        ("dead", "dead", True),
        ("dead", "cancelled", False),
        ("end", "done", True),
        ("end", "dead", True),
        ("end", "cancelled", True),
    ],
)
def test_on_selects_the_ending(family: Lua, on: str, verb: str, follows: bool) -> None:
    child(family, after="a", on=on)
    end(family, "a", verb)
    assert bool(runs(family)) == follows


@pytest.mark.parametrize("verb", ["retry", "failed", "release", "accepted", "update"])
def test_a_retried_or_accepted_task_has_not_ended(family: Lua, verb: str) -> None:
    child(family, after="a", on="end")
    end(family, "a", verb)
    assert runs(family) == []


def test_a_task_lost_too_often_counts_as_dead(lua: Lua) -> None:
    lua.put("a", losses=1)
    child(lua, after="a", on="dead")
    lua.jpush("a", now=T)
    lua.take(lease=30)
    lua.tick(T + 60)
    assert runs(lua) == [f"c@{MS + 60_000}-f1"]


def test_cancelling_a_waiting_task_is_an_end(family: Lua) -> None:
    child(family, after="a", on="end")
    task = family.jpush("a", now=T)
    family.jcancel(task)
    assert len(runs(family)) == 1


def test_a_revived_dead_letter_that_succeeds_runs_the_dependent(family: Lua) -> None:
    child(family, after="a")
    ticket = end(family, "a", "dead")
    family.jdead("retry", ticket)
    family.jack(family.held()["token"], "done", now=T)
    assert len(runs(family)) == 1


def test_a_stale_report_starts_nothing(family: Lua) -> None:
    child(family, after="a")
    token = end(family, "a")
    with pytest.raises(StaleError):
        family.jack(token, "done")
    assert len(runs(family)) == 1


def test_a_pushed_dependent_then_waits_again(family: Lua) -> None:
    child(family)
    end(family, "a")
    family.jpush("c", now=T)
    assert len(runs(family)) == 1
    assert "met" not in when(family)


def test_a_chain_runs_to_its_end(lua: Lua) -> None:
    lua.put("a")
    for id, parent in ("ba", "cb", "dc"):
        lua.put(id, after=parent)
    lua.jpush("a", now=T)
    ran = []
    while found := lua.take(lease=30):
        ran += [task["job"] for task in found]
        lua.jack(found[0]["token"], "done", now=T)
    assert ran == ["a", "b", "c", "d"]


def test_scheduled_parents_run_dependents_too(lua: Lua) -> None:
    lua.put("a", every=60)
    child(lua, after="a")
    for minute in range(3):
        lua.tick(T + 60 * minute)
        lua.jack(lua.held(now=T + 60 * minute)["token"], "done", now=T + 60 * minute)
    assert len(runs(lua)) == 3


def test_a_chain_as_in_chronos(lua: Lua) -> None:
    lua.put("satellite", every="R/2023-11-14T22:13:20Z/PT2M")
    lua.put("processor", after="satellite")
    lua.put("archive", after="processor,satellite")
    for minute in range(0, 6, 2):
        lua.tick(T + 60 * minute)
        for job in ("satellite", "processor", "archive"):
            task = lua.held(now=T + 60 * minute)
            assert task["job"] == job
            lua.jack(task["token"], "done", now=T + 60 * minute)
    assert lua.stats()["done"] == 9


def test_repeat_ends_a_dependent(family: Lua) -> None:
    child(family, after="a", repeat=2)
    for _ in range(4):
        end(family, "a")
    assert len(runs(family)) == 2
    assert family.job("c")["state"] == "ended"


def test_start_and_stop_bound_a_dependent(family: Lua) -> None:
    child(family, after="a", start=T + 10, stop=T + 20)
    for now in (T + 9, T + 10, T + 20, T + 21):
        end(family, "a", now=now)
    assert runs(family) == [f"c@{MS + 10_000}-f1", f"c@{MS + 20_000}-f2"]


def test_a_paused_job_waits_for_nothing(family: Lua) -> None:
    child(family, after="a")
    family.jpause("c")
    end(family, "a")
    family.jresume("c")
    assert runs(family) == []
    end(family, "a")
    assert len(runs(family)) == 1


def test_overlap_applies_to_dependents(family: Lua) -> None:
    child(family, after="a", overlap="skip")
    end(family, "a")
    end(family, "a")
    assert len(runs(family)) == 1
    assert family.ledger("c")["skipped"] == 1
    assert family.adds_up()


def test_many_dependents_run_over_several_ticks(lua: Lua) -> None:
    lua.put("a")
    ids = [f"c{number:03d}" for number in range(250)]
    for id in ids:
        child(lua, id, after="a")
    lua.forget_wakes()
    end(lua, "a")
    assert "wake" in lua.wakes()
    assert lua.jtick(now=T)[1] == MS
    while lua.jtick(now=T)[1]:
        pass
    assert [task.partition("@")[0] for task in runs(lua)] == ids
    assert lua.adds_up()


def test_dependents_with_large_payloads_run_over_more_ticks(lua: Lua) -> None:
    lua.put("a")
    for id in "cdefg":
        lua.put(id, 600_000 * "x", after="a", queue="children")
    end(lua, "a")
    assert len(runs(lua)) == 2
    assert lua.jtick(now=T)[1] == MS
    assert len(runs(lua)) == 2
    lua.tick()
    assert len(runs(lua)) == 1
    assert lua.adds_up()


def test_one_script_starts_at_most_a_hundred_dependents(lua: Lua) -> None:
    for parent in range(20):
        lua.put(f"p{parent}", losses=1)
        for number in range(10):
            child(lua, f"p{parent}.{number}", after=f"p{parent}", on="end")
    for parent in range(20):
        lua.jpush(f"p{parent}")
    tokens = [task["token"] for task in lua.take(count=10, lease="1d")]
    lua.jmack(*(word for token in tokens for word in (4, token, "done", "now", T)))
    started = [len(runs(lua))]
    lua.take(count=10, lease=30)
    lua.keep_ticking(T + 60)
    for _ in range(3):
        lua.jtick(now=T + 60)  # ten leases have expired
        started.append(len(runs(lua)))
    assert sum(started) == 200
    assert max(started) <= 100
    assert min(started[:2]) > 80


def test_payloads_of_many_endings_count_together(lua: Lua) -> None:
    for parent in "ab":
        lua.put(parent)
        for number in range(5):
            lua.put(f"{parent}{number}", 300_000 * "x", after=parent, queue="children")
        lua.jpush(parent)
    tokens = [task["token"] for task in lua.take(count=2, lease=30)]
    lua.jmack(*(word for token in tokens for word in (4, token, "done", "now", T)))
    assert len(runs(lua)) == 4
    while lua.jtick()[1] == MS:
        pass
    assert len(runs(lua)) == 6


def test_dependents_are_judged_by_the_time_of_the_ending(lua: Lua) -> None:
    lua.put("a")
    for number in range(150):
        child(lua, f"c{number:03d}", after="a", stop=T + 1)
    end(lua, "a", now=T)
    lua.put("d", after="a", queue="children", now=T + 1)
    lua.tick(T + 2)
    assert [task.partition("-")[0] for task in runs(lua)] == [f"c{number:03d}@{MS}" for number in range(150)]


def test_a_pushed_run_and_a_dependent_run_have_distinct_ids(family: Lua) -> None:
    child(family, after="a")
    family.jpush("c")
    end(family, "a")
    assert runs(family) == [f"c@{MS}-1", f"c@{MS}-f1"]


def test_next_is_not_restored_for_a_dependent(family: Lua) -> None:
    assert family.put("c", after="a", next=T + 5) == 0
    assert family.tick(T + 5) == 0


def test_a_removed_job_no_longer_waits_but_can_still_be_a_parent(family: Lua) -> None:
    child(family)
    end(family, "a")
    family.jdel("c")
    end(family, "b")
    assert runs(family) == []
    assert family.size("after", "a") == family.size("met", "c") == 0
    child(family)
    family.jdel("a")
    assert when(family)["missing"] == ["a"]
    family.put("a")
    end(family, "a")
    end(family, "b")
    assert len(runs(family)) == 1


def test_an_update_keeps_ended_parents_that_are_still_required(family: Lua) -> None:
    family.put("x")
    child(family)
    end(family, "a")
    end(family, "b")
    runs(family)
    end(family, "a")
    child(family, after="a,x")
    assert when(family)["met"] == ["a"]
    end(family, "b")
    end(family, "x")
    assert len(runs(family)) == 1


def test_an_update_with_a_schedule_ends_the_waiting(family: Lua) -> None:
    child(family, after="a")
    family.put("c", every=60, queue="children")
    end(family, "a")
    assert runs(family) == []
    assert "after" not in family.job("c")
    assert when(family) == {"id": "c"}


def test_jget_shows_it_as_it_was_put(family: Lua) -> None:
    child(family, after=" b , a,b", on="dead", join="any", repeat=3)
    found = family.job("c")
    assert found["after"] == ["b", "a"]
    assert (found["on"], found["join"], found["state"], found["left"]) == ("dead", "any", "waiting", 3)
    assert "next" not in found


def test_jwhen_says_what_a_job_waits_for_and_what_waits_for_it(family: Lua) -> None:
    child(family)
    child(family, "d", after="c,gone", join="any", on="end")
    end(family, "b")
    assert when(family) == {
        "id": "c",
        "after": ["a", "b"],
        "on": "done",
        "join": "all",
        "met": ["b"],
        "parents": [{"job": "b", "task": f"b@{MS}-1", "outcome": "done", "time": T}],
        "followed_by": ["d"],
    }
    assert when(family, "d") == {
        "id": "d",
        "after": ["c", "gone"],
        "on": "end",
        "join": "any",
        "missing": ["gone"],
    }
    assert when(family, "a") == {"id": "a", "followed_by": ["c"]}
    assert family.jwhen("nobody", "a")[0] is None


def test_jnext_has_no_times_for_a_dependent(family: Lua) -> None:
    child(family)
    assert family.jnext("c") == []
    assert family.jnext("-", after="a") == []


def test_a_cycle_is_refused_and_named(lua: Lua) -> None:
    put = ("JSET", "a", "echo", "x", "now", T, "after")
    lua.refuses(OptionError, "^after: expected no cycle, got a after a$", *put, "a")
    lua.put("b", after="a")
    lua.put("c", after="x,b")
    lua.refuses(OptionError, "^after: expected no cycle, got a after b after a$", *put, "b")
    lua.refuses(OptionError, "^after: expected no cycle, got a after c after b after a$", *put, "y,c")


def test_a_diamond_is_not_a_cycle(lua: Lua) -> None:
    for id, after in (("b", "a"), ("c", "a"), ("d", "b,c"), ("a", "z")):
        lua.put(id, after=after)
    assert lua.job("d")["after"] == ["b", "c"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"after": "a b"}, "expected a job id of 1 to 256 bytes"),
        ({"after": "a,,b"}, "expected a job id of 1 to 256 bytes"),
        ({"after": ""}, "expected a job id of 1 to 256 bytes"),
        ({"after": ",".join(f"j{n}" for n in range(101))}, "after: expected at most 100 jobs, got"),
        ({"after": "a", "on": "fail"}, "on: expected done, dead or end, got 'fail'"),
        ({"after": "a", "join": "one"}, "join: expected all or any, got 'one'"),
        ({"on": "dead"}, "on: needs after"),
        ({"join": "any", "every": 5}, "join: needs after"),
        ({"after": "a", "jitter": 5}, "jitter: cannot be combined with after"),
        ({"after": "a", "every": 5, "jitter": 5}, "jitter: cannot be combined with after"),
        ({"after": "a", "every": 5, "misfire": "all"}, "misfire: expected coalesce or skip with after"),
        ({"after": "a", "grace": 5}, "grace: cannot be combined with after, unless the job also has a time"),
        ({"after": "a", "deadline": 5}, "deadline: needs a time, beside after: every, cron or at"),
        ({"every": 5, "deadline": 5}, "deadline: needs after"),
        ({"every": 5, "at-deadline": "run"}, "at-deadline: needs after"),
        ({"after": "a", "every": 5, "deadline": "soon"}, "deadline: expected a duration"),
        ({"after": "a", "every": 5, "at-deadline": "go"}, "at-deadline: expected skip or run, got 'go'"),
    ],
)
def test_invalid_options_are_rejected(lua: Lua, options: dict[str, Any], says: str) -> None:
    pairs = [part for pair in options.items() for part in pair]
    lua.refuses(OptionError, says, "JSET", "c", "echo", "x", "now", T, *pairs)


def test_a_long_cycle_is_abbreviated(lua: Lua) -> None:
    lua.put("j0")
    for number in range(1, 30):
        lua.put(f"j{number}", after=f"j{number - 1}")
    with pytest.raises(
        OptionError, match=r"^after: expected no cycle, got j0 after j29 after j28 after"
    ) as caught:
        lua.put("j0", after="j29")
    assert str(caught.value).endswith("after j23 after … (21 more) … after j0")


def test_an_overlong_chain_is_rejected(lua: Lua) -> None:
    lua.put("j0")
    for number in range(1, 5002):
        lua.put(f"j{number}", after=f"j{number - 1}")
    lua.put("waits", after="first")
    with pytest.raises(OptionError, match="after: expected a chain of at most 5000 jobs"):
        lua.put("first", after="j5001")
    assert lua.jget("first") == [None]
