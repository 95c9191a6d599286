"""The runs that a board keeps of each job: JRUNS and JSUMMARY."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from jobs_core import NotFoundError, OptionError
from tests.lua.helpers import MS, Lua, T


def runs(lua: Lua, id: str = "a", **options: Any) -> list[dict[str, Any]]:
    return [json.loads(text) for text in lua.jruns(id, **options)]


def summary(lua: Lua, id: str = "a") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lua.jsummary(id)[0])
    return found


def failing(lua: Lua) -> dict[str, float]:
    return dict(lua.client.zrange(f"{lua.keys.tag}:failing", 0, -1, withscores=True))


def run(lua: Lua, verb: str = "done", at: int = T, took: int = 2, id: str = "a", **options: Any) -> str:
    """Push a job, and report its task. Returns the task's id."""
    lua.jpush(id, now=at)
    task = lua.held(now=at, worker="w")
    lua.jack(task["token"], verb, now=at + took, **options)
    return str(task["id"])


def pushed(lua: Lua, at: int) -> Any:
    """Push a one-off task. Returns it, leased."""
    lua.push(now=at)
    return lua.held(now=at)


def total(lua: Lua) -> int:
    """Check that the bytes of all records are counted. Returns them."""
    tag = lua.keys.tag
    names = {f"{tag}:runs:{job}" for job in lua.client.smembers(f"{tag}:runs")}
    assert names == set(lua.client.scan_iter(f"{tag}:runs:*"))
    counted = int(lua.client.hget(lua.keys.stats, "runs") or 0)
    assert counted == sum(map(lua.client.strlen, names))
    return counted


class TestOutcomes:
    def test_done(self, lua: Lua) -> None:
        lua.put(every=5)
        lua.tick(T)
        task = lua.held(now=T + 1, worker="w")
        lua.jack(task["token"], "done", now=T + 3.5)
        assert runs(lua) == [
            {
                **{"task": f"a@{MS}", "outcome": "done", "due": T, "started": T + 1, "ended": T + 3.5},
                **{"attempts": 1, "worker": "w"},
            }
        ]

    def test_done_in_a_batch_with_notes_and_several_runs_of_a_job(self, lua: Lua) -> None:
        for id in "ab":
            lua.put(id)
        for id in "aba":
            lua.jpush(id)
        calls: list[Any] = []
        for task in lua.take(count=3, lease=30, worker="w"):
            report = [task["token"], "done", "note", "exit\n0", "code", "0"]
            calls += [len(report), *report]
        lua.jmack(*calls)
        assert [run["task"] for run in runs(lua)] == [f"a@{MS}-3", f"a@{MS}-1"]
        assert {(run["note"], run["code"]) for run in runs(lua) + runs(lua, "b")} == {("exit 0", "0")}
        total(lua)

    def test_dead_has_its_attempts_and_what_was_said(self, lua: Lua) -> None:
        lua.put()
        lua.jpush("a")
        lua.jack(lua.held(worker="v")["token"], "retry")
        lua.jack(lua.held(now=T + 5, worker="w")["token"], "dead", code="1", note="no disk", now=T + 6)
        (found,) = runs(lua)
        assert (found["outcome"], found["attempts"], found["worker"]) == ("dead", 2, "w")
        assert (found["started"], found["ended"]) == (T + 5, T + 6)
        assert (found["code"], found["note"]) == ("1", "no disk")

    def test_cancelled_before_it_started_and_while_it_ran(self, lua: Lua) -> None:
        lua.put()
        lua.jcancel(lua.jpush("a"))
        (found,) = runs(lua)
        assert (found["outcome"], found["attempts"], "started" in found) == ("cancelled", 0, False)
        run(lua, "cancelled", note="told to stop")
        assert (runs(lua)[0]["started"], runs(lua)[0]["note"]) == (T, "told to stop")

    def test_lost_too_often(self, lua: Lua) -> None:
        lua.put(losses=1)
        lua.jpush("a")
        lua.held(worker="w")
        lua.tick(T + 31)
        (found,) = runs(lua)
        assert (found["outcome"], found["code"], found["started"]) == ("dead", "lost", T)

    def test_unleased(self, lua: Lua) -> None:
        lua.put(policy="none")
        lua.put("b")
        for id in "aab":
            lua.jpush(id)
        lua.take(count=3, worker="w", now=T + 2)
        first = {
            "task": f"a@{MS}-1",
            "outcome": "unleased",
            "due": T,
            "started": T + 2,
            "attempts": 1,
            "worker": "w",
        }
        assert runs(lua)[1] == first
        assert len(runs(lua, "b")) == 1
        assert not failing(lua)

    def test_a_one_off_task_has_none(self, lua: Lua) -> None:
        id = lua.push()
        lua.jack(lua.held()["token"], "done")
        lua.push()
        lua.take()
        lua.refuses(NotFoundError, "there is no job", "JRUNS", id.partition("@")[0])
        assert not lua.client.exists(f"{lua.keys.tag}:runs")

    def test_a_run_after_other_jobs_keeps_its_id(self, lua: Lua) -> None:
        lua.put()
        lua.put("b", after="a")
        run(lua, took=1)
        task = lua.held(now=T + 1)
        lua.jack(task["token"], "done", now=T + 2)
        assert runs(lua, "b")[0]["task"] == task["id"] == f"b@{MS + 1000}-f1"


