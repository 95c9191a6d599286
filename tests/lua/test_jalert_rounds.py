"""Alerts about what ticks look for: runs that take long, jobs without good runs, unserved queues."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lua.helpers import Lua, T
from tests.lua.test_jalert import alert, die, kinds, succeed, tick_through, told


@pytest.fixture(autouse=True)
def balanced(lua: Lua) -> Iterator[None]:
    yield
    assert lua.adds_up()


class TestLong:
    def test_a_run_that_takes_long_is_told_once_and_its_end(self, lua: Lua) -> None:
        lua.put(every=3600, start=T)
        alert(lua, "long 1m", recovery="yes")
        lua.tick(T)
        token = lua.held(lease=600)["token"]
        tick_through(lua, T + 1, 59)
        assert told(lua, now=T + 60) == []
        tick_through(lua, T + 61, 60)
        (facts,) = told(lua, now=T + 121)
        assert (facts["kind"], facts["job"], facts["task"], facts["since"]) == ("long", "a", f"a@{T}000", T)
        lua.jack(token, "done", now=T + 122)
        tick_through(lua, T + 123, 15)
        assert kinds(told(lua, now=T + 138)) == [("long", "over")]

    def test_a_multiple_of_what_is_usual(self, lua: Lua) -> None:
        lua.put(every=3600, start=T + 9e6)
        for n in range(6):
            lua.jpush("a", now=T + 100 * n)
            lua.jack(lua.held(now=T + 100 * n)["token"], "done", now=T + 100 * n + 10)
        alert(lua, "long 3x")
        lua.jpush("a", now=T + 1000)
        lua.held(lease=600, now=T + 1000)
        tick_through(lua, T + 1000, 29)
        assert told(lua, now=T + 1029) == []
        tick_through(lua, T + 1030, 10)
        assert kinds(told(lua, now=T + 1040)) == [("long", "firing")]

    def test_what_is_usual_must_be_known(self, lua: Lua) -> None:
        lua.put(every=3600, start=T + 9e6)
        alert(lua, "long 2x")
        lua.jpush("a")
        lua.held(lease=600)
        tick_through(lua, T, 100)
        assert told(lua, now=T + 100) == []


class TestSilent:
    @pytest.mark.parametrize("history", [0, 20])
    def test_a_job_without_a_good_run_is_told_once_and_its_end(self, lua: Lua, history: int) -> None:
        alert(lua, "silent 1h", recovery="yes", **{"for": "label=x,a"})
        lua.put(every=60, start=T + 9e6, history=history)
        lua.put("b", every=60, start=T + 9e6, history=history)
        succeed(lua, now=T + 1800)
        lua.tick(T + 3601)
        assert told(lua, now=T + 3601) == []
        die(lua, now=T + 3700)
        times = range(3600, 11000, 100)
        for second in times:
            lua.tick(T + second)
        (facts,) = told(lua, now=T + 11000)
        assert (facts["kind"], facts["job"]) == ("silent", "a")
        succeed(lua, now=T + 11100)
        tick_through(lua, T + 11101, 15)
        assert kinds(told(lua, now=T + 11116)) == [("silent", "over")]

    def test_jobs_that_were_there_before_have_deadlines_too(self, lua: Lua) -> None:
        for n in range(250):
            lua.put(f"j{n}", every=60, start=T + 9e6, label="team=x" if n % 2 else "team=y")
        alert(lua, "silent 1h", burst=1000, **{"for": "team=x"})
        tick_through(lua, T, 10)
        assert lua.size("deadlines") == 125
        for second in range(3600, 3620):
            lua.tick(T + second)
        assert len(told(lua, now=T + 3620)) == 125

    def test_a_paused_job_may_be_silent(self, lua: Lua) -> None:
        alert(lua, "silent 1h")
        lua.put(every=60, start=T + 9e6)
        lua.jpause("a")
        for hours in range(5):
            lua.tick(T + 3601 * hours)
        assert told(lua, now=T + 18005) == []

    @pytest.mark.parametrize("history", [0, 20])
    def test_a_job_that_has_ended_well_is_not_silent(self, lua: Lua, history: int) -> None:
        alert(lua, "silent 1h")
        lua.put(at=T + 1, history=history)
        lua.put("b", at=T + 1, history=history)
        lua.tick(T + 1)
        for outcome in ("done", "dead"):
            lua.jack(lua.held(now=T + 1)["token"], outcome, now=T + 2)
        for hours in range(1, 5):
            lua.tick(T + 3602 * hours)
        assert [one["job"] for one in told(lua, now=T + 4 * 3602)] == ["b"]

    def test_a_longer_time_counts_from_when_the_alert_was_put(self, lua: Lua) -> None:
        lua.put(every=60, start=T + 9e6)
        alert(lua, "silent 1h")
        lua.tick(T)
        alert(lua, "silent 1d", now=T + 60)
        for second in (60, 3601, 86400):
            lua.tick(T + second)
        assert told(lua, now=T + 86400) == []
        lua.tick(T + 86461)
        assert [one["value"] for one in told(lua, now=T + 86461)] == ["1d"]

    def test_when_many_jobs_are_silent_each_is_looked_at_less_often(self, lua: Lua) -> None:
        alert(lua, "silent 1h")
        for n in range(2000):
            lua.put(f"j{n}", every=60, start=T + 9e6)
        for _ in range(25):
            lua.tick(T + 3601)
        first = lua.client.zrange(f"{lua.keys.tag}:deadlines", 0, -1, withscores=True)
        looked_at = [due for name, due in first if name.startswith("silent") and due > (T + 3601) * 1000]
        assert len(looked_at) == 2000
        assert max(looked_at) >= (T + 3601 + 20) * 1000

    def test_jobs_of_a_board_file_have_deadlines_until_they_are_removed(self, lua: Lua) -> None:
        alert(lua, "silent 1h", **{"for": "team=x"})
        jobs = [
            {"id": f"j{n}", "runner": "echo", "payload": "x", "every": 60, "label": "team=x"}
            for n in range(150)
        ]
        lua.board.apply(jobs, "file")
        assert lua.size("deadlines") >= 150
        later = lua.client.time()[0] + 3700
        for step in range(10):
            lua.tick(later + step)
        assert len(list(lua.board.alert_open("a1"))) == 150
        lua.board.apply(jobs[:1], "file")
        assert [one.job for one in lua.board.alert_open("a1")] == ["j0"]
        for step in range(10):
            lua.tick(later + 3600 + step)
        assert [
            name for name in lua.client.zrange(f"{lua.keys.tag}:deadlines", 0, -1) if "silent" in name
        ] == ["silent a1 j0"]

    def test_a_removed_job_leaves_nothing(self, lua: Lua) -> None:
        alert(lua, "silent 1h")
        lua.put(every=60, start=T + 9e6)
        tick_through(lua, T + 3600, 1)
        assert len(told(lua, now=T + 3601)) == 1
        lua.jdel("a")
        lua.tick(T + 9999)
        assert lua.size("deadlines") == lua.size("alerting") == 0


class TestService:
    def test_a_queue_that_nobody_serves(self, lua: Lua) -> None:
        alert(lua, "unserved 1m", recovery="yes")
        lua.push(now=T)
        tick_through(lua, T, 58)
        assert told(lua, now=T + 58) == []
        tick_through(lua, T + 59, 30)
        (facts,) = told(lua, now=T + 89)
        assert (facts["kind"], facts["queue"]) == ("unserved", "echo")
        lua.jregister("w1", "echo", "--", "queues", "echo", "state", "serving", "now", T + 90)
        tick_through(lua, T + 91, 6)
        assert kinds(told(lua, now=T + 97)) == [("unserved", "over")]

    def test_a_task_of_an_alert_in_front_hides_no_other(self, lua: Lua) -> None:
        alert(lua, "unserved 1m")
        lua.jalert("put", "own", "echo", "x", "when", "done")
        for _ in range(3):
            lua.jalert("test", "own")
        tick_through(lua, T, 90)
        assert told(lua, now=T + 90) == []  # only alerts wait
        lua.push(now=T + 90)
        tick_through(lua, T + 91, 90)
        (facts,) = told(lua, now=T + 181)
        assert (facts["queue"], facts["job"]) == ("echo", "push:4")

    def test_ticks_that_cannot_keep_up(self, lua: Lua) -> None:
        alert(lua, "behind 10s", recovery="yes")
        for n in range(30):
            lua.put(f"j{n}", every=3600, start=T)
        for second in (0, 5, 10, 15, 20):
            lua.tick(T + second, limit=1)
        assert kinds(told(lua, now=T + 20)) == [("behind", "firing")]
        lua.tick(T + 25)
        lua.tick(T + 30)
        assert kinds(told(lua, now=T + 30)) == [("behind", "over")]
