"""JOUTPUT, and other output of tasks that is kept with `keep`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs_core.errors import OptionError
from tests.lua.helpers import MS, Lua, T


def kept(lua: Lua, task: str) -> list[dict[str, str]]:
    return [fields for _, fields in lua.client.xrange(lua.keys.output(task))]


def test_lines_are_kept_in_order_with_the_outcome(lua: Lua) -> None:
    id = lua.push(keep="1h")
    token = lua.held()["token"]
    assert lua.joutput(token, "stdout", "one", "stderr", "two words") == 2
    assert lua.joutput(token, "stdout", "") == 1
    lua.jack(token, "done", note="exit 0", code="0", data="{}")
    assert kept(lua, id) == [
        {"stream": "stdout", "line": "one"},
        {"stream": "stderr", "line": "two words"},
        {"stream": "stdout", "line": ""},
        {"attempt": "1", "what": "done", "note": "exit 0", "code": "0", "data": "{}"},
    ]


def test_output_expires_after_keep(lua: Lua) -> None:
    id = lua.push(keep="1h")
    token = lua.held()["token"]
    lua.joutput(token, "stdout", "one")
    assert 3590 < lua.client.ttl(lua.keys.output(id)) <= 3600
    lua.client.persist(lua.keys.output(id))
    lua.jack(token, "done")
    assert 3590 < lua.client.ttl(lua.keys.output(id)) <= 3600


@pytest.mark.parametrize("verb", ["retry", "failed", "dead", "cancelled", "release", "accepted", "update"])
def test_every_step_is_recorded(lua: Lua, verb: str) -> None:
    id = lua.push(keep=60)
    lua.jack(lua.held()["token"], verb)
    assert [entry["what"] for entry in kept(lua, id)] == [verb]


def test_losses_and_cancellations_are_recorded(lua: Lua) -> None:
    id = lua.push(keep=60, losses=2)
    lua.held()
    lua.tick(T + 60)
    lua.held(now=T + 60)
    lua.tick(T + 120)
    assert [entry["what"] for entry in kept(lua, id)] == ["lost", "lost", "dead"]
    other = lua.push(keep=60)
    lua.jcancel(other)
    assert [entry["what"] for entry in kept(lua, other)] == ["cancelled"]


def test_a_pushed_run_of_a_job_may_be_kept(lua: Lua) -> None:
    lua.put("a", '{"keep": 1}', timeout=9)
    id = lua.jpush("a", keep="2h")
    task = lua.held()
    assert (task["payload"], json.loads(task["options"])) == ('{"keep": 1}', {"keep": 7200, "timeout": 9})
    assert lua.joutput(task["token"], "stdout", "one") == 1
    assert len(kept(lua, id)) == 1


def test_nothing_is_kept_without_keep(lua: Lua) -> None:
    lua.put("a", '{"keep": 1}', timeout=9)
    id = lua.jpush("a")
    token = lua.held()["token"]
    before = lua.everything()
    assert lua.joutput(token, "stdout", "one") == 0
    assert lua.everything() == before
    lua.jack(token, "done")
    assert kept(lua, id) == []


def test_a_stale_token_adds_nothing(lua: Lua) -> None:
    id = lua.push(keep=60)
    old = lua.held()["token"]
    lua.jack(old, "retry")
    assert lua.joutput(old, "stdout", "late") == 0
    assert len(kept(lua, id)) == 1


def test_about_the_last_ten_thousand_lines_are_kept(lua: Lua) -> None:
    id = lua.push(keep=60)
    token = lua.held()["token"]
    for first in range(0, 12_000, 500):
        words = [word for n in range(first, first + 500) for word in ("stdout", str(n))]
        lua.joutput(token, *words)
    found = kept(lua, id)
    assert 10_000 <= len(found) < 10_200
    assert found[-1]["line"] == "11999"


def test_the_last_bytes_are_kept(lua: Lua) -> None:
    id = lua.push(**{"keep": 60, "keep-bytes": 10_000})
    token = lua.held()["token"]
    for first in range(0, 300, 50):
        lua.joutput(token, *(word for n in range(first, first + 50) for word in ("stdout", f"{n:080}")))
    found = kept(lua, id)
    assert found[-1]["line"].endswith("299")
    assert 9_800 < sum(len(text) for fields in found for pair in fields.items() for text in pair) <= 10_000
    lua.joutput(token, "stderr", "x" * 12_000 + "the end")
    (last,) = kept(lua, id)
    assert last["line"].startswith("…xxx") and last["line"].endswith("the end")


def test_a_mebibyte_is_kept_unless_the_job_says_otherwise(lua: Lua) -> None:
    id = lua.push(keep=60)
    token = lua.held()["token"]
    for _ in range(9):
        lua.joutput(token, "stdout", "x" * 131_072)
    assert len(kept(lua, id)) == 7
    lua.joutput(token, "stdout", "é" * 1_000_000 + "the end")
    (last,) = kept(lua, id)
    assert last["line"].startswith("…é") and last["line"].endswith("éthe end")
    assert 1_048_570 < len(last["line"].encode()) + len("streamstdoutline") <= 1_048_576


def test_entries_are_numbered_with_those_that_are_missing(lua: Lua) -> None:
    id = lua.push(keep=60)
    token = lua.held()["token"]
    assert lua.joutput(token, "stdout", "one", "missing", "120", "stdout", "two") == 2
    assert lua.joutput(token, "missing", "7") == 0
    lua.jack(token, "done")
    numbers = [int(entry.partition("-")[2]) for entry, _ in lua.client.xrange(lua.keys.output(id))]
    assert numbers == [1, 122, 130]
    lua.refuses(OptionError, "missing: expected a whole number", "JOUTPUT", token, "missing", "x")


@pytest.mark.parametrize("bytes", ["0", "1023", "67108865", "x"])
def test_keep_bytes_has_bounds(lua: Lua, bytes: str) -> None:
    lua.refuses(OptionError, "keep-bytes: expected", "JPUSH", "echo", "x", "keep", 60, "keep-bytes", bytes)


@pytest.mark.parametrize("arguments", [[], ["a@1#1"], ["a@1#1", "stdout"], ["a#1", "stdout", "x", "stderr"]])
def test_an_incomplete_pair_is_rejected(lua: Lua, arguments: list[Any]) -> None:
    lua.refuses(OptionError, "JOUTPUT expects a token, then pairs", "JOUTPUT", *arguments)


def test_at_most_once_keeps_nothing(lua: Lua) -> None:
    says = "keep: cannot be combined with policy none, which has no lease"
    lua.refuses(OptionError, says, "JPUSH", "echo", "x", "policy", "none", "keep", 60)
    lua.put("a", policy="none")
    lua.refuses(OptionError, says, "JPUSH", "a", "keep", 60)
    assert lua.jpush("a") == f"a@{MS}-1"