class TestMissed:
    def test_coalesced(self, lua: Lua) -> None:
        lua.put(every=5)
        lua.tick(T + 12)
        assert runs(lua) == [
            {"outcome": "coalesced", "due": T, "through": T + 10, "count": 2, "reason": "late"}
        ]

    def test_skipped_ones_in_a_row_are_one_line(self, lua: Lua) -> None:
        lua.put(every=5, overlap="skip")
        for second in (0, 5, 10, 15):
            lua.tick(T + second)
        assert runs(lua) == [
            {"outcome": "skipped", "due": T + 5, "through": T + 15, "count": 3, "reason": "overlap"}
        ]
        lua.jack(lua.held(now=T + 16)["token"], "done", now=T + 16)
        assert [found["outcome"] for found in runs(lua)] == ["done", "skipped"]
        total(lua)

    def test_a_full_queue(self, lua: Lua) -> None:
        lua.jlimit("queue", "echo", "max-length", 1)
        lua.put(every=5)
        lua.tick(T)
        lua.tick(T + 5)
        assert runs(lua)[0] == {
            "outcome": "skipped",
            "due": T + 5,
            "through": T + 5,
            "count": 1,
            "reason": "full",
        }

    def test_a_dependent_that_overlaps(self, lua: Lua) -> None:
        lua.put()
        lua.put("b", after="a", overlap="skip")
        run(lua)
        lua.jpush("a")
        (b, a) = lua.take(count=2, lease=30)
        lua.jack(a["token"], "done", now=T + 4)
        assert b["job"] == "b"
        assert [(found["outcome"], found["due"]) for found in runs(lua, "b")] == [("skipped", T + 4)]


