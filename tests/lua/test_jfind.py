"""JFIND: jobs by labels and by how they stand, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jobs_core import OptionError
from tests.lua.helpers import Lua, T

Watch = Callable[[], list[str]]


def find(lua: Lua, **criteria: Any) -> list[str]:
    """Return the jobs of all pages, sorted and each once."""
    cursor, found = "0", []
    pairs = [part for pair in ({"now": T} | criteria).items() for part in pair]
    while True:
        cursor, page = lua.call("JFIND", cursor, *pairs)
        found += page
        if cursor == "0":
            return sorted(set(found))


def fail(lua: Lua, **failures: int) -> None:
    """Make the index of jobs that have failed so many times in a row."""
    lua.client.zadd(f"{lua.keys.tag}:failing", failures)


@pytest.fixture
def crew(lua: Lua) -> Lua:
    """A board of four jobs with labels, and one without."""
    lua.put("a", label="team=pay,tier=1")
    lua.put("b", label="team=pay,tier=2")
    lua.put("c", label="team=ops,tier=1", every=60)
    lua.put("d", label="team=pay", description="Nightly Export")
    lua.put("e")
    fail(lua, a=1, c=3, e=2)
    return lua


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({"label": "team=pay"}, "abd"),
        ({"label": "tier=1,team=pay"}, "a"),
        ({"label": "team=nobody"}, ""),
        ({"label": "team=pay,team2=x"}, ""),
        ({"failing": 1}, "ace"),
        ({"failing": 2}, "ce"),
        ({"failing": 1, "label": "tier=1"}, "ac"),
        ({"failing": 2, "label": "team=pay"}, ""),
        ({"text": "EXPORT"}, "d"),
        ({"text": "team=o"}, "c"),
        ({"text": "nightly", "label": "team=ops"}, ""),
        ({"runner": "echo"}, "abcde"),
        ({"runner": "http"}, ""),
        ({"state": "manual"}, "abde"),
        ({"state": "scheduled", "label": "tier=1"}, "c"),
        ({}, "abcde"),
    ],
)
def test_a_job_must_meet_all_criteria(crew: Lua, criteria: dict[str, Any], found: str) -> None:
    assert find(crew, **criteria) == list(found)


def test_paused_jobs(crew: Lua) -> None:
    crew.jpause("a")
    crew.jpause("c")
    assert find(crew, paused=1) == ["a", "c"]
    assert find(crew, paused=1, label="team=pay") == ["a"]


def test_a_job_is_running_while_a_worker_holds_a_task(crew: Lua) -> None:
    for id in ("a", "b", "c"):
        crew.jpush(id)
    crew.push()  # a one-off task has no job
    assert find(crew, running=1) == []
    tokens = [crew.held()["token"] for _ in range(2)]
    held = crew.take("echo", lease=30, count=5)
    assert find(crew, running=1) == ["a", "b", "c"]
    assert find(crew, running=1, label="team=pay") == ["a", "b"]
    crew.jack(tokens[0], "done")
    assert find(crew, running=1) == ["b", "c"]
    assert len(held) == 2


def test_a_job_is_late_if_nobody_queues_its_run(crew: Lua) -> None:
    assert find(crew, late=1, now=T + 5) == []
    assert find(crew, late=1, now=T + 5.001) == ["c"]
    assert find(crew, late=1, label="team=pay", now=T + 9) == []


def test_a_job_is_late_while_its_task_waits_for_its_first_attempt(lua: Lua) -> None:
    lua.put("a", every=60)
    lua.put("b", every=60, concurrency=1)
    lua.tick(T)
    assert find(lua, late=1, now=T + 5) == []
    assert find(lua, late=1, now=T + 6) == ["a", "b"]
    tasks = lua.take("echo", lease=30, count=5)
    assert find(lua, late=1, now=T + 6) == []
    lua.jack(tasks[0]["token"], "retry")  # a second attempt waits
    assert find(lua, late=1, now=T + 9) == []


def test_a_job_is_late_while_a_limit_holds_its_task(lua: Lua) -> None:
    lua.put("b", concurrency=1)
    for _ in range(2):
        lua.jpush("b")
    assert len(lua.take("echo", lease=30, count=5)) == 1
    assert lua.count()["held"] == 1
    assert find(lua, late=1, now=T + 6) == ["b"]


def test_late_and_running_go_together(lua: Lua) -> None:
    for id in ("a", "b"):
        lua.put(id)
        lua.jpush(id)
    lua.jpush("a", now=T + 1)
    lua.held()
    assert find(lua, late=1, running=1, now=T + 9) == ["a"]


def test_pages_cover_many_jobs(lua: Lua) -> None:
    for number in range(700):
        lua.put(f"j{number:03}", label="x=1")
        if number % 2:
            lua.client.zadd(f"{lua.keys.tag}:failing", {f"j{number:03}": 1})
    everything = [f"j{number:03}" for number in range(700)]
    assert find(lua, label="x=1") == everything
    assert find(lua, label="x=1", failing=1) == everything[1::2]
    assert find(lua, text="j") == everything


def test_a_page_by_label_goes_on_after_its_last_id_whatever_is_removed(lua: Lua) -> None:
    for number in range(1300):
        lua.put(f"j{number:04}", label="x=1")
    cursor, first = lua.call("JFIND", "0", "label", "x=1")
    lua.jdel(*first[:500])
    cursor, second = lua.call("JFIND", cursor, "label", "x=1")
    assert (cursor, [*first, *second]) == ("0", [f"j{number:04}" for number in range(1300)])


def test_an_index_spares_the_other_jobs(lua: Lua) -> None:
    """Jobs that cannot be read would be skipped, but the hash is not even looked at."""
    lua.put("a", label="x=1")
    lua.client.delete(lua.keys.job)
    assert find(lua, label="x=1") == ["a"]
    assert find(lua, label="x=1", runner="echo") == []


@pytest.mark.parametrize(
    ("criteria", "says"),
    [
        ({"label": ""}, "label: expected name=value"),
        ({"label": "x"}, "label: expected name=value"),
        ({"failing": 0}, "failing: expected a whole number of at least 1"),
        ({"late": "yes"}, "late: expected 1, got 'yes'"),
        ({"state": "asleep"}, "state: expected scheduled"),
        ({"color": "red"}, "color: unknown option"),
    ],
)
def test_wrong_criteria_are_rejected(lua: Lua, criteria: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        find(lua, **criteria)


@pytest.mark.parametrize(
    ("cursor", "criteria"),
    [
        *((cursor, {"failing": 1}) for cursor in ("x", "label1 a", "label9 a", "running 1", "overdue 1")),
        *((cursor, {}) for cursor in ("failing 1", "all x", "all -1", f"all {10**23}", "waiting queue:a 1")),
        *((cursor, {"running": 1}) for cursor in ("all", "running x")),
        *((cursor, {"late": 1}) for cursor in ("all 1", "overdue x", "overdue 1.5", "waiting x")),
        *((f"{place} {10**23}", {"late": 1}) for place in ("overdue", "waiting queue:a", "waiting held:a")),
    ],
)
def test_a_cursor_that_these_criteria_did_not_have_is_rejected(
    lua: Lua, cursor: str, criteria: dict[str, int]
) -> None:
    lua.put("a", every=5)
    with pytest.raises(OptionError, match=r"^cursor: expected 0, or the cursor that was returned"):
        lua.jfind(cursor, **criteria)


def pages(lua: Lua, count: int, **criteria: Any) -> list[list[str]]:
    """Return the pages of about `count` jobs."""
    cursor, found = "0", []
    pairs = [part for pair in ({"now": T, "count": count} | criteria).items() for part in pair]
    while True:
        cursor, page = lua.call("JFIND", cursor, *pairs)
        found.append(page)
        if cursor == "0":
            return found


@pytest.mark.parametrize("criteria", [{}, {"label": "x=1"}, {"failing": 1}, {"text": "j"}], ids=str)
def test_pages_of_a_few_jobs_have_each_job(lua: Lua, criteria: dict[str, Any]) -> None:
    everything = [f"j/{number:03}" for number in range(700)]
    for id in everything:
        lua.put(id, label="x=1")
    fail(lua, **dict.fromkeys(everything, 1))
    found = pages(lua, 30, **criteria)
    assert sorted({id for page in found for id in page}) == everything
    assert len(found) > 10
    assert all(30 <= len(page) < 90 for page in found[:-1])


def test_pages_of_a_label_are_as_long_as_asked_for(crew: Lua) -> None:
    assert pages(crew, 2, label="team=pay") == [["a", "b"], ["d"]]
    assert pages(crew, 3, label="team=pay", state="manual") == [["a", "b", "d"], []]


@pytest.mark.parametrize("criteria", [{}, {"label": "x=1"}], ids=str)
def test_removing_what_a_page_has_shown_hides_no_other_job(lua: Lua, criteria: dict[str, Any]) -> None:
    everything = {f"j{number:04}" for number in range(1500)}
    for id in everything:
        lua.put(id, label="x=1")
    shown: set[str] = set()
    cursor = "0"
    while True:
        cursor, page = lua.call("JFIND", cursor, "count", 40, *[x for pair in criteria.items() for x in pair])
        shown |= set(page)
        if cursor == "0":
            break
        if len(shown) < 200:
            lua.jdel(*page[:20])
    assert shown == everything
