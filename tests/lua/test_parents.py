"""What a job learns of the jobs it ran after: their tasks, outcomes, codes, notes and data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lua.helpers import MS, Lua, T
from tests.lua.test_after import child, end

LARGEST = 65_536


@pytest.fixture
def family(lua: Lua) -> Lua:
    """Parents a and b, on the queue `echo`."""
    for id in "ab":
        lua.put(id)
    return lua


def carried(lua: Lua) -> list[dict[str, Any]]:
    """The parents that the next run carries."""
    (task,) = lua.take("children", lease=30)
    found: list[dict[str, Any]] = json.loads(task["options"] or "{}").get("parents", [])
    return found


def test_a_child_learns_how_each_parent_ended(family: Lua) -> None:
    child(family, on="end")
    end(family, "b", "dead", code="3", note="exit 3", data='{"rows": 3, "big": 9007199254740993, "none": []}')
    end(family, "a", "cancelled", note="told to stop")
    assert carried(family) == [
        {"job": "a", "task": f"a@{MS}-2", "outcome": "cancelled", "note": "told to stop"},
        {
            "job": "b",
            "task": f"b@{MS}-1",
            "outcome": "dead",
            "code": "3",
            "note": "exit 3",
            "data": {"rows": 3, "big": 9007199254740993, "none": []},
        },
    ]


def test_parents_go_into_the_options_and_leave_the_payload_alone(family: Lua) -> None:
    family.put("c", '{"parents": "mine"}', after="a", queue="children", timeout=9)
    end(family, "a", note='say "hi"\n')
    (task,) = family.take("children", lease=30)
    assert task["payload"] == '{"parents": "mine"}'
    options = json.loads(task["options"])
    assert (options["timeout"], options["parents"][0]["note"]) == (9, 'say "hi"\n')


def test_with_any_a_child_learns_of_the_parent_that_ended(family: Lua) -> None:
    child(family, join="any")
    end(family, "a", code="7")
    assert [(one["job"], one["code"]) for one in carried(family)] == [("a", "7")]


def test_the_latest_ending_of_a_parent_counts(family: Lua) -> None:
    child(family)
    for code in "12":
        end(family, "a", code=code)
    end(family, "b")
    assert [one.get("code") for one in carried(family)] == ["2", None]


def test_a_task_that_ends_in_a_batch_is_known_like_others(family: Lua) -> None:
    child(family)
    family.jpush("a")
    family.jpush("b")
    tokens = [task["token"] for task in family.take(count=2, lease=30)]
    family.jmack(*(word for token in tokens for word in (4, token, "done", "code", token[0])))
    assert [one["code"] for one in carried(family)] == ["a", "b"]


def test_a_task_lost_too_often_says_so(lua: Lua) -> None:
    lua.put("a", losses=1)
    child(lua, after="a", on="dead")
    lua.jpush("a", now=T)
    lua.take(lease=30)
    lua.tick(T + 60)
    assert [(one["code"], one["note"]) for one in carried(lua)] == [("lost", "lost too often")]


def test_a_run_that_is_pushed_has_no_parents(family: Lua) -> None:
    child(family)
    end(family, "a")
    family.jpush("c")
    assert carried(family) == []
    end(family, "b")
    assert family.ids("children") == []


def test_data_of_all_parents_share_64_kib(lua: Lua) -> None:
    for id in "abd":
        lua.put(id)
    child(lua, after="a,b,d")
    for id, length in (("a", 60_000), ("b", 60_000), ("d", 100)):
        end(lua, id, data=json.dumps({"text": "x" * length}))
    found = carried(lua)
    sizes = [len(json.dumps(one["data"], separators=(",", ":"))) for one in found]
    assert sum(sizes) <= LARGEST and sizes[0] == sizes[1] > 16_000
    assert [one["data"].get("truncated") for one in found] == [True, True, None]
    assert found[0]["data"]["end"].endswith('xxx"}')
    assert found[2]["data"] == {"text": "x" * 100}


@pytest.mark.parametrize(
    "data", ['{"a": nan}', '{"a": 0x10}', '{"a": 01}', '{"a": "tab\there"}', '{"a": 1.}']
)
def test_data_that_only_redis_reads_becomes_text(family: Lua, data: str) -> None:
    child(family, after="a")
    end(family, "a", data=data)
    assert carried(family)[0]["data"] == {"text": data}


@pytest.mark.parametrize(
    "data", ['{"a": [1.05, -2e-5, 1E+3, 0, 10, true, null, "nan 01 \\" \\u00e9"]}', '{\n  "é": {}\n}']
)
def test_other_data_stays_as_it_is(family: Lua, data: str) -> None:
    child(family, after="a")
    end(family, "a", data=data)
    assert carried(family)[0]["data"] == json.loads(data)


def test_parents_that_ended_before_boards_had_details_count(family: Lua) -> None:
    child(family)
    tag = family.keys.tag
    family.client.sadd(f"{tag}:met:c", "a")
    family.client.rpush(f"{tag}:follow", f"done {MS} - b")
    family.tick()
    assert carried(family) == [{"job": "a"}, {"job": "b"}]


def test_nothing_of_a_removed_job_remains(family: Lua) -> None:
    child(family)
    end(family, "a")
    assert family.size("endings", "c") == 1
    family.jdel("c")
    assert not family.client.keys(f"{family.keys.tag}:endings:*")


def test_a_job_without_children_writes_nothing_more(family: Lua) -> None:
    before = set(family.everything())
    end(family, "a", data='{"rows": 3}')
    assert not {key for key in set(family.everything()) - before if "follow" in key or "endings" in key}
