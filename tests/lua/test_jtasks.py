"""JTASKS: list tasks with their states and attempts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs_core import OptionError
from jobs_core.engine.build import commands
from tests.lua.helpers import MS, Lua, T


@pytest.fixture
def full(lua: Lua) -> dict[str, str]:
    """Create a task in each state. Returns their ids."""
    lua.put("limited", queue="slow", concurrency=1)
    ids = {}
    for state in ("dead", "accepted", "leased"):
        ids[state] = lua.push(state)
        token = lua.held(worker="host-1")["token"]
        if state != "leased":
            lua.jack(token, state, now=T + 5)
    lua.jpush("limited")
    ids["held"] = lua.jpush("limited")
    lua.take("slow", count=2, lease=30)
    ids["delayed"] = lua.push(at="+1h")
    ids["queued"] = lua.push(priority=3)
    return ids


@pytest.mark.parametrize("state", ["queued", "held", "delayed", "accepted", "dead"])
def test_tasks_are_listed_by_state(lua: Lua, full: dict[str, str], state: str) -> None:
    assert [(task["id"], task["state"]) for task in lua.tasks(state=state)] == [(full[state], state)]


def test_accepted_tasks_are_not_listed_as_leased(lua: Lua, full: dict[str, str]) -> None:
    assert {task["id"] for task in lua.tasks(state="leased")} == {full["leased"], f"limited@{MS}-4"}


def test_dead_letters_are_listed_only_on_request(lua: Lua, full: dict[str, str]) -> None:
    found = {task["id"]: task["state"] for task in lua.tasks() if task["id"] != f"limited@{MS}-4"}
    assert found == {id: state for state, id in full.items() if state != "dead"}


def test_a_queued_task_is_described(lua: Lua) -> None:
    lua.put("a", "x", at=T + 5, queue="slow", priority=-2, timeout=9)
    lua.tick(T + 7)
    assert lua.tasks() == [
        {
            "id": f"a@{MS + 5000}",
            "job": "a",
            "runner": "echo",
            "queue": "slow",
            "priority": -2,
            "attempt": 1,
            "state": "queued",
            "due": T + 5,
            "history": "",
            "options": {"timeout": 9},
        }
    ]


def test_a_running_task_shows_worker_start_and_lease(lua: Lua) -> None:
    lua.push()
    held = lua.held(worker="host 1", now=T + 1)
    lua.jack(held["token"], "update", progress=12.5, note="half way", now=T + 9)
    (task,) = lua.tasks()
    known = ("ticket", "state", "since", "until", "worker", "progress", "note", "history", "cancelling")
    assert {name: task.get(name) for name in known} == {
        "ticket": held["token"],
        "state": "leased",
        "since": T + 1,
        "until": T + 31,
        "worker": "host_1",
        "progress": 12.5,
        "note": "half way",
        "history": "",
        "cancelling": None,
    }


def test_an_accepted_task_shows_start_and_deadline(lua: Lua) -> None:
    lua.push()
    held = lua.held(worker="host-1")
    lua.jack(held["token"], "accepted", timeout="1h", note="job 77", now=T + 5)
    (task,) = lua.tasks(state="accepted")
    assert (task["since"], task["until"], task["worker"], task["note"]) == (
        T + 5,
        T + 3605,
        "host-1",
        "job 77",
    )


def test_a_dead_letter_shows_its_death_and_attempts(lua: Lua) -> None:
    lua.push()
    lua.jack(lua.held(worker="w1")["token"], "retry", code=75, note="busy\tor so", now=T + 1)
    token = lua.held(worker="w2", now=T + 2)["token"]
    lua.jack(token, "dead", code="not found", now=T + 3)
    (task,) = lua.tasks(state="dead")
    assert (task["ticket"], task["since"], task["attempt"]) == (token, T + 3, 2)
    assert task["history"] == f"failed {MS + 1000} w1 75 busy or so\tfailed {MS + 3000} w2 not_found "


def test_a_delayed_task_shows_its_time(lua: Lua) -> None:
    id = lua.push(at="+1h")
    (task,) = lua.tasks()
    assert (task["until"], task["ticket"], task["due"]) == (T + 3600, f"{id}#0", T + 3600)
    assert "since" not in task


@pytest.mark.parametrize("payload", ["", "x", "a\n1\nb", '{"a":[]}', "é😀", "\0"])
def test_payloads_are_returned_on_request(lua: Lua, payload: str) -> None:
    lua.push(payload)
    assert [task["payload"] for task in lua.tasks(payload=1)] == [payload]
    assert all("payload" not in task for task in lua.tasks())


def test_a_payload_that_is_not_utf8_is_returned_unchanged(lua: Lua) -> None:
    payload = bytes(range(128, 256))
    lua.jpush("echo", payload)
    (task,) = lua.tasks(payload=1)
    assert task["payload"].encode("utf-8", "surrogateescape") == payload


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"job": "a"}, {"a1", "a2"}),
        ({"job": "b"}, {"b1"}),
        ({"job": "nobody"}, set()),
        ({"runner": "other"}, {"b1"}),
        ({"queue": "slow"}, {"a1", "a2"}),
        ({"queue": "slow!5"}, set()),
        ({"queue": "echo", "runner": "echo"}, {"p1"}),
        ({"task": f"a@{MS}-1"}, {"a1"}),
        ({"task": f"a@{MS}"}, set()),
        ({"job": "a", "state": "queued"}, {"a1", "a2"}),
        ({"job": "a", "state": "dead"}, set()),
    ],
)
def test_filters_are_combined_with_and(lua: Lua, filters: dict[str, Any], found: set[str]) -> None:
    lua.put("a", queue="slow", priority=5)
    lua.jset("b", "other", "x")
    names = {lua.jpush("a"): "a1", lua.jpush("a"): "a2", lua.jpush("b"): "b1", lua.push(): "p1"}
    assert {names[task["id"]] for task in lua.tasks(**filters)} == found


def test_older_than_uses_the_time_in_the_current_state(lua: Lua) -> None:
    lua.push()
    lua.jack(lua.held()["token"], "dead", now=T + 60)
    lua.push()
    lua.held(lease="1h", now=T + 10)
    queued = lua.push()
    for now, expected in ((T + 59, {"queued"}), (T + 70, {"queued", "leased"})):
        found = lua.tasks(**{"older-than": "1m", "now": now + 1})
        assert {task["state"] for task in found} == expected
    assert [task["id"] for task in lua.tasks(**{"older-than": "1m", "now": T + 69})] == [queued]
    assert not lua.tasks(**{"state": "dead", "older-than": "1m", "now": T + 119})
    assert len(lua.tasks(**{"state": "dead", "older-than": "1m", "now": T + 120})) == 1


def test_many_tasks_come_in_pages_each_task_once(lua: Lua) -> None:
    pushed = lua.board.commands.batch([("JPUSH", ["echo", "x", "now", T])] * 2500)
    lua.take(count=700, lease=30)
    cursor, pages = "0", []
    while not pages or cursor != "0":
        cursor, page = lua.jtasks(cursor)
        pages.append(len(page))
    assert (sum(pages), len(pages)) == (2500, 10)
    assert sorted(task["id"] for task in lua.tasks()) == sorted(pushed)


def test_large_tasks_come_in_small_pages(lua: Lua) -> None:
    for _ in range(60):
        lua.push("x" * 100_000)
    cursor, page = lua.jtasks("0")
    assert cursor != "0"
    assert len(page) < 60
    assert len(lua.tasks()) == 60


def test_no_task_is_missed_while_others_leave_their_queue(lua: Lua) -> None:
    pushed = lua.board.commands.batch([("JPUSH", ["echo", "x", "now", T])] * 2000)
    cursor, page = lua.jtasks("0", state="queued")
    gone = {task["id"] for task in lua.take(count=300)}
    seen = len(page)
    while cursor != "0":
        cursor, page = lua.jtasks(cursor, state="queued")
        seen += len(page)
    assert seen == len(set(pushed) - gone)


@pytest.mark.parametrize("cursor", ["0", "held:job:gone 25"])
def test_a_cursor_to_a_missing_position_starts_over(lua: Lua, cursor: str) -> None:
    lua.push()
    answer, page = lua.jtasks(cursor)
    assert (answer, len(page)) == ("0", 1)


def test_reading_changes_nothing(lua: Lua, full: dict[str, str]) -> None:
    assert commands()["JTASKS"].flags == "no-writes"  # enforced by Redis
    before = {name: lua.client.type(name) for name in lua.everything()}
    assert lua.tasks() == lua.tasks()
    assert {name: lua.client.type(name) for name in lua.everything()} == before


def test_an_empty_board_has_no_tasks(lua: Lua) -> None:
    assert lua.jtasks("0") == ["0", []]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            [0, "state", "alive"],
            "^state: expected queued, held, delayed, leased, accepted or dead, got 'alive'$",
        ),
        ([0, "state"], "^state: expected a value, got none$"),
        ([0, "older-than", "x"], "^older-than: expected a duration such as 90, 1h30m or PT1H30M, got 'x'"),
        ([0, "older-than", 5, "now", "x"], "^now: expected a time such as .*, got 'x'"),
        ([0, "name", "x"], "^name: unknown option$"),
    ],
)
def test_invalid_arguments_are_rejected(lua: Lua, arguments: list[Any], says: str) -> None:
    lua.refuses(OptionError, says, "JTASKS", *arguments)


def test_a_cursor_to_a_missing_queue_continues_with_the_next(lua: Lua) -> None:
    for queue in "ace":
        lua.push(queue=queue)
    for gone, left in (("0", "ace"), ("b", "ce"), ("d", "e"), ("f", "")):
        answer, page = lua.jtasks(f"queue:{gone} 25")
        assert (answer, [json.loads(text)["queue"] for text in page]) == ("0", [*left])


@pytest.mark.parametrize(
    "cursor",
    [
        *("zzz", "-1", "0 0", "job 5", "queue:echo", "queue:echo x", "dead x"),
        *(f"{place} {10**23}" for place in ("dead", "held:a", "queue:echo")),
    ],
)
def test_a_cursor_that_nobody_returned_is_refused(lua: Lua, cursor: str) -> None:
    lua.refuses(OptionError, "^cursor: expected 0, or the cursor that was returned for", "JTASKS", cursor)
