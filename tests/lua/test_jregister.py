"""JREGISTER: say which runners a worker serves."""

from __future__ import annotations

from tests.lua.helpers import Lua


def test_it_answers_how_many_runners_are_new(lua: Lua) -> None:
    assert lua.jregister("host-1", "shell", "http") == 2
    assert lua.jregister("host-2", "http", "echo") == 1


def test_the_worker_seen_last_is_known_and_when(lua: Lua) -> None:
    lua.jregister("host-1", "shell", "http")
    lua.jregister("host-2", "http")
    runners = lua.client.hgetall(lua.keys.runners)
    assert {name: text.split(" ")[1] for name, text in runners.items()} == {
        "shell": "host-1",
        "http": "host-2",
    }
    seconds, _ = lua.client.time()
    assert all(abs(int(text.split(" ")[0]) / 1000 - seconds) < 5 for text in runners.values())
