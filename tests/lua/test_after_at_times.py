"""Jobs with both a time and parents: each occurrence waits for the parents, up to a deadline."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lua.helpers import MS, Lua, T
from tests.lua.test_after import end, runs, when

DAY = 86_400


@pytest.fixture
def load(lua: Lua) -> Lua:
    """The parents a and b."""
    for id in "ab":
        lua.put(id)
    return lua


def child(lua: Lua, id: str = "c", **options: Any) -> int:
    """Put a job that is due at T, and daily from then on, after the job a."""
    given = {"after": "a", "every": DAY, "start": T, "queue": "children"} | options
    return int(lua.jset(id, "child", "x", **{"now": T - 100} | given))


def parents(lua: Lua) -> list[str]:
    """The parents of the next run."""
    (task,) = lua.take("children", lease=30)
    return [one["task"] for one in json.loads(task["options"] or "{}").get("parents", [])]


def notes(lua: Lua) -> list[tuple[str, str, str]]:
    """The skipped and coalesced occurrences in the history."""
    entries = [fields for _, fields in lua.client.xrange(lua.keys.history)]
    return [
        (one["what"], one["task"], one["note"]) for one in entries if one["what"] in ("skipped", "coalesced")
    ]


def test_an_occurrence_whose_parents_have_ended_is_queued_at_its_time(load: Lua) -> None:
    assert child(load) == MS
    end(load, "a", now=T - 50)
    assert runs(load) == []
    load.tick(T)
    assert parents(load) == [f"a@{MS - 50_000}-1"]
    assert load.ledger("c") == {} and load.adds_up()


def test_an_occurrence_waits_for_its_parents(load: Lua) -> None:
    child(load, after="a,b")
    end(load, "a", now=T - 50)
    load.tick(T)
    assert runs(load) == [] and load.job("c")["state"] == "waiting"
    assert load.stats()["waiting"] == 1
    end(load, "b", now=T + 60)
    assert runs(load) == [f"c@{MS}"]
    assert load.job("c")["state"] == "scheduled" and load.stats()["waiting"] == 0 and load.adds_up()


def test_an_ending_counts_for_one_occurrence(load: Lua) -> None:
    child(load)
    load.tick(T)
    end(load, "a", now=T + 60)
    assert runs(load) == [f"c@{MS}"]
    load.tick(T + DAY)
    assert runs(load) == []


def test_without_a_deadline_the_next_occurrence_ends_the_wait(load: Lua) -> None:
    child(load)
    load.tick(T)
    load.tick(T + DAY - 1)
    assert notes(load) == []
    load.tick(T + DAY)
    assert notes(load) == [("skipped", f"c@{MS}", "parents")]
    assert load.ledger("c") == {"skipped": 1} and load.adds_up()
    end(load, "a", now=T + DAY + 5)
    assert runs(load) == [f"c@{MS + DAY * 1000}"]


def test_at_the_deadline_an_occurrence_is_skipped(load: Lua) -> None:
    child(load, deadline="1h")
    load.tick(T)
    load.tick(T + 3599)
    assert load.stats()["waiting"] == 1
    load.tick(T + 3600)
    assert (notes(load), load.stats()["waiting"]) == ([("skipped", f"c@{MS}", "parents")], 0)
    end(load, "a", now=T + 4000)
    assert runs(load) == [] and load.adds_up()


def test_an_ending_after_the_deadline_counts_for_the_next_occurrence(load: Lua) -> None:
    child(load, deadline="1h", after="a,b")
    end(load, "b", now=T - 50)
    load.tick(T)
    load.tick(T + 3600)
    end(load, "a", now=T + 4000)
    load.tick(T + DAY)
    assert runs(load) == [], "b ended before the previous occurrence"
    end(load, "b", now=T + DAY + 5)
    assert runs(load) == [f"c@{MS + DAY * 1000}"]


def test_at_the_deadline_an_occurrence_may_run_all_the_same(load: Lua) -> None:
    child(load, after="a,b", deadline="1h", **{"at-deadline": "run"})
    end(load, "b", now=T - 50)
    load.tick(T)
    assert load.tick(T + 3600) == 1
    assert parents(load) == [f"b@{MS - 50_000}-1"]
    assert load.adds_up()


def test_a_deadline_of_0_asks_only_at_the_time_itself(load: Lua) -> None:
    child(load, deadline=0)
    load.tick(T)
    assert notes(load) == [("skipped", f"c@{MS}", "parents")] and load.adds_up()


def test_a_tick_says_when_the_next_deadline_is(load: Lua) -> None:
    child(load, deadline="1h")
    assert load.jtick(now=T)[1] == MS + 3_600_000
    load.put("d", at=T, after="a")
    assert load.jtick(now=T)[1] == MS + 3_600_000


def test_a_single_run_waits_without_end(load: Lua) -> None:
    load.jset("c", "child", "x", at=T, after="a", queue="children", now=T - 9)
    load.tick(T)
    assert load.job("c")["state"] == "waiting" and load.jtick(now=T + 9 * DAY)[1] == 0
    end(load, "a", now=T + 9 * DAY)
    assert runs(load) == [f"c@{MS}"] and load.job("c")["state"] == "ended"
    assert load.adds_up()


def test_with_any_one_parent_is_enough(load: Lua) -> None:
    child(load, after="a,b", join="any")
    end(load, "b", now=T - 1)
    assert runs(load) == []
    load.tick(T)
    assert runs(load) == [f"c@{MS}"]


def test_on_selects_the_ending(load: Lua) -> None:
    child(load, on="dead")
    load.tick(T)
    end(load, "a", "done")
    assert runs(load) == []
    end(load, "a", "dead")
    assert runs(load) == [f"c@{MS}"]


def test_late_occurrences_are_coalesced_into_the_one_that_waits(load: Lua) -> None:
    child(load)
    load.tick(T + 2 * DAY + 5)
    assert notes(load) == [("coalesced", f"c@{MS}", "late")]
    assert when(load)["waiting"]["deadline"] == T + 3 * DAY
    end(load, "a", now=T + 2 * DAY + 9)
    assert runs(load) == [f"c@{MS}"]
    assert load.ledger("c")["coalesced"] == 2 and load.adds_up()


def test_occurrences_that_are_too_late_do_not_wait(load: Lua) -> None:
    child(load, misfire="skip")
    load.tick(T + 3600)
    assert notes(load) == [("skipped", f"c@{MS}", "late")] and load.stats()["waiting"] == 0


def test_repeat_counts_runs_not_occurrences(load: Lua) -> None:
    child(load, repeat=1)
    load.tick(T)
    load.tick(T + DAY)
    assert load.job("c")["left"] == 1
    end(load, "a", now=T + DAY + 5)
    assert runs(load) == [f"c@{MS + DAY * 1000}"]
    assert (load.job("c")["state"], load.job("c")["left"]) == ("ended", 0)
    load.tick(T + 2 * DAY)
    assert load.stats()["waiting"] == 0 and load.adds_up()


def test_nothing_waits_beyond_stop(load: Lua) -> None:
    child(load, stop=T + 600)
    load.tick(T)
    assert when(load)["waiting"]["deadline"] == T + 600
    load.tick(T + 600)
    assert notes(load) == [("skipped", f"c@{MS}", "parents")]
    assert load.job("c")["state"] == "ended" and load.adds_up()


def test_overlap_counts_when_the_wait_ends(load: Lua) -> None:
    child(load, overlap="skip")
    load.tick(T)
    load.jpush("c", now=T)
    end(load, "a", now=T + 60)
    assert runs(load) == [f"c@{MS}-1"]
    assert notes(load) == [("skipped", f"c@{MS}", "overlap")] and load.adds_up()


def test_a_full_queue_skips_the_occurrence(load: Lua) -> None:
    child(load)
    load.call("JLIMIT", "queue", "children", "max-length", "1")
    load.tick(T)
    load.push(queue="children")
    end(load, "a", now=T + 60)
    assert notes(load) == [("skipped", f"c@{MS}", "full")] and load.adds_up()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("JPAUSE", "c"), "paused"),
        (("JDEL", "c"), "removed"),
        (("JSET", "c", "child", "x", "every", 60, "after", "a", "now", T + 5), "changed"),
        (("JSET", "c", "child", "x", "every", DAY, "start", T, "after", "b", "now", T + 5), "changed"),
        (("JSET", "c", "child", "x", "now", T + 5), "changed"),
        (("JEDIT", "c", "after", "", "now", T + 5), "changed"),
    ],
)
def test_a_change_ends_the_wait_and_is_accounted(load: Lua, command: tuple[Any, ...], why: str) -> None:
    child(load)
    load.tick(T)
    load.call(*command)
    assert notes(load) == [("skipped", f"c@{MS}", why)]
    assert load.stats()["waiting"] == 0 and load.adds_up()
    end(load, "a", now=T + 60)
    assert runs(load) == []


def test_putting_the_same_again_keeps_the_wait_and_the_parents(load: Lua) -> None:
    child(load, after="a,b", timeout=5)
    end(load, "b", now=T - 50)
    load.tick(T)
    child(load, after="a,b", timeout=9, now=T + 5)
    end(load, "a", now=T + 60)
    assert runs(load) == [f"c@{MS}"]


def test_another_deadline_moves_the_one_of_the_run_that_waits(load: Lua) -> None:
    child(load, deadline="1h")
    load.tick(T)
    load.jedit("c", deadline="2h", now=T + 5)
    load.tick(T + 3600)
    assert load.stats()["waiting"] == 1
    load.jedit("c", deadline="", now=T + 3601)
    assert when(load)["waiting"]["deadline"] == T + DAY


def test_endings_before_and_during_a_pause_do_not_count(load: Lua) -> None:
    child(load)
    end(load, "a", now=T - 50)
    load.jpause("c")
    end(load, "a", now=T - 40)
    load.jresume("c", now=T - 30)
    load.tick(T)
    assert runs(load) == [] and load.stats()["waiting"] == 1


def test_an_edit_of_the_time_keeps_the_parents_of_a_job_with_both(load: Lua) -> None:
    child(load, deadline="1h", on="end")
    load.jedit("c", cron="30 8 * * *", now=T - 50)
    found = load.job("c")
    assert (found["cron"], found["after"], found["on"], found["deadline"]) == (
        "30 8 * * *",
        ["a"],
        "end",
        3600,
    )
    load.jedit("c", cron="", now=T - 40)
    found = load.job("c")
    assert (found["state"], "deadline" in found, found["after"]) == ("waiting", False, ["a"])


def test_pushing_such_a_job_does_not_use_up_its_parents(load: Lua) -> None:
    child(load)
    end(load, "a", now=T - 50)
    load.jpush("c", now=T - 40)
    load.tick(T)
    assert len(runs(load)) == 2


def test_jwhen_says_what_an_occurrence_waits_for(load: Lua) -> None:
    child(load, after="a,b", deadline="1h", **{"at-deadline": "run"})
    end(load, "a", note="fine", now=T - 50)
    load.tick(T)
    found = when(load)
    assert found["met"] == ["a"]
    assert found["parents"] == [
        {"job": "a", "task": f"a@{MS - 50_000}-1", "outcome": "done", "note": "fine", "time": T - 50}
    ]
    assert found["waiting"] == {"task": f"c@{MS}", "due": T, "deadline": T + 3600, "at-deadline": "run"}


def test_one_tick_ends_a_bounded_number_of_waits(load: Lua) -> None:
    for n in range(150):
        child(load, f"c{n}", deadline=60)
    load.tick(T)
    assert load.stats()["waiting"] == 150
    load.tick(T + 60)
    assert load.stats()["waiting"] == 50
    load.tick(T + 60)
    assert load.stats()["waiting"] == 0 and load.stats()["skipped"] == 150 and load.adds_up()


def test_such_a_job_counts_in_a_cycle(load: Lua) -> None:
    child(load)
    with pytest.raises(Exception, match="expected no cycle, got a after c after a"):
        load.put("a", every=60, after="c")


def test_a_dump_restores_it(load: Lua) -> None:
    child(load, deadline="1h", **{"at-deadline": "run"})
    before = load.job("c")
    dumped = {name: value for name, value in before.items() if name not in ("state", "etag")}
    load.jdel("c")
    load.board.put_many([dumped]).__next__()
    assert {**load.job("c"), "state": None} == {**before, "state": None}


def test_ended_jobs_that_waited_are_removed_in_time(load: Lua) -> None:
    load.call("JRETAIN", "expire-ended", 60)
    load.jset("c", "child", "x", at=T, after="a", queue="children", now=T - 9)
    load.tick(T)
    load.tick(T + 100)
    assert load.job("c")["state"] == "waiting"
    end(load, "a", now=T + 200)
    load.tick(T + 300)
    assert load.jget("c") == [None]
