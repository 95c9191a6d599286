"""JREGISTER: register the runners of a worker."""

from __future__ import annotations

from tests.lua.helpers import Lua


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