class TestBounds:
    def test_the_latest_are_kept(self, lua: Lua) -> None:
        lua.put()
        ids = [run(lua, at=T + second) for second in range(25)]
        assert [found["task"] for found in runs(lua)] == ids[:4:-1]
        assert [found["task"] for found in runs(lua, count=2)] == ids[:-3:-1]
        assert [found["task"] for found in runs(lua, task=ids[9])] == [ids[9]]
        found = summary(lua)
        assert (found["first"], found["dropped_through"], found["runs"]) == (T, T + 4, 20)
        total(lua)

    def test_a_lower_bound_drops_several(self, lua: Lua) -> None:
        lua.put()
        for second in range(5):
            run(lua, at=T + second)
        lua.jretain("runs", 2)
        run(lua, at=T + 5)
        assert [found["due"] for found in runs(lua)] == [T + 5, T + 4]
        assert summary(lua)["dropped_through"] == T + 3

    def test_a_job_keeps_as_many_as_it_says(self, lua: Lua) -> None:
        lua.put(history=3, every=5)
        lua.put("b", history=0)
        for second in range(5):
            run(lua, at=T + second)
        run(lua, id="b")
        assert len(runs(lua)) == 3
        assert runs(lua, "b") == []
        assert lua.job()["history"] == 3
        with pytest.raises(OptionError, match="history: expected at most 1000"):
            lua.put(history=1001)

    def test_off(self, lua: Lua) -> None:
        lua.put()
        lua.put("b", history=1)
        run(lua)
        lua.jretain("runs", "off")
        run(lua, "dead")
        run(lua, id="b")
        assert runs(lua) == []
        assert failing(lua) == {}
        assert len(runs(lua, "b")) == 1
        lua.tick()
        assert lua.client.smembers(f"{lua.keys.tag}:runs") == {"b"}
        total(lua)

    def test_records_shrink_to_their_share(self, lua: Lua) -> None:
        for id in "abcd":
            lua.put(id)
        for second in range(10):
            for id in "abcd":
                run(lua, at=T + second, id=id)
        before = total(lua)
        lua.jretain("runs-bytes", before // 2)
        for id in "abcd":
            run(lua, at=T + 20, id=id)
        assert total(lua) <= before // 2
        assert all(1 < len(runs(lua, id)) < 10 for id in "abcd")
        assert runs(lua)[0]["due"] == T + 20
        lua.jretain("runs-bytes", 1)
        run(lua, at=T + 30)
        assert [found["due"] for found in runs(lua)] == [T + 30]  # the last line stays

    def test_ticks_shrink_the_others(self, lua: Lua) -> None:
        lua.put()
        for second in range(10):
            run(lua, at=T + second)
        before = total(lua)
        lua.jretain("runs-bytes", before // 2)
        lua.tick(T + 20)
        assert total(lua) <= before // 2
        assert runs(lua)[0]["due"] == T + 9


def test_failures_in_a_row(lua: Lua) -> None:
    lua.put()
    run(lua)
    for second in range(1, 4):
        run(lua, "dead", at=T + second)
    run(lua, "cancelled", at=T + 5)
    assert failing(lua) == {"a": 3}
    assert (summary(lua)["failures"], summary(lua)["last_done"]) == (3, T + 2)
    run(lua, at=T + 6)
    assert failing(lua) == {}
    assert (summary(lua)["failures"], summary(lua)["last_done"]) == (0, T + 8)


def test_a_summary(lua: Lua) -> None:
    lua.put()
    for took in range(1, 21):
        run(lua, at=T + 100 * took, took=took)
    run(lua, "dead", at=T + 5000, took=90)
    found = summary(lua)
    assert found.pop("last")["outcome"] == "dead"
    assert found == {
        **{"id": "a", "runs": 20, "failures": 1, "last_done": T + 2020, "median": 11, "p95": 20},
        **{"first": T + 100, "dropped_through": T + 100},
    }
    assert lua.jsummary("a", "none")[1] is None


def test_a_removed_job_leaves_nothing(lua: Lua) -> None:
    lua.put()
    run(lua, "dead")
    lua.jpush("a")
    task = lua.held()
    lua.jdel("a")
    lua.jack(task["token"], "done")
    assert lua.jsummary("a") == [None]
    assert failing(lua) == {}
    assert total(lua) == 0
    lua.refuses(NotFoundError, "there is no job 'a'", "JRUNS", "a")


@pytest.mark.parametrize("bad", ["x\n", "kept\n", "done x\n", "\n", "kept - - - -\n\xff\n"])
def test_bad_lines_are_passed_over(lua: Lua, bad: str) -> None:
    lua.put()
    lua.client.set(f"{lua.keys.tag}:runs:a", bad * 100)
    run(lua)
    assert [found["outcome"] for found in runs(lua)] == ["done"]
    assert summary(lua)["runs"] == 1
    lua.put("b", every=5)
    lua.client.set(f"{lua.keys.tag}:runs:b", bad)
    lua.tick(T + 12)
    assert len(runs(lua, "b")) == 1


@pytest.mark.parametrize("verb", ["done", "dead"])
def test_a_record_of_another_kind_is_begun_anew(lua: Lua, verb: str) -> None:
    lua.put()
    lua.client.rpush(f"{lua.keys.tag}:runs:a", "x")
    assert runs(lua) == []
    run(lua, verb)
    assert [found["outcome"] for found in runs(lua)] == [verb]
    assert int(lua.client.hget(lua.keys.stats, "bad") or 0) == 1
    total(lua)


def test_what_is_known_of_all_runs_stays_when_the_oldest_are_dropped(lua: Lua) -> None:
    lua.put(history=3)
    chance = random.Random(1)
    failures, last_done = 0, None
    for second in range(0, 600, 6):
        verb = chance.choice(["done", "dead", "dead"])
        note = "x" * chance.choice([0, 150])
        run(lua, verb, at=T + second, note=note)
        failures = 0 if verb == "done" else failures + 1
        last_done = T + second + 2 if verb == "done" else last_done
        found = summary(lua)
        assert (found["failures"], found.get("last_done"), found["first"]) == (failures, last_done, T)
        assert found.get("dropped_through") == (T + second - 18 if second >= 18 else None)
        assert [one["due"] for one in runs(lua)] == [T + s for s in range(second, -1, -6)][:3]
    assert total(lua) < 4000


def test_what_held_a_task(lua: Lua) -> None:
    lua.put(concurrency=1)
    first, second = lua.jpush("a"), lua.jpush("a")
    task = lua.held(now=T + 1)
    assert lua.take(lease=30, now=T + 2) == []
    (held,) = lua.tasks(state="held")
    assert held["held"] == {"limit": "job:a", "since": T + 2, "by": [first]}
    lua.jack(task["token"], "done", now=T + 3)
    lua.jack(lua.held(now=T + 4)["token"], "done", now=T + 5)
    assert [(found["task"], found.get("held")) for found in runs(lua)] == [
        (second, {"limit": "job:a", "since": T + 2}), (first, None),
    ]  # fmt: skip
    assert not lua.client.exists(f"{lua.keys.tag}:holds")


def test_bad_arguments(lua: Lua) -> None:
    lua.refuses(OptionError, "JRUNS expects the id of a job", "JRUNS")
    lua.refuses(OptionError, "count: expected a whole number", "JRUNS", "a", "count", "0")
    lua.refuses(OptionError, "JSUMMARY expects at least one job id", "JSUMMARY")
    lua.refuses(OptionError, "JSUMMARY expects at least one job id", "JSUMMARY", "-", "only", "last")
    lua.refuses(OptionError, "only: expected last, got 'all'", "JSUMMARY", "a", "-", "only", "all")
    lua.refuses(OptionError, "every: unknown option", "JSUMMARY", "a", "-", "every", "5")


def test_a_summary_of_a_period(lua: Lua) -> None:
    lua.put(history=10)
    tasks = [run(lua, "dead", at=T, code="1"), run(lua, "done", at=T + 10)]
    tasks += [run(lua, "dead", at=T + 20, code="2"), run(lua, "cancelled", at=T + 30)]

    def period(start: float) -> dict[str, Any]:
        (text,) = lua.jsummary("a", "-", "from", start)
        found: dict[str, Any] = json.loads(text)["period"]
        return found

    found = period(T)
    assert {name: found[name] for name in ("done", "dead", "cancelled")} == {
        "done": 1,
        "dead": 2,
        "cancelled": 1,
    }
    assert (found["last_dead"]["task"], found["last_dead"]["code"]) == (tasks[2], "2")
    assert found["slowest"]["ended"] - found["slowest"]["started"] > 0
    assert "dead" not in period(T + 30)
    assert period(T + 1000) == {}
    assert "period" not in summary(lua)
    assert lua.jsummary("b", "-", "from", T) == [None]
    lua.refuses(OptionError, "from: cannot be combined", "JSUMMARY", "a", "-", "only", "last", "from", T)
    lua.refuses(OptionError, "from: ", "JSUMMARY", "a", "-", "from", "soon")


class TestOnlyLast:
    """What `only last` tells is what JSUMMARY tells without it, less what needs all lines."""

    @staticmethod
    def check(lua: Lua) -> dict[str, Any]:
        full = summary(lua)
        (text,) = lua.jsummary("a", "-", "only", "last")
        found: dict[str, Any] = json.loads(text)
        others = ("runs", "median", "p95", "first", "dropped_through")
        assert found == {name: value for name, value in full.items() if name not in others}
        return found

    @pytest.mark.parametrize("count", [1, 8, 9, 30])
    def test_after_runs(self, lua: Lua, count: int) -> None:
        lua.put()
        for number in range(count):
            last = run(lua, "dead" if number % 3 == 0 else "done", at=T + 10 * number, code="x")
        assert self.check(lua)["last"]["task"] == last

    @pytest.mark.parametrize("count", [3, 8])
    def test_after_occurrences_without_a_run(self, lua: Lua, count: int) -> None:
        lua.put(every=5)
        for number in range(count):
            last = run(lua, at=T - 100 + number)
        lua.tick(T + 12)
        assert runs(lua)[0]["outcome"] == "coalesced"
        assert self.check(lua)["last"]["task"] == last

    def test_before_the_first_run(self, lua: Lua) -> None:
        lua.put(every=5)
        assert lua.jsummary("a", "b", "-", "only", "last") == [None, None]
        lua.tick(T + 12)
        assert "last" not in self.check(lua)


def test_hours(lua: Lua) -> None:
    lua.put(every=5)
    lua.tick(T + 12)
    lua.jack(lua.held(now=T + 12)["token"], "done", now=T + 13)
    lua.jack(pushed(lua, T + 7200)["token"], "dead", now=T + 7200)
    hour = T // 3600 * 3600
    found = [json.loads(text) for text in lua.jhours()]
    assert found == [{"hour": hour, "done": 1, "coalesced": 2}, {"hour": hour + 7200, "dead": 1}]
    assert [json.loads(text)["hour"] for text in lua.jhours(**{"from": T + 7000})] == [hour + 7200]
    run_later = T + 9 * 86400
    lua.jack(pushed(lua, run_later)["token"], "dead", now=run_later)
    assert len(lua.jhours()) == 1


class TestGaps:
    @staticmethod
    def gaps(lua: Lua, **options: Any) -> list[tuple[str, float, float]]:
        found = [json.loads(text) for text in lua.jgaps(**options)]
        return [(gap["what"], gap["from"], gap["to"]) for gap in found]

    def test_nobody_ticked_while_something_was_due(self, lua: Lua) -> None:
        lua.put(every=60)
        for second in (0, 1, 61, 62, 120):
            lua.jtick(now=T + second)
        assert self.gaps(lua) == []
        lua.jtick(now=T + 200)
        assert self.gaps(lua) == [("idle", T + 180, T + 200)]
        lua.jtick(now=T + 201)
        lua.jtick(now=T + 1000)
        assert self.gaps(lua, **{"from": T + 300}) == [("idle", T + 240, T + 1000)]
        assert self.gaps(lua, to=T + 201) == [("idle", T + 180, T + 200)]

    def test_the_clock_went_back(self, lua: Lua) -> None:
        lua.put(every=5)
        lua.tick(T + 100)
        lua.tick(T)
        assert self.gaps(lua)[-1] == ("clock", T + 100, T)

    def test_the_last_thousand_are_kept(self, lua: Lua) -> None:
        lua.client.rpush(f"{lua.keys.tag}:gaps", *(f"idle {n} {n + 1}" for n in range(1000)))
        lua.put(every=5)
        lua.jtick(now=T)
        lua.jtick(now=T + 100)
        assert len(self.gaps(lua)) == 1000


@pytest.mark.parametrize("kept", [1, 5, 8, 9, 20])
def test_many_runs_of_a_job_in_one_report(lua: Lua, kept: int) -> None:
    lua.put(history=kept)
    ids = [lua.jpush("a", now=T + n) for n in range(60)]
    calls: list[Any] = []
    for task in lua.take(count=60, lease=30, worker="w", now=T + 60):
        calls += [2, task["token"], "done"]
    lua.jmack(*calls)
    assert [found["task"] for found in runs(lua)] == ids[: -kept - 1 : -1]
    assert summary(lua)["dropped_through"] == T + 59 - kept
    total(lua)


def test_trimmed_tasks_are_cancelled_runs(lua: Lua) -> None:
    lua.put(every=5)
    lua.tick(T)
    lua.jtrim("echo", 0)
    (run,) = runs(lua)
    assert (run["outcome"], run["task"], run["attempts"]) == ("cancelled", f"a@{MS}", 0)
    assert "started" not in run


def test_a_job_that_keeps_no_runs_forgets_those_before(lua: Lua) -> None:
    lua.put(every=5)
    lua.tick(T)
    lua.jack(lua.held()["token"], "dead")
    assert lua.client.zscore(f"{lua.keys.tag}:failing", "a") == 1
    lua.jedit("a", "history", 0)
    assert runs(lua) == []
    assert not lua.client.exists(f"{lua.keys.tag}:failing")


def test_a_job_may_ask_for_more_or_fewer_later(lua: Lua) -> None:
    lua.put()
    for second in range(30):
        run(lua, at=T + second)
    assert len(runs(lua)) == 20
    lua.jedit("a", "history", 5)
    assert len(runs(lua)) == 5
    lua.jedit("a", "history", 50)
    for second in range(30, 80):
        run(lua, at=T + second)
    assert len(runs(lua)) == 50
    lua.jedit("a", "history", "")
    assert len(runs(lua)) == 20
    total(lua)
