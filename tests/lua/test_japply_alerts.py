"""JSTAGE and JAPPLY: alerts of a board file, beside its jobs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs_core.errors import AgainError, ExistsError, JobsError, NotFoundError, OptionError, StaleError
from tests.lua.helpers import Lua, T
from tests.lua.test_japply import FILE, apply, roll, staged, words


def alert(name: str, when: str = "failed", payload: str = "ops", **options: Any) -> list[Any]:
    pairs = [part for pair in options.items() for part in (pair[0].rstrip("_"), pair[1])]
    return [5 + len(pairs), f"alert:{name}", "tell", payload, "when", when, *pairs]


def alerts(lua: Lua) -> dict[str, Any]:
    return {found["name"]: found for found in map(json.loads, lua.jalerts())}


def test_an_alert_is_applied_with_the_jobs_and_owned_by_the_file(lua: Lua) -> None:
    stage = lua.japply("begin", "now", T)
    (_, (before, after)) = staged(lua, stage, words("a"), alert("ops", "failed 3", for_="a, b*", every="4h"))
    assert before is None
    assert json.loads(after) == {
        **{"id": "alert:ops", "runner": "tell", "payload": "ops", "when": "failed 3", "for": ["a", "b*"]},
        **{"every": 14400, "burst": 10},
    }
    assert alerts(lua) == {} and lua.jget("a") == [None]
    assert lua.japply("commit", stage, FILE, "by", "ann", "because", "9") == 2
    roll(lua)
    assert alerts(lua)["ops"]["owner"] == FILE
    assert lua.job("a")["payload"] == "x"


def test_an_unchanged_alert_is_not_staged_and_keeps_what_it_told(lua: Lua) -> None:
    apply(lua, words("a"), alert("ops"))
    lua.jpush("a")
    lua.jack(lua.held()["token"], "dead")
    assert alerts(lua)["ops"]["open"] == 1
    stage = lua.japply("begin", "now", T)
    assert staged(lua, stage, alert("ops")) == [0]
    ((before, after),) = staged(lua, stage, alert("ops", every="1h"))
    assert json.loads(after) == json.loads(before) | {"every": 3600}
    lua.japply("commit", stage, FILE)
    roll(lua)
    assert alerts(lua)["ops"]["open"] == 1


def test_alerts_of_others_are_refused_adopted_and_not_removed(lua: Lua) -> None:
    lua.jalert("put", "hand", "tell", "x", when="dead")
    apply(lua, alert("theirs"), owner="other.yml")
    stage = lua.japply("begin", "now", T)
    for reply in staged(lua, stage, alert("hand"), alert("theirs")):
        assert isinstance(reply, ExistsError) and "adopt it, or choose another name" in str(reply)
    for reply in staged(lua, stage, [1, "alert:theirs"], [1, "alert:none"], mode="remove"):
        assert isinstance(reply, NotFoundError)
    apply(lua, alert("hand"), alert("theirs"), mode="adopt")
    assert {found["owner"] for found in alerts(lua).values()} == {FILE}
    apply(lua, [1, "alert:theirs"], mode="remove")
    assert set(alerts(lua)) == {"hand"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (alert("a b"), "alert: expected 1 to 64 letters"),
        (alert("ops", "sometimes"), "when: expected failed, dead"),
        (alert("ops", quiet="22-7"), "quiet: expected hours"),
        (alert("ops", owner="me"), "owner: unknown option"),
        (alert("ops", by="me"), "by: unknown option"),
        ([3, "alert:ops", "tell", "x"], "when: expected a condition"),
    ],
)
def test_a_bad_alert_is_refused(lua: Lua, given: list[Any], says: str) -> None:
    stage = lua.japply("begin", "now", T)
    (reply,) = staged(lua, stage, given)
    assert isinstance(reply, OptionError) and str(reply).startswith(says)
    lua.refuses(StaleError, "the stage no longer exists or is empty", "JAPPLY", "commit", stage, FILE)


def test_a_change_by_hand_makes_the_stage_stale(lua: Lua) -> None:
    apply(lua, alert("ops"))
    for change in (("put", "ops", "tell", "x", "when", "dead"), ("remove", "ops")):
        stage = lua.japply("begin", "now", T)
        staged(lua, stage, alert("ops", "done"))
        lua.call("JALERT", *change)
        lua.refuses(StaleError, "the board has changed since", "JAPPLY", "commit", stage, FILE)


def test_after_the_commit_nobody_sees_or_changes_alerts_before_all_are_in_place(lua: Lua) -> None:
    stage = lua.japply("begin", "now", T)
    staged(lua, stage, alert("ops"))
    lua.japply("commit", stage, FILE)
    put = ("put", "x", "tell", "x", "when", "dead")
    calls = [("JALERTS", ()), ("JALERT", put), ("JALERT", ("remove", "ops"))]
    replies = lua.board.commands.batch(calls)
    assert all(isinstance(reply, AgainError) for reply in replies)
    assert lua.call("JALERT", "remove", "ops") == 1  # a client finishes, and tries again


def test_a_board_takes_200_alerts_from_files_too(lua: Lua) -> None:
    names = [f"a{number}" for number in range(201)]
    stage = lua.japply("begin", "now", T)
    replies = [reply for name in names for reply in staged(lua, stage, alert(name))]
    assert [isinstance(reply, JobsError) for reply in replies] == [False] * 200 + [True]
    assert "more than 200 alerts" in str(replies[-1])
    lua.japply("commit", stage, FILE)
    assert lua.japply("roll") == 190
    roll(lua)
    assert len(alerts(lua)) == 200
    stage = lua.japply("begin", "now", T)
    staged(lua, stage, [1, "alert:a0"], mode="remove")
    (change,) = staged(lua, stage, alert("a200"))
    assert not isinstance(change, JobsError)
    lua.japply("commit", stage, FILE)
    roll(lua)
    assert len(alerts(lua)) == 200 and "a200" in alerts(lua)


def test_what_is_staged_counts_alerts_that_others_put_meanwhile(lua: Lua) -> None:
    for number in range(199):
        lua.jalert("put", f"a{number}", "tell", "x", when="dead")
    stage = lua.japply("begin", "now", T)
    staged(lua, stage, alert("ops"))
    lua.jalert("put", "last", "tell", "x", when="dead")
    lua.refuses(StaleError, "more alerts than when the stage began", "JAPPLY", "commit", stage, FILE)


def test_changes_say_who_applied_an_alert(lua: Lua) -> None:
    stage = lua.japply("begin", "now", T)
    staged(lua, stage, alert("ops"))
    lua.japply("commit", stage, FILE, "by", "ann", "because", "release 9")
    roll(lua)
    (found,) = map(json.loads, lua.jchanges()[1])
    assert (found["what"], found["target"]) == ("alert", "alert:ops")
    assert (found["by"], found["because"], found["after"]["owner"]) == ("ann", "release 9", FILE)


def test_put_by_hand_keeps_the_owner_unless_it_names_one(lua: Lua) -> None:
    apply(lua, alert("ops"))
    lua.jalert("put", "ops", "tell", "x", when="dead")
    assert alerts(lua)["ops"]["owner"] == FILE
    lua.jalert("put", "ops", "tell", "x", when="dead", owner="")
    assert "owner" not in alerts(lua)["ops"]


def test_an_applied_alert_watches_jobs_of_the_same_file(lua: Lua) -> None:
    apply(lua, words("a", every=5), alert("ops", "silent 1h", for_="a"))
    lua.tick(T)
    lua.ids()
    lua.tick(T + 3601)
    assert [task["id"].partition("@")[0] for task in lua.take("tell", count=9)] == ["alert:ops"]
