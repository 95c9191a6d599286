"""What alerts are for: queues with every condition, and jobs that come and go while something goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from jobs_core import OptionError
from tests.lua.helpers import Lua, T
from tests.lua.test_jalert import alert, die, kinds, succeed, tick_through, told

FUTURE = T + 9e6


@pytest.fixture(autouse=True)
def balanced(lua: Lua) -> Iterator[None]:
    yield
    assert lua.adds_up()


def opens(lua: Lua) -> list[tuple[str, str]]:
    return [(one.kind, one.about) for one in lua.board.alert_open("a1")]


class TestFailedIsOver:
    """A good run ends `failed`, whatever the alert is for."""

    def test_of_a_queue(self, lua: Lua) -> None:
        lua.put(every=3600, start=FUTURE)
        alert(lua, "failed", recovery="yes", **{"for": "queue:echo"})
        die(lua)
        succeed(lua)
        assert opens(lua) == []
        die(lua)
        assert kinds(told(lua)) == [("failed", "firing"), ("failed", "over"), ("failed", "firing")]

    def test_of_a_queue_that_only_one_run_was_in(self, lua: Lua) -> None:
        lua.put(every=3600, start=FUTURE, queue="other")
        alert(lua, "failed", recovery="yes", **{"for": "queue:other"})
        lua.jpush("a")
        lua.jack(lua.take("other", lease=30)[0]["token"], "dead")
        lua.put(every=3600, start=FUTURE)
        succeed(lua)
        assert kinds(told(lua)) == [("failed", "firing"), ("failed", "over")]

    def test_of_a_job_that_left_meanwhile(self, lua: Lua) -> None:
        alert(lua, "failed", recovery="yes", **{"for": "team=x"})
        lua.put(every=3600, start=FUTURE, label="team=x")
        die(lua)
        lua.put(every=3600, start=FUTURE)
        succeed(lua)
        assert opens(lua) == []
        lua.put(every=3600, start=FUTURE, label="team=x")
        die(lua)
        assert kinds(told(lua)) == [("failed", "firing"), ("failed", "over"), ("failed", "firing")]

    def test_of_every_alert_that_told_of_it_and_of_no_other_job(self, lua: Lua) -> None:
        for n in range(150):
            alert(lua, "failed 2, recovered" if n % 2 else "failed", name=f"a{n}", recovery="yes")
        for id in ("a", "b"):
            lua.put(id, every=3600, start=FUTURE)
            die(lua, id)
        for _ in range(50):
            lua.tick(T)
        assert len(told(lua)) == 150  # failed of both, by every other
        succeed(lua)
        for _ in range(50):
            lua.tick(T)
        found = told(lua)
        assert Counter(kinds(found)) == {("failed", "over"): 75, ("recovered", "firing"): 75}
        assert {one["job"] for one in found} == {"a"}
        assert {one.open for one in lua.board.alert_list()} == {0, 1}


class TestSilentIsOver:
    def silent(self, lua: Lua, **options: Any) -> None:
        alert(lua, "silent 1h", recovery="yes", **options)
        tick_through(lua, T, 1)
        tick_through(lua, T + 3601, 1)
        assert kinds(told(lua, now=T + 3602)) == [("silent", "firing")]

    def test_of_a_paused_job(self, lua: Lua) -> None:
        lua.put(every=60, start=FUTURE)
        self.silent(lua)
        lua.jpause("a", now=T + 3610)
        tick_through(lua, T + 3611, 15)
        assert opens(lua) == []
        (facts,) = told(lua, now=T + 3626)
        assert (facts["state"], facts["why"]) == ("over", "paused")

    def test_of_a_job_that_the_alert_is_not_for_any_more(self, lua: Lua) -> None:
        lua.put(every=60, start=FUTURE, label="team=x")
        self.silent(lua, **{"for": "team=x"})
        lua.put(every=60, start=FUTURE, now=T + 3610)
        tick_through(lua, T + 3611, 15)
        assert opens(lua) == []
        (facts,) = told(lua, now=T + 3626)
        assert (facts["state"], facts["why"]) == ("over", "scope")
        lua.put(every=60, start=FUTURE, label="team=x", now=T + 3630)
        tick_through(lua, T + 7231, 1)
        assert kinds(told(lua, now=T + 7232)) == [("silent", "firing")]


class TestMissed:
    def skip_every_minute(self, lua: Lua, minutes: int) -> list[dict[str, Any]]:
        """Miss an occurrence each minute, since the first run never ends."""
        lua.put(every=60, start=T, overlap="skip")
        found = []
        for second in range(minutes * 60 + 1):
            lua.tick(T + second)
        found += told(lua, now=T + minutes * 60)
        return found

    def test_every_tells_again_only_after_so_long(self, lua: Lua) -> None:
        alert(lua, "missed 1d", every="5m")
        found = self.skip_every_minute(lua, 12)
        assert [one["at"] - T for one in found] == [60, 360, 660]

    def test_without_every_each_is_told(self, lua: Lua) -> None:
        alert(lua, "missed 1d")
        assert len(self.skip_every_minute(lua, 3)) == 3

    def test_what_is_missed_no_more_is_forgotten_after_every(self, lua: Lua) -> None:
        alert(lua, "missed 1d", every="5m", recovery="no")
        self.skip_every_minute(lua, 1)
        assert opens(lua) == [("missed", "a")]
        lua.jpause("a", now=T + 61)
        tick_through(lua, T + 62, 310)
        assert opens(lua) == []
        assert told(lua, now=T + 400) == []


QUEUES = {"queue:echo": True, "queue:e*": True, "queue:other": False}


@pytest.mark.parametrize(("scope", "is_told"), QUEUES.items())
class TestQueues:
    def test_done_and_recovered(self, lua: Lua, scope: str, is_told: bool) -> None:
        lua.put(every=3600, start=FUTURE)
        alert(lua, "done, recovered", **{"for": scope})
        die(lua)
        succeed(lua)
        lua.push()
        lua.jack(lua.held()["token"], "done")
        told_of = [("recovered", "firing"), ("done", "firing"), ("done", "firing")]
        found = told(lua)
        assert kinds(found) == (told_of if is_told else [])
        assert {one["queue"] for one in found} <= {"echo"}

    def test_long(self, lua: Lua, scope: str, is_told: bool) -> None:
        alert(lua, "long 1m", **{"for": scope})
        lua.push()
        lua.held(lease=600)
        tick_through(lua, T, 80)
        found = told(lua, now=T + 80)
        assert [(one["kind"], one["queue"]) for one in found] == ([("long", "echo")] if is_told else [])

    @pytest.mark.parametrize("is_first", [True, False])
    def test_silent(self, lua: Lua, scope: str, is_told: bool, is_first: bool) -> None:
        if is_first:
            lua.put(every=3600, start=FUTURE)
        alert(lua, "silent 1h", **{"for": scope})
        lua.put(every=3600, start=FUTURE)
        tick_through(lua, T, 2)
        tick_through(lua, T + 3601, 2)
        assert kinds(told(lua, now=T + 3603)) == ([("silent", "firing")] if is_told else [])

    @pytest.mark.parametrize("options", [{}, {"overlap": "skip"}])
    def test_missed(self, lua: Lua, scope: str, is_told: bool, options: dict[str, Any]) -> None:
        lua.put(every=60, start=T, **options)
        alert(lua, "missed 1d", **{"for": scope})
        lua.tick(T)
        lua.tick(T + 200)
        what = "skipped" if options else "coalesced"
        assert [one["what"] for one in told(lua, now=T + 200)] == ([what] if is_told else [])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"for": "queue:"}, r"^for: expected the name of a queue after queue:, such as queue:mail$"),
        ({"for": "=x"}, r"^for: expected a name of 1 to 63 letters"),
        ({"for": "alert:x"}, r"^for: alerts are never about the tasks of alerts: remove 'alert:x'$"),
        ({"for": "a, alert:*"}, r"^for: alerts are never about the tasks of alerts: remove 'alert:\*'$"),
        ({"for": "a#1"}, r"^for: expected a job id of 1 to 256 bytes"),
        ({"zone": "Europe/Brussels"}, r"^zone: expected quiet hours with it, such as 22:00-07:00, got none$"),
        (
            {"when": "recovered, done", "recovery": "yes"},
            r"^recovery: expected a condition that goes on, such as failed, got 'recovered, done'$",
        ),
        ({"when": "behind", "for": "a"}, r"^for: behind is about the whole board: remove the option$"),
    ],
)
def test_what_has_no_effect_is_refused(lua: Lua, options: dict[str, Any], says: str) -> None:
    pairs = [word for pair in ({"when": "dead"} | options).items() for word in pair]
    lua.refuses(OptionError, says, "JALERT", "put", "a1", "tell", "x", *pairs)


@pytest.mark.parametrize(
    "options",
    [
        {"for": "push:*"},
        {"for": "*"},
        {"when": "behind, failed", "for": "a"},
        {"when": "recovered, failed", "recovery": "yes"},
        {"when": "recovered", "recovery": "no"},
        {"quiet": "22:00-07:00", "zone": "Europe/Brussels"},
    ],
)
def test_what_has_an_effect_is_not(lua: Lua, options: dict[str, Any]) -> None:
    lua.board.init()
    alert(lua, **{"when": "dead"} | options)
