"""Many alerts, and many things to tell at once: each is told once, though no script does it all."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.lua.helpers import Lua, T
from tests.lua.test_jalert import alert, die, kinds, told

FUTURE = T + 9e6


def tick_until_told(lua: Lua, now: float = T) -> None:
    """Tick while a tick says that the next is due at once."""
    for _ in range(1000):
        _, following, _ = lua.jtick(now=now)
        if following != now * 1000:
            return
    raise AssertionError("ticks never came to rest")


def test_many_missed_occurrences_are_told_in_steps(lua: Lua) -> None:
    for n in range(400):
        lua.put(f"j{n}", every=60, start=T - 600, now=T - 600)
    alert(lua, "missed", burst=10000)
    lua.tick(T)
    assert 0 < len(told(lua)) < 400
    assert lua.size("alerts", "notices") > 0
    tick_until_told(lua)
    assert lua.size("alerts", "notices") == 0
    assert {one.job for one in lua.board.alert_open("a1")} == {f"j{n}" for n in range(400)}
    assert lua.stats()["queued"] == 400 + 400  # a run of each job, and a task that tells of it


def test_a_death_is_told_by_each_of_many_alerts(lua: Lua) -> None:
    lua.put(every=3600, start=FUTURE)
    for n in range(150):
        alert(lua, "dead, failed", name=f"a{n}")
    die(lua)
    assert 0 < lua.size("queue", "tell") < 300
    tick_until_told(lua)
    counts = Counter((one["alert"], one["kind"]) for one in told(lua))
    assert counts == {(f"a{n}", kind): 1 for n in range(150) for kind in ("dead", "failed")}


def test_what_waits_is_told_in_order(lua: Lua) -> None:
    for n in range(90):
        lua.put(f"j{n}", every=3600, start=FUTURE)
    alert(lua, "failed", recovery="yes", burst=10000)
    for outcome in ("dead", "done"):
        for n in range(90):
            lua.jpush(f"j{n}")
        tasks = lua.take(count=90, lease=30)
        assert lua.call("JMACK", *(word for task in tasks for word in (4, task["token"], outcome, "now", T)))
    assert lua.size("alerts", "notices") > 0
    tick_until_told(lua)
    found = told(lua)
    assert Counter(kinds(found)) == {("failed", "firing"): 90, ("failed", "over"): 90}
    for n in range(90):
        assert [one["state"] for one in found if one["job"] == f"j{n}"] == ["firing", "over"]
    assert list(lua.board.alert_open("a1")) == []


def test_a_job_that_is_removed_while_its_death_waits_stays_forgotten(lua: Lua) -> None:
    for n in range(90):
        lua.put(f"j{n}", every=3600, start=FUTURE)
    alert(lua, "failed, dead", burst=10000, every="1h")
    for n in range(90):
        lua.jpush(f"j{n}")
    tasks = lua.take(count=90, lease=30)
    lua.call("JMACK", *(word for task in tasks for word in (4, task["token"], "dead", "now", T)))
    lua.jdel(*(f"j{n}" for n in range(90)))
    tick_until_told(lua)
    assert lua.size("alerting") == 0
    assert {one["kind"] for one in told(lua)} == {"failed", "dead"}


def test_an_alert_that_matches_in_several_ways_is_asked_once(lua: Lua) -> None:
    lua.put("report-1", every=3600, start=FUTURE, label="team=a,tier=1")
    alert(lua, "dead", name="many", **{"for": "report-1,report-*,team=a,tier=1,queue:echo,queue:e*,*"})
    alert(lua, "dead", name="other", **{"for": "team=b,report-2,queue:mail"})
    die(lua, "report-1")
    assert [one["alert"] for one in told(lua)] == ["many"]


def test_labels_are_those_of_now(lua: Lua) -> None:
    alert(lua, "dead", **{"for": "team=a"})
    lua.put(every=3600, start=FUTURE, label="team=a")
    die(lua)
    lua.put(every=3600, start=FUTURE, label="team=b")
    die(lua)
    lua.put(every=3600, start=FUTURE)
    die(lua)
    lua.put(every=3600, start=FUTURE, label="team=a,tier=1")
    die(lua)
    assert [one["count"] for one in told(lua)] == [1, 4]


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("*", ["a", "report-1"], []),
        ("report-*", ["report-", "report-1", "report-*"], ["report", "a-report-1"]),
        ("*-report", ["-report", "a-report"], ["report", "a-report-1"]),
        ("a*b*c", ["abc", "aXbXc", "abbc", "abcbc"], ["ab", "acb", "abcX", "Xabc"]),
        ("a*a", ["aa", "aba"], ["a", "ab"]),
        ("*ab*ab*", ["abab", "XabXabX"], ["ab", "aba"]),
        ("a?c", ["abc", "a.c"], ["ac", "abbc"]),
        ("?*?", ["ab", "abc"], ["a"]),
        ("a.b*", ["a.bc"], ["aXbc"]),
        ("a%d+*", ["a%d+"], ["a11"]),
        ("*aa?b", ["aaab", "aaaaaXb"], ["aab"]),
    ],
)
def test_patterns(lua: Lua, pattern: str, matching: list[str], others: list[str]) -> None:
    alert(lua, "dead", **{"for": pattern}, burst=1000)
    for id in matching + others:
        lua.put(id, every=3600, start=FUTURE)
        die(lua, id)
    assert [one["job"] for one in told(lua)] == matching


def test_a_pattern_with_many_stars_does_not_hold_redis(lua: Lua) -> None:
    alert(lua, "dead", **{"for": "*a" * 40 + "*b"})
    lua.put("a" * 200, every=3600, start=FUTURE)
    die(lua, "a" * 200)
    assert told(lua) == []
