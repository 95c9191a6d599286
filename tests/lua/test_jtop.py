"""JTOP: look at a board, at a bounded cost."""

from __future__ import annotations

import json
from typing import Any

from jobs_core import OptionError
from tests.lua.helpers import Lua, T


def look(lua: Lua, **options: Any) -> tuple[dict[str, Any], list[Any], list[Any], list[Any]]:
    board, *rows = lua.jtop(**options)
    tasks, queues, workers = ([json.loads(text) for text in texts] for texts in rows)
    return json.loads(board), tasks, queues, workers


def test_an_empty_board(lua: Lua) -> None:
    board, *rows = look(lua)
    assert rows == [[], [], []]
    ledger = board.pop("ledger")
    assert set(ledger) >= {"due", "queued", "done", "dead", "cancelled", "lost"}
    assert not any(ledger.values())
    assert board.pop("time") == T
    assert not any(board.values())
    assert not {"overdue_since", "partial"} & set(board)


def test_the_board_in_numbers(lua: Lua) -> None:
    lua.put("late", every=60, now=T - 7)
    lua.put("later", every=60, start=T + 60)
    lua.put("paused", every=5, paused=1)
    lua.put("bad")
    lua.jpush("bad")
    lua.jack(lua.held()["token"], "dead")
    lua.push()
    lua.push(at="+10")
    board, *_ = look(lua)
    assert (board["jobs"], board["scheduled"], board["overdue"], board["overdue_since"]) == (4, 2, 1, T - 7)
    assert (board["failing"], board["dead"], board["queued"], board["delayed"]) == (1, 1, 1, 1)
    assert (board["ledger"]["due"], board["ledger"]["dead"]) == (3, 1)


def test_what_runs(lua: Lua) -> None:
    lua.put("a", timeout=60)
    lua.jpush("a", now=T - 5)
    lua.push()
    task = lua.held(worker="host 1", now=T - 3)
    lua.jack(task["token"], "update", progress=40, note="halfway")
    lua.held()
    _, (first, second), _, _ = look(lua)
    assert first == {
        **{"task": task["id"], "job": "a", "state": "leased", "runner": "echo", "queue": "echo"},
        **{"since": T - 3, "until": T + 27, "worker": "host_1", "attempt": 1, "timeout": 60},
        **{"progress": 40, "note": "halfway"},
    }
    assert "worker" not in second
    assert "timeout" not in second


def test_the_longest_queues_and_their_next_tasks(lua: Lua) -> None:
    lua.push(queue="short", now=T - 9)
    lua.push(queue="long", now=T - 5)
    lua.push(queue="long", now=T - 8, priority=5)
    lua.push(queue="used")
    lua.ids("used")
    board, _, queues, _ = look(lua)
    assert queues == [
        {"queue": "long", "length": 2, "oldest": T - 8},
        {"queue": "short", "length": 1, "oldest": T - 9},
        {"queue": "used", "length": 0},
    ]
    assert (board["queues"], board["queued"]) == (3, 3)
    assert look(lua, rows=1)[2] == queues[:1]


def test_what_limits_hold(lua: Lua) -> None:
    lua.jlimit("runner", "echo", concurrency=1)
    lua.push()
    lua.push()
    lua.held()
    assert lua.take(lease=30) == []
    board, tasks, _, _ = look(lua)
    assert (board["held"], board["leased"], len(tasks)) == (1, 1, 1)


def test_workers(lua: Lua) -> None:
    lua.jregister("one", "echo", "--", "running", 2, "concurrency", 10, "now", T)
    lua.jregister("two", "echo", "--", "now", T)
    board, _, _, workers = look(lua)
    assert board["workers"] == 2
    assert {"worker": "one", "seen": T, "running": 2, "concurrency": 10, "runners": ["echo"]} in workers
    assert len(look(lua, rows=1)[3]) == 1


def test_rows_are_bounded(lua: Lua) -> None:
    for _ in range(30):
        lua.push()
    lua.take(count=30, lease=30)
    assert len(look(lua)[1]) == 20
    assert len(look(lua, rows=3)[1]) == 3
    lua.refuses(OptionError, "rows: expected at most 100, got '101'", "JTOP", "rows", 101)


def test_payloads_are_not_returned_and_many_large_ones_not_read(lua: Lua) -> None:
    for _ in range(8):
        lua.push("x" * 400_000)
    lua.take(count=8, lease=30)
    _, tasks, _, _ = look(lua)
    assert ["since" in task for task in tasks] == [True] * 3 + [False] * 5
    assert all(task["task"] and task["until"] == T + 30 for task in tasks)
    assert len(str(lua.jtop())) < 5000


def test_a_board_of_very_many_queues_is_counted_in_part(lua: Lua) -> None:
    lua.board.commands.batch([("JPUSH", ["echo", "x", "queue", f"q{n}", "now", T]) for n in range(4100)])
    board, _, queues, _ = look(lua)
    assert board["partial"] is True
    assert 500 <= board["queued"] < 4100
    assert len(queues) == 20


def test_a_task_that_cannot_be_read_has_its_id(lua: Lua) -> None:
    lua.push()
    token = lua.held()["token"]
    lua.client.hset(lua.keys.task, token, "garbage")
    _, (task,), _, _ = look(lua)
    assert task["task"] == token.split("#")[0]


def test_when_somebody_ticked(lua: Lua) -> None:
    lua.tick(T)
    assert look(lua, now=T + 7)[0]["ticked"] == T


def test_looking_changes_nothing(lua: Lua) -> None:
    lua.put("a", every=5)
    lua.push()
    lua.held()
    before = lua.everything()
    lua.jtop()
    assert lua.everything() == before
