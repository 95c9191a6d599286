"""A full or read-only Redis rejects new work completely, but tasks can still end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs_core import DeniedError, ServerError
from tests.lua.helpers import MS, Lua, T

FULL = r"^\S+ is out of memory\. Raise its maxmemory"


@pytest.fixture
def full(lua: Lua) -> Iterator[Lua]:
    """A board with a due job and a queued, a delayed and a leased task, in a full Redis."""
    lua.put(every=5)
    lua.push("held")
    lua.held(lease=5)
    lua.push("queued")
    lua.push("delayed", at="+5")
    lua.client.config_set("maxmemory", 1)
    try:
        yield lua
    finally:
        lua.client.config_set("maxmemory", 0)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("JSET", ["b", "echo", "x", "every", 5]),
        ("JSET", ["a", "echo", "x", "every", 5]),
        ("JSETNX", ["b", "echo", "x"]),
        ("JMSET", ["set", 3, "b", "echo", "x"]),
        ("JPUSH", ["echo", "x"]),
        ("JPUSH", ["a"]),
        ("JPUSH", ["echo", "x", "at", "+1h"]),
        ("JTICK", ["now", T + 60]),
        ("JLIMIT", ["runner", "echo", "concurrency", 5]),
    ],
)
def test_new_work_is_rejected_completely(full: Lua, name: str, arguments: list[str]) -> None:
    full.refuses(ServerError, FULL, name, *arguments)


def test_tasks_can_be_taken_and_ended(full: Lua) -> None:
    held = full.held()
    assert held["payload"] == "queued"
    assert full.jbeat(30, held["token"], "--", "now", T) == [1]
    assert full.jack(held["token"], "done") == held["id"]
    assert full.jregister("host-1", "echo") == 1


@pytest.mark.parametrize("verb", ["retry", "dead", "release", "failed", "cancelled", "accepted", "update"])
def test_every_end_is_recorded(full: Lua, verb: str) -> None:
    assert full.jack(f"push:1@{MS}#1", verb)


def test_memory_can_be_freed(full: Lua) -> None:
    assert full.jtrim("echo", 0) == 1
    assert full.jdel("a") == 1


def test_tasks_can_be_cancelled_and_dead_letters_retried(full: Lua) -> None:
    held = f"push:1@{MS}"
    assert full.jcancel(f"push:2@{MS}") == full.jcancel(f"push:3@{MS + 5000}") == ["0", ["cancelled"]]
    assert full.jcancel(held) == ["0", ["cancelling"]]
    full.jack(f"{held}#1", "dead")
    assert full.jdead("retry", f"{held}#1") == 1
    full.jack(full.held()["token"], "dead")
    assert full.jdead("purge", f"{held}#2") == 1
    assert full.adds_up()


def test_a_task_that_a_limit_holds_is_held(full: Lua) -> None:
    full.client.config_set("maxmemory", 0)
    full.jlimit("runner", "echo", concurrency=2)  # one task runs already
    full.push()
    full.client.config_set("maxmemory", 1)
    assert [len(full.take(count=9, lease=30)), full.count()["held"]] == [1, 1]
    full.jack(full.tasks(state="leased")[-1]["ticket"], "done")
    assert full.adds_up()


def test_the_board_can_be_read(full: Lua) -> None:
    assert (full.job()["state"], full.jnext("a"), full.count()["queued"]) == ("scheduled", [MS], 1)
    assert full.stats()["due"] == 3
    assert {task["state"] for task in full.tasks()} == {"queued", "leased", "delayed"}


def test_nothing_due_is_lost_once_memory_is_free(full: Lua) -> None:
    full.refuses(ServerError, FULL, "JTICK", "now", T + 5)
    full.client.config_set("maxmemory", 0)
    assert full.tick(T + 5) == 3
    assert [task["payload"] for task in full.take(count=9)] == ["held", "queued", "delayed", "x"]


@pytest.fixture
def replica(lua: Lua) -> Iterator[Lua]:
    """A board with a due job, on a replica without a primary. Calls are not repeated."""
    lua.board.commands.patience = 0.0
    lua.put(every=5)
    lua.client.replicaof("127.0.0.1", "1")
    try:
        yield lua
    finally:
        lua.client.replicaof("NO", "ONE")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("JSET", ["b", "echo", "x"]), ("JTICK", ["now", T]), ("JPOP", [1, "echo"]), ("JDEL", ["a"])],
)
def test_a_replica_rejects_changes_with_one_sentence(replica: Lua, name: str, arguments: list[str]) -> None:
    says = r"^\S+jobs\.sock is a read-only replica\. Connect to its primary\.$"
    replica.refuses(DeniedError, says, name, *arguments)


def test_a_replica_can_be_read(replica: Lua) -> None:
    assert (replica.job()["state"], replica.jnext("a")) == ("scheduled", [MS])
