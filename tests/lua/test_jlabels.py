"""JLABELS: the labels in use, and the index that every change of a job keeps."""

from __future__ import annotations

import re
from typing import Any

import pytest

from jobs_core import OptionError
from tests.lua.helpers import Lua, T


def counts(lua: Lua) -> dict[str, int]:
    flat = lua.jlabels()
    return dict(zip(flat[::2], flat[1::2], strict=True))


def index(lua: Lua) -> dict[str, list[str]]:
    """Return the jobs of each label by the index, after checking that the counts agree with it."""
    prefix = f"{lua.keys.tag}:labels:"
    keys: list[Any] = lua.client.keys(f"{prefix}*")
    found: dict[str, Any] = {key.removeprefix(prefix): lua.client.zrange(key, 0, -1) for key in keys}
    assert counts(lua) == {label: len(ids) for label, ids in found.items()}
    return found


def test_put_indexes_the_labels_of_a_job(lua: Lua) -> None:
    lua.put("a", label="team=payments,tier=1")
    lua.put("b", label="team=payments")
    lua.put("c")
    assert index(lua) == {"team=payments": ["a", "b"], "tier=1": ["a"]}
    assert lua.job("a")["label"] == ["team=payments", "tier=1"]
    assert "label" not in lua.job("c")


def test_labels_are_counted_in_order(lua: Lua) -> None:
    lua.put("a", label="tier=1,team=b")
    assert lua.jlabels() == ["team=b", 1, "tier=1", 1]


def test_labels_are_sorted_and_given_twice_count_once(lua: Lua) -> None:
    lua.put("a", label="b=2,a=1,b=2")
    assert lua.job("a")["label"] == ["a=1", "b=2"]


@pytest.mark.parametrize(("options", "left"), [({"label": "x=1"}, {"x=1": ["a"]}), ({}, {})])
def test_putting_again_replaces_labels(lua: Lua, options: dict[str, str], left: dict[str, list[str]]) -> None:
    lua.put("a", label="team=payments")
    lua.put("a", **options)
    assert index(lua) == left


def test_edit_changes_and_removes_labels(lua: Lua) -> None:
    lua.put("a", label="team=payments", every=5)
    lua.jedit("a", "timeout", 9)
    assert index(lua) == {"team=payments": ["a"]}
    lua.jedit("a", "label", "team=ops")
    assert index(lua) == {"team=ops": ["a"]}
    lua.jedit("a", "label", "")
    assert index(lua) == {}
    assert "label" not in lua.job("a")


def test_removing_a_job_removes_it_from_the_index(lua: Lua) -> None:
    lua.put("a", label="team=payments")
    lua.put("b", label="team=payments")
    lua.jdel("a")
    assert index(lua) == {"team=payments": ["b"]}


def test_several_jobs_in_one_call(lua: Lua) -> None:
    lua.put("a", label="x=1")
    words: list[Any] = []
    for id, label in (("a", "x=2"), ("b", "x=1"), ("b", "x=2"), ("c", "x=3")):
        words += [5, id, "echo", "x", "label", label]
    lua.jmset("set", *words)
    assert index(lua) == {"x=2": ["a", "b"], "x=3": ["c"]}


def test_many_labels_in_one_call(lua: Lua) -> None:
    labels = ",".join(f"n{number}=1" for number in range(16))
    words: list[Any] = []
    for number in range(150):
        words += [5, f"j{number:03}", "echo", "x", "label", labels]
    lua.jmset("set", *words)
    assert {label: len(ids) for label, ids in index(lua).items()} == {f"n{n}=1": 150 for n in range(16)}


def test_pausing_keeps_labels(lua: Lua) -> None:
    lua.put("a", every=5, label="x=1")
    lua.jpause("a")
    lua.jresume("a")
    assert index(lua) == {"x=1": ["a"]}


def test_a_job_that_expires_leaves_the_index(lua: Lua) -> None:
    lua.call("JRETAIN", "expire-ended", "1h")
    lua.put("a", at=T + 1, label="x=1")
    lua.tick(T + 1)
    assert index(lua) == {"x=1": ["a"]}
    lua.tick(T + 3700)
    assert index(lua) == {}


def test_a_board_file_changes_labels_when_it_is_rolled_out(lua: Lua) -> None:
    lua.put("old", label="x=1")
    lua.client.hset(f"{lua.keys.tag}:owners", "old", "f")
    stage = lua.japply("begin")
    lua.jstage(stage, "f", "put", 5, "new", "echo", "x", "label", "x=2")
    lua.jstage(stage, "f", "remove", 1, "old")
    assert index(lua) == {"x=1": ["old"]}
    lua.japply("commit", stage, "f")
    assert lua.japply("roll") == 0
    assert index(lua) == {"x=2": ["new"]}


def test_an_equal_declaration_stages_nothing(lua: Lua) -> None:
    lua.put("a", label="x=1,y=2")
    lua.client.hset(f"{lua.keys.tag}:owners", "a", "f")
    stage = lua.japply("begin")
    assert lua.jstage(stage, "f", "put", 5, "a", "echo", "x", "label", "y=2,x=1") == [0]


def test_a_task_carries_the_labels_of_its_job(lua: Lua) -> None:
    lua.put("a", label="team=payments")
    lua.jpush("a")
    assert '"label":["team=payments"]' in lua.held()["options"]


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ("team", "expected name=value, such as team=payments, got 'team'"),
        ("=x", "expected a name of 1 to 63 letters"),
        ("te am=x", "expected a name of 1 to 63 letters"),
        ("n" * 64 + "=x", "expected a name of 1 to 63 letters"),
        ("team=", "expected a value of 1 to 63 bytes"),
        ("team=a b", "without spaces, commas or control characters for 'team'"),
        ("team=a\x01", "without spaces, commas or control characters for 'team'"),
        ("team=" + "é" * 32, "expected a value of 1 to 63 bytes"),
        ("team=a,team=b", "expected one value for 'team', got 'team=a' and 'team=b'"),
        (",".join(f"n{number}=1" for number in range(17)), "expected at most 16 labels, got 17"),
    ],
)
def test_wrong_labels_are_rejected(lua: Lua, label: str, says: str) -> None:
    with pytest.raises(OptionError, match=re.escape(says)) as caught:
        lua.put("a", label=label)
    assert caught.value.option == "label"
    assert lua.client.exists(lua.keys.job) == 0


@pytest.mark.parametrize("label", ["A.b-c_1=ü/=:x", "n" * 63 + "=" + "v" * 63])
def test_names_and_values_may_have(lua: Lua, label: str) -> None:
    lua.put("a", label=label)
    assert index(lua) == {label: ["a"]}
