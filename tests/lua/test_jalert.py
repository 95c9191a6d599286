"""JALERT and JALERTS: rules that queue a task which tells somebody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from jobs_core import NotFoundError, OptionError
from tests.lua.helpers import Lua, T

Facts = dict[str, Any]


def alert(lua: Lua, when: str, name: str = "a1", **options: Any) -> None:
    """Put an alert whose tasks are for the runner `tell`."""
    lua.jalert("put", name, "tell", "ops", "when", when, **options)


def told(lua: Lua, **options: Any) -> list[Facts]:
    """Take the tasks of alerts, report them done, and return their facts."""
    found = []
    while tasks := lua.take("tell", count=100, lease=30, **options):
        for task in tasks:
            lua.jack(task["token"], "done", **options)
            found.append(json.loads(task["options"])["alert"] | {"id": task["id"]})
    return found


def kinds(facts: list[Facts]) -> list[tuple[str, str]]:
    return [(one["kind"], one["state"]) for one in facts]


def die(lua: Lua, id: str = "a", now: float = T) -> None:
    """Run a job, and give its task up."""
    lua.jpush(id, now=now)
    lua.jack(lua.held(now=now)["token"], "dead", code="3", note="exit 3", now=now)


def succeed(lua: Lua, id: str = "a", now: float = T) -> None:
    lua.jpush(id, now=now)
    lua.jack(lua.held(now=now)["token"], "done", now=now)


def tick_through(lua: Lua, begin: float, seconds: int) -> None:
    """Tick every second, as a clock does."""
    for second in range(seconds + 1):
        lua.tick(begin + second)


@pytest.fixture(autouse=True)
def balanced(lua: Lua) -> Iterator[None]:
    """The ledger adds up after each test: the tasks of alerts are tasks like any other."""
    yield
    assert lua.adds_up()


class TestEndings:
    def test_failed_is_told_once_when_enough_runs_in_a_row_have_failed(self, lua: Lua) -> None:
        lua.put(every=3600, start=T + 9e6)
        alert(lua, "failed 3")
        die(lua)
        die(lua)
        assert told(lua) == []
        die(lua, now=T + 9)
        (facts,) = told(lua, now=T + 9)
        assert facts["id"].startswith(f"alert:a1@{T + 9}000-")
        assert facts == {
            **{"alert": "a1", "kind": "failed", "value": "3", "state": "firing", "job": "a", "queue": "echo"},
            **{
                "task": facts["task"],
                "count": 3,
                "code": "3",
                "note": "exit 3",
                "attempts": 1,
            },
            **{"since": T + 9, "at": T + 9, "id": facts["id"]},
        }
        die(lua)
        assert told(lua) == []

    def test_the_end_of_failures_is_told_once_if_asked(self, lua: Lua) -> None:
        lua.put(every=3600, start=T + 9e6)
        alert(lua, "failed", recovery="yes")
        die(lua)
        succeed(lua, now=T + 60)
        succeed(lua, now=T + 61)
        assert kinds(told(lua)) == [("failed", "firing"), ("failed", "over")]
        die(lua)
        assert kinds(told(lua)) == [("failed", "firing")]

    def test_every_repeats_while_it_goes_on(self, lua: Lua) -> None:
        lua.put(every=3600, start=T + 9e6)
        alert(lua, "failed 2", every="1h")
        for minutes in (0, 10, 20, 70, 80, 130):
            die(lua, now=T + 60 * minutes)
        facts = told(lua, now=T + 8000)
        assert [(one["at"], one["count"]) for one in facts] == [(T + 600, 2), (T + 4200, 4), (T + 7800, 6)]
        assert [one.get("again") for one in facts] == [None, True, True]

    @pytest.mark.parametrize("history", [0, 20])
    def test_failures_count_whether_or_not_runs_are_kept(self, lua: Lua, history: int) -> None:
        lua.put(every=3600, start=T + 9e6, history=history)
        alert(lua, "failed 2, recovered")
        for end in (die, succeed, die, die, succeed):
            end(lua)
        assert kinds(told(lua)) == [("recovered", "firing"), ("failed", "firing"), ("recovered", "firing")]

    def test_an_attempt_that_is_tried_again_is_no_failed_run(self, lua: Lua) -> None:
        lua.put(every=3600, start=T + 9e6)
        alert(lua, "failed, dead")
        lua.jpush("a")
        for _ in range(4):
            lua.jack(lua.held()["token"], "retry")
        assert told(lua) == []
        lua.jack(lua.held()["token"], "done")
        assert told(lua) == []

    def test_dead_is_told_for_each_task_also_one_off_ones(self, lua: Lua) -> None:
        lua.put(every=3600, start=T + 9e6)
        alert(lua, "dead")
        die(lua)
        die(lua)
        lua.push()
        lua.jack(lua.held()["token"], "dead")
        assert [one["job"].partition(":")[0] for one in told(lua)] == ["a", "a", "push"]

    def test_dead_with_every_tells_how_many_more_there_were(self, lua: Lua) -> None:
        lua.put(every=3600, start=T + 9e6)
        alert(lua, "dead", every="1h")
        for minutes in (0, 1, 2, 61):
            die(lua, now=T + 60 * minutes)
        assert [one.get("more") for one in told(lua, now=T + 4000)] == [None, 2]

    def test_a_task_lost_too_often_is_told(self, lua: Lua) -> None:
        lua.put(every=3600, start=T + 9e6, losses=1)
        alert(lua, "dead")
        lua.jpush("a")
        lua.held()
        lua.tick(T + 31)
        (facts,) = told(lua, now=T + 31)
        assert facts["code"] == "lost"

    def test_done_is_told_also_of_many_reports_at_once(self, lua: Lua) -> None:
        lua.put(every=3600, start=T + 9e6)
        lua.put("b", every=3600, start=T + 9e6)
        alert(lua, "done", **{"for": "a"})
        for id in ("a", "b", "a"):
            lua.jpush(id)
        tokens = [task["token"] for task in lua.take(count=3, lease=30)]
        lua.jmack(*(word for token in tokens for word in (2, token, "done")))
        assert [(one["job"], one["kind"]) for one in told(lua)] == [("a", "done")] * 2

    def test_no_alert_is_about_an_alert(self, lua: Lua) -> None:
        alert(lua, "dead, failed, done, late 1s")
        lua.put(every=3600, start=T + 9e6)
        die(lua)
        for now in (T + 100, T + 200, T + 300):
            for task in lua.take("tell", count=9, lease=30, now=now):
                lua.jack(task["token"], "dead", now=now)
            lua.tick(now)
        assert lua.count()["dead"] == 3  # the run, and its two alerts
        assert lua.tasks(state="queued") == []


class TestOwn:
    """The options on-failure and on-success of a job."""

    def test_each_end_queues_its_task(self, lua: Lua) -> None:
        lua.put(
            every=3600, start=T + 9e6, **{"on-failure": "tell ops: help", "on-success": 'tell {"to": "log"}'}
        )
        die(lua)
        succeed(lua)
        die(lua)
        tasks = lua.take("tell", count=9)
        assert [task["payload"] for task in tasks] == ["ops: help", '{"to": "log"}', "ops: help"]
        assert [task["job"] for task in tasks] == [
            "alert:on-failure:a",
            "alert:on-success:a",
            "alert:on-failure:a",
        ]

    def test_many_reports_at_once(self, lua: Lua) -> None:
        lua.put(every=3600, start=T + 9e6, **{"on-success": "tell x"})
        for _ in range(3):
            lua.jpush("a")
        tokens = [task["token"] for task in lua.take(count=3, lease=30)]
        lua.jmack(*(word for token in tokens for word in (2, token, "done")))
        assert len(told(lua)) == 3

    @pytest.mark.parametrize("text", ["", " ops", "no/runner x"])
    def test_what_names_no_runner_is_refused(self, lua: Lua, text: str) -> None:
        lua.refuses(OptionError, "^on-failure: ", "JSET", "a", "echo", "x", "on-failure", text, "now", T)


class TestLateness:
    def test_a_task_that_waits_is_told_once_and_its_start_ends_it(self, lua: Lua) -> None:
        lua.put(every=3600, start=T)
        alert(lua, "late 10m", recovery="yes")
        tick_through(lua, T, 600)
        assert told(lua, now=T + 600) == []
        tick_through(lua, T + 601, 5)
        (facts,) = told(lua, now=T + 606)
        assert (facts["kind"], facts["job"], facts["task"], facts["since"]) == ("late", "a", f"a@{T}000", T)
        tick_through(lua, T + 607, 60)
        assert told(lua, now=T + 667) == []
        lua.held(now=T + 667)
        tick_through(lua, T + 668, 5)
        assert kinds(told(lua, now=T + 673)) == [("late", "over")]
        tick_through(lua, T + 674, 60)
        assert told(lua, now=T + 734) == []

    def test_what_starts_in_time_is_not_told(self, lua: Lua) -> None:
        lua.put(every=60, start=T)
        alert(lua, "late 10s, missed 10s")
        for minute in range(5):
            tick_through(lua, T + 60 * minute, 5)
            lua.jack(lua.held(now=T + 60 * minute + 5)["token"], "done", now=T + 60 * minute + 50)
            tick_through(lua, T + 60 * minute + 6, 53)
        assert told(lua, now=T + 300) == []

    def test_a_task_that_a_worker_takes_late_is_told(self, lua: Lua) -> None:
        """Nobody ticked, so no round found it."""
        lua.push(now=T)
        alert(lua, "late 10m")
        lua.held(now=T + 1000)
        assert kinds(told(lua, now=T + 1000)) == [("late", "firing")]

    def test_a_retry_is_not_late(self, lua: Lua) -> None:
        lua.push(now=T)
        lua.jack(lua.held()["token"], "retry")
        alert(lua, "late 10s")
        tick_through(lua, T + 1, 60)
        lua.held(now=T + 61)
        assert told(lua, now=T + 61) == []

    def test_a_task_held_by_a_limit_is_late(self, lua: Lua) -> None:
        lua.jlimit("queue", "other", concurrency=1)
        for _ in range(2):
            lua.jpush("echo", "x", queue="other", now=T)
        alert(lua, "late 10s")
        lua.take("other", count=2, lease=600)
        tick_through(lua, T + 1, 15)
        assert kinds(told(lua, now=T + 16)) == [("late", "firing")]

    def test_a_long_backlog_is_looked_at_in_steps(self, lua: Lua) -> None:
        alert(lua, "late 10s", burst=10000, **{"for": "queue:echo"}, recovery="yes")
        for _ in range(500):
            lua.push(now=T)
        tick_through(lua, T + 1, 30)
        facts = told(lua, now=T + 31)
        assert len(facts) == len({one["job"] for one in facts}) == 500
        lua.ids()
        tick_through(lua, T + 32, 30)
        assert [one["state"] for one in told(lua, now=T + 62)] == ["over"] * 500

    def test_an_outage_is_told_once_by_the_first_one_back(self, lua: Lua) -> None:
        lua.put(every=60, start=T)
        lua.put("b", every=60, start=T)
        alert(lua, "missed, behind", **{"for": "a"}, recovery="yes")
        tick_through(lua, T, 2)
        for task in lua.take(count=2, lease=30):
            lua.jack(task["token"], "done")
        tick_through(lua, T + 3600, 60)
        facts = told(lua, now=T + 3660)
        assert sorted(kinds(facts)) == [("behind", "firing"), ("behind", "over"), ("missed", "firing")]
        (missed,) = (one for one in facts if one["kind"] == "missed")
        assert (missed["count"], missed["what"], missed["why"]) == (59, "coalesced", "late")

    @pytest.mark.parametrize(("why", "options"), [("overlap", {"overlap": "skip"}), ("full", {})])
    def test_a_skipped_occurrence_is_missed(self, lua: Lua, why: str, options: dict[str, Any]) -> None:
        lua.jlimit("queue", "echo", **{"max-length": 1})
        lua.put(every=60, start=T, **options)
        alert(lua, "missed 1h")
        lua.tick(T)
        lua.tick(T + 60)
        lua.tick(T + 120)
        (facts,) = told(lua, now=T + 120)
        assert (facts["what"], facts["why"], facts["count"]) == ("skipped", why, 1)

    def test_what_a_person_skips_is_not_missed(self, lua: Lua) -> None:
        lua.put("parent")
        lua.put("child", after="parent", every=60, start=T, deadline="1h")
        alert(lua, "missed")
        lua.tick(T)
        lua.jpause("child")
        assert told(lua) == []


class TestTelling:
    def test_beyond_the_burst_one_task_tells_how_many_more(self, lua: Lua) -> None:
        alert(lua, "dead", burst=3)
        lua.put(every=3600, start=T + 9e6)
        for _ in range(10):
            die(lua)
        assert kinds(told(lua)) == [("dead", "firing")] * 3
        lua.tick(T + 59)
        assert told(lua, now=T + 59) == []
        lua.tick(T + 60)
        (facts,) = told(lua, now=T + 60)
        assert (facts["kind"], facts["count"]) == ("burst", 7)
        lua.tick(T + 120)
        assert told(lua, now=T + 120) == []

    def test_what_was_beyond_the_burst_is_told_even_if_no_tick_ends_the_minute(self, lua: Lua) -> None:
        alert(lua, "dead", burst=1)
        lua.put(every=3600, start=T + 9e6)
        for seconds in (0, 1, 2, 61, 62):
            die(lua, now=T + seconds)
        found = told(lua, now=T + 62)
        assert [(one["kind"], one["count"]) for one in found] == [("dead", 1), ("burst", 2), ("dead", 4)]

    def test_quiet_hours_count_as_one_minute(self, lua: Lua) -> None:
        alert(lua, "dead", burst=2, quiet="22:00-07:00")
        lua.put(every=3600, start=T + 9e6)
        for minute in range(0, 500, 10):
            die(lua, now=T + minute * 60)
        for second in (1_700_031_600, 1_700_031_601):
            lua.tick(second)
        found = told(lua, now=1_700_031_602)
        told_of = sorted((one["kind"], one["count"]) for one in found)
        assert told_of == [("burst", 48), ("dead", 1), ("dead", 2)]

    @pytest.mark.parametrize(
        ("quiet", "zone", "due"),
        [("22:00-07:00", None, 1_700_031_600), ("22:00-00:00", "Europe/Brussels", 1_700_002_800)],
    )
    def test_quiet_hours_delay_the_task(self, lua: Lua, quiet: str, zone: str | None, due: int) -> None:
        lua.board.init()  # with time zones
        alert(lua, "dead", quiet=quiet, **({"zone": zone} if zone else {}))
        lua.put(every=3600, start=T + 9e6)
        die(lua)  # at 22:13:20 in UTC, 23:13:20 in Brussels
        assert told(lua) == []
        lua.tick(due - 1)
        assert told(lua, now=due - 1) == []
        lua.tick(due)
        assert [one["at"] for one in told(lua, now=due)] == [T]
        die(lua, now=due + 1)
        assert len(told(lua, now=due + 1)) == 1

    def test_options_are_for_the_task(self, lua: Lua) -> None:
        alert(lua, "dead", queue="phone", timeout=5, priority=3)
        lua.put(every=3600, start=T + 9e6)
        die(lua)
        (task,) = lua.take("phone")
        assert (task["runner"], json.loads(task["options"])["timeout"]) == ("tell", 5)

    def test_a_test_queues_a_task(self, lua: Lua) -> None:
        alert(lua, "dead")
        id = lua.jalert("test", "a1")
        (facts,) = told(lua)
        assert (facts["id"], facts["kind"]) == (id, "test")

    @pytest.mark.parametrize(
        ("scope", "jobs"),
        [
            ("a", ["a"]),
            ("a,ab.c", ["a", "ab.c"]),
            ("a*", ["a", "ab.c"]),
            ("?", ["a", "b"]),
            ("*.c", ["ab.c"]),
            ("team=x", ["b"]),
            ("queue:other", ["ab.c"]),
            ("queue:o*, team=x", ["ab.c", "b"]),
        ],
    )
    def test_for_chooses_jobs(self, lua: Lua, scope: str, jobs: list[str]) -> None:
        lua.put("a", every=3600, start=T + 9e6)
        lua.put("b", every=3600, label="team=x")
        lua.put("ab.c", every=3600, queue="other")
        alert(lua, "dead", **{"for": scope})
        for id in ("a", "b", "ab.c"):
            lua.jpush(id)
        for task in lua.take("echo", "other", count=3, lease=30):
            lua.jack(task["token"], "dead")
        assert sorted(one["job"] for one in told(lua)) == jobs


class TestRules:
    def test_alerts_are_listed_as_they_were_put(self, lua: Lua) -> None:
        alert(
            lua,
            "failed 3,late 10m",
            name="b",
            every="4h",
            recovery="yes",
            burst=5,
            timeout=9,
            queue="q",
            **{"for": "x*, team=y"},
        )
        alert(lua, "dead", name="a", quiet="22:00-07:00")
        a, b = map(json.loads, lua.jalerts())
        assert a.pop("etag") != b.pop("etag")
        assert a == {
            **{
                "name": "a",
                "when": "dead",
                "runner": "tell",
                "payload": "ops",
                "quiet": "22:00-07:00",
                "burst": 10,
                "open": 0,
            }
        }
        assert b == {
            **{
                "name": "b",
                "when": "failed 3, late 10m",
                "for": ["x*", "team=y"],
                "runner": "tell",
                "payload": "ops",
            },
            **{
                "every": 14400,
                "recovery": True,
                "burst": 5,
                "queue": "q",
                "options": {"timeout": 9},
                "open": 0,
            },
        }
        assert lua.jalerts("b", "c")[1] is None

    def test_open_counts_what_goes_on(self, lua: Lua) -> None:
        alert(lua, "failed")
        lua.put(every=3600, start=T + 9e6)
        die(lua)
        assert json.loads(lua.jalerts("a1")[0])["open"] == 1

    def test_remove_says_how_many_there_were_and_leaves_nothing(self, lua: Lua) -> None:
        lua.put(every=3600, start=T + 9e6)
        before = set(lua.client.keys(f"{lua.keys.tag}:*"))
        alert(
            lua,
            "failed, dead, recovered, done, late 1m, missed, long 1m, silent 1m, unserved, behind",
            every="1h",
        )
        die(lua)
        assert lua.jalert("remove", "a1", "a2", "-") == 1
        told(lua)
        for second in range(5):
            lua.tick(T + second)
        left = {key.partition(":")[2] for key in set(lua.client.keys(f"{lua.keys.tag}:*")) - before}
        assert not {name for name in left if "alert" in name or "deadlines" in name}

    def test_a_removed_alert_that_is_put_again_tells_again(self, lua: Lua) -> None:
        lua.put(every=3600, start=T + 9e6)
        for _ in range(2):
            alert(lua, "failed")
            die(lua)
            lua.jalert("remove", "a1", "-")
        assert len(told(lua)) == 2

    def test_putting_the_same_again_tells_nothing_twice(self, lua: Lua) -> None:
        lua.put(every=3600, start=T + 9e6)
        for _ in range(3):
            alert(lua, "failed")
            die(lua)
        assert len(told(lua)) == 1

    def test_test_of_none(self, lua: Lua) -> None:
        lua.refuses(NotFoundError, "^there is no alert 'x'$", "JALERT", "test", "x")

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (["list"], "^JALERT expects put, remove or test, got 'list'$"),
            (["remove"], "^JALERT remove expects at least one name$"),
            (["put", "a b", "tell", "x", "when", "dead"], "^alert: "),
            (["put", "a", "te ll", "x", "when", "dead"], "^runner: "),
            (["put", "a", "tell", "x"], "^when: expected a condition such as failed 3, got none$"),
            (
                ["put", "a", "tell", "x", "when", "sad"],
                "^when: expected failed, dead, .* or behind, got 'sad'$",
            ),
            (["put", "a", "tell", "x", "when", "late"], "^when: late needs a time, such as late 10m$"),
            (["put", "a", "tell", "x", "when", "late 0"], "^when: expected more than 0, got '0'$"),
            (["put", "a", "tell", "x", "when", "late soon"], "^when: expected a duration"),
            (["put", "a", "tell", "x", "when", "dead 3"], "^when: dead takes no value, got '3'$"),
            (["put", "a", "tell", "x", "when", "failed 0"], "^when: expected a whole number"),
            (["put", "a", "tell", "x", "when", "long 1x"], "^when: expected more than 1x, got '1x'$"),
            (
                ["put", "a", "tell", "x", "when", "dead,dead"],
                "^when: expected each condition once, got two of dead$",
            ),
            (["put", "a", "tell", "x", "when", "dead", "for", "a,,b"], "^for: expected job ids"),
            (
                ["put", "a", "tell", "x", "when", "dead", "quiet", "22-7"],
                "^quiet: expected hours such as 22:00-07:00",
            ),
            (["put", "a", "tell", "x", "when", "dead", "every", "0.5"], "^every: expected at least 1s"),
            (
                ["put", "a", "tell", "x", "when", "dead", "recovery", "1"],
                "^recovery: expected yes or no, got '1'$",
            ),
            (["put", "a", "tell", "x", "when", "dead", "burst", "0"], "^burst: expected a whole number"),
            (["put", "a", "tell", "x", "when", "dead", "cron", "x"], "^cron: unknown option$"),
        ],
    )
    def test_mistakes_are_one_sentence(self, lua: Lua, words: list[str], says: str) -> None:
        lua.refuses(OptionError, says, "JALERT", *words)

    def test_a_board_has_a_bounded_number(self, lua: Lua) -> None:
        for n in range(200):
            alert(lua, "dead", name=f"a{n}")
        with pytest.raises(
            OptionError, match=r"^the board has 200 alerts, which is the most: remove one first$"
        ):
            alert(lua, "dead", name="more")
        alert(lua, "failed", name="a7")

    def test_a_job_cannot_have_the_id_of_an_alert(self, lua: Lua) -> None:
        lua.refuses(OptionError, "^id: alert:<name> is reserved for alerts", "JSET", "alert:x", "echo", "x")

    def test_changes_tell_who_changed_an_alert(self, lua: Lua) -> None:
        alert(lua, "dead", by="ann", because="new")
        alert(lua, "dead", by="bob")
        alert(lua, "failed", by="cid")
        lua.jalert("remove", "a1", "-", "by", "dan")
        entries = [json.loads(text) for text in lua.jchanges()[1]]
        assert [(one["by"], one["what"], one["target"]) for one in entries] == [
            ("dan", "alert", "alert:a1"),
            ("cid", "alert", "alert:a1"),
            ("ann", "alert", "alert:a1"),
        ]
