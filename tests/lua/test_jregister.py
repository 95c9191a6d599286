"""JREGISTER: register the runners of a worker."""

from __future__ import annotations

import json

import pytest

from jobs_core import OptionError
from tests.lua.helpers import MS, Lua, T


def test_jregister_returns_the_number_of_new_runners(lua: Lua) -> None:
    assert lua.jregister("host-1", "shell", "http") == 2
    assert lua.jregister("host-2", "http", "echo") == 1


def test_the_last_worker_and_its_time_are_recorded(lua: Lua) -> None:
    lua.jregister("host-1", "shell", "http")
    lua.jregister("host-2", "http")
    runners = lua.client.hgetall(lua.keys.runners)
    assert {name: text.split(" ")[1] for name, text in runners.items()} == {
        "shell": "host-1",
        "http": "host-2",
    }
    seconds, _ = lua.client.time()
    assert all(abs(int(text.split(" ")[0]) / 1000 - seconds) < 5 for text in runners.values())


def report(lua: Lua, worker: str, *words: object, at: int = T) -> int:
    return int(lua.call("JREGISTER", worker, "echo", "--", *words, "now", at))


def workers(lua: Lua) -> dict[str, tuple[int, dict[str, object]]]:
    """When each worker was seen, in ms, and its report."""
    kept = lua.client.hgetall(lua.keys.workers)
    return {name: (int(text.split(" ")[0]), json.loads(text.split(" ", 1)[1])) for name, text in kept.items()}


def test_it_keeps_what_a_worker_reports(lua: Lua) -> None:
    words = ("host", "h", "pid", 12, "queues", "echo slow", "concurrency", 10, "running", 3, "ticks", 1)
    assert report(lua, "w", *words, "started", T - 5, "clock", T + 2.5, "state", "draining") == 1
    assert workers(lua) == {
        "w": (
            MS,
            {
                **{
                    "host": "h",
                    "pid": 12,
                    "runners": ["echo"],
                    "queues": ["echo", "slow"],
                    "concurrency": 10,
                },
                **{"running": 3, "ticks": 1, "started": T - 5, "drift": 2.5, "state": "draining"},
            },
        )
    }


def test_the_latest_report_counts(lua: Lua) -> None:
    report(lua, "w", "running", 3)
    report(lua, "w", "running", 4, at=T + 10)
    assert workers(lua) == {"w": (MS + 10000, {"runners": ["echo"], "running": 4})}


def test_a_worker_that_ends_is_forgotten_but_not_its_runners(lua: Lua) -> None:
    report(lua, "w", "state", "serving")
    assert report(lua, "w", "state", "ended") == 0
    assert workers(lua) == {}
    assert lua.client.hkeys(lua.keys.runners) == ["echo"]


def test_a_new_worker_makes_the_board_forget_those_silent_for_a_day(lua: Lua) -> None:
    report(lua, "dead")
    report(lua, "living", at=T + 86399)
    assert set(workers(lua)) == {"dead", "living"}
    report(lua, "living", at=T + 86401)
    report(lua, "new", at=T + 86401)
    assert set(workers(lua)) == {"living", "new"}


def test_a_new_runner_makes_the_board_forget_those_unseen_for_a_week(lua: Lua) -> None:
    lua.call("JREGISTER", "w", "old", "--", "now", T)
    lua.call("JREGISTER", "w", "new", "--", "now", T + 7 * 86400 + 1)
    assert lua.client.hkeys(lua.keys.runners) == ["new"]


def test_the_board_keeps_a_thousand_workers_and_runners(lua: Lua) -> None:
    for i in range(1002):
        lua.client.hset(lua.keys.workers, f"w{i}", f"{MS + i} {{}}")
        lua.client.hset(lua.keys.runners, f"r{i}", f"{MS + i} w")
    lua.call("JREGISTER", "new", "new", "--", "now", T + 10)
    assert lua.client.hlen(lua.keys.workers) == lua.client.hlen(lua.keys.runners) == 1000
    assert lua.client.hmget(lua.keys.workers, "w2", "w3") == [None, f"{MS + 3} {{}}"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["state", "tired"], "state: expected serving, draining or ended, got 'tired'"),
        (["running", "-1"], "running: expected a whole number"),
        (["started", "soon"], "started: expected a time"),
        (["mood", "good"], "mood: unknown option"),
        (["pid"], "pid: expected a value"),
    ],
)
def test_a_bad_report_is_refused(lua: Lua, words: list[str], says: str) -> None:
    lua.refuses(OptionError, says, "JREGISTER", "w", "echo", "--", *words)
