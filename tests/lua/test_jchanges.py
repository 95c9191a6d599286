"""JCHANGES: who changed what, when, and what was before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs_core import OptionError
from tests.lua.helpers import Lua, T


def changes(lua: Lua, **options: Any) -> list[dict[str, Any]]:
    """All changes, newest first, without their ids in the stream."""
    cursor, page = lua.jchanges(**options)
    assert cursor == "0"
    return [{name: value for name, value in json.loads(text).items() if name != "id"} for text in page]


def test_a_new_job_is_recorded_with_its_author_and_time(lua: Lua) -> None:
    lua.put(every=5, by="ann@host", because="new", now=T + 1)
    assert changes(lua) == [{"time": T + 1, "what": "put", "by": "ann@host", "because": "new", "job": "a"}]


def test_an_author_who_is_not_known_is_a_dash(lua: Lua) -> None:
    lua.put(every=5)
    assert changes(lua)[0]["by"] == "-"


def test_a_put_that_changes_nothing_is_not_recorded(lua: Lua) -> None:
    options = {
        "cron": "0 3 * * *",
        "timeout": 5,
        "attempts": 3,
        "retry-on": "503",
        "queue": "slow",
        "grace": 9,
    }
    lua.put(**options)
    lua.put(**dict(reversed(options.items())), by="ann")
    assert len(changes(lua)) == 1


def test_an_edit_has_the_job_before_and_after(lua: Lua) -> None:
    lua.put(cron="0 3 * * *")
    lua.jedit("a", cron="0 4 * * *", by="bob", because="too early", now=T + 1)
    day = T - T % 86400
    assert changes(lua)[0] == {
        "time": T + 1,
        "what": "edit",
        "by": "bob",
        "because": "too early",
        "job": "a",
        "before": {
            "runner": "echo",
            "cron": "0 3 * * *",
            "next": day + 86400 + 3 * 3600,
            "state": "scheduled",
        },
        "after": {
            "runner": "echo",
            "cron": "0 4 * * *",
            "next": day + 86400 + 4 * 3600,
            "state": "scheduled",
        },
    }


def test_payloads_are_shown_only_if_asked_for(lua: Lua) -> None:
    lua.put("a", "one", every=5)
    lua.put("a", "two", every=5)
    lua.put("a", "two", every=6)
    same, other, _ = changes(lua)
    assert "payload" not in other["before"] and other["payload-changed"] is True
    assert "payload-changed" not in same
    same, other, _ = changes(lua, payload=1)
    assert (other["before"]["payload"], other["after"]["payload"]) == ("one", "two")
    assert (same["before"]["payload"], same["after"]["payload"]) == ("two", "two")


def test_large_payloads_are_left_out(lua: Lua) -> None:
    lua.put("a", "x" * 4097, every=5)
    lua.put("a", "y" * 4096, every=5)
    change = changes(lua, payload=1)[0]
    assert change["before"]["payload-bytes"] == 4097 and "payload" not in change["before"]
    assert change["after"]["payload"] == "y" * 4096
    assert lua.client.memory_usage(f"{lua.keys.tag}:changes", samples=0) < 4097 + 4096


def test_a_call_makes_one_entry_for_all_its_jobs(lua: Lua) -> None:
    lua.put("b", every=5)
    call = ["set", "by", "ann", "because", "bulk", 5, "a", "echo", "x", "every", 5]
    lua.jmset(*call, 5, "b", "echo", "x", "every", 9, 3, "no,", "echo", "x")
    change, _ = changes(lua)
    assert (change["what"], change["by"], change["because"]) == ("put", "ann", "bulk")
    assert change["jobs"] == ["a", "b"] and "before" not in change
    (change, _) = changes(lua, job="b")
    assert (change["job"], change["before"]["every"], change["after"]["every"]) == ("b", 5, 9)
    assert "jobs" not in change


def test_in_a_call_of_several_jobs_the_author_comes_before_them(lua: Lua) -> None:
    reply = lua.jmset("set", 5, "a", "echo", "x", "by", "ann")
    assert "by: it is given once for all jobs of a call" in str(reply[0])
    lua.refuses(OptionError, "^by: expected a value", "JMSET", "set", "by")


def test_pause_and_resume(lua: Lua) -> None:
    lua.put(every=5)
    lua.jpause("a", by="ann", because="the database moves")
    lua.jpause("a", by="bob")
    lua.jresume("a", by="bob", now=T + 7)
    lua.jresume("a", by="bob", now=T + 8)
    resumed, paused, _ = changes(lua)
    assert (resumed["what"], resumed["by"], paused["what"], paused["by"]) == ("resume", "bob", "pause", "ann")
    assert paused["before"]["next"] == T and paused["after"]["state"] == "paused"
    assert paused["after"]["paused-because"] == paused["because"] == "the database moves"
    assert resumed["before"]["paused-by"] == "ann" and resumed["after"]["next"] == T + 10


def test_removed_jobs_are_recorded_as_they_were(lua: Lua) -> None:
    lua.put("a", every=5)
    lua.put("b", every=6)
    assert lua.jdel("a", "b", "c", "-", "by", "ann", "because", "done") == 2
    change = changes(lua, job="b")[0]
    assert (change["what"], change["by"], change["because"]) == ("remove", "ann", "done")
    assert change["before"]["every"] == 6 and "after" not in change
    assert changes(lua)[0]["jobs"] == ["a", "b"]


def test_what_is_not_there_is_not_recorded(lua: Lua) -> None:
    assert lua.jdel("a") == 0
    lua.jcancel("a@1", "0", by="ann")
    lua.jdead("purge", "a@1#1", "-", "by", "ann")
    lua.jtrim("echo", 0, by="ann")
    lua.jlimit("queue", "q", by="ann")
    lua.jretain(by="ann")
    assert changes(lua) == []


def test_pushes_of_jobs_are_recorded_and_others_are_not(lua: Lua) -> None:
    lua.put(every=5)
    task = lua.jpush("a", by="ann", because="by hand")
    lua.push()
    change, _ = changes(lua)
    del change["time"]
    assert change == {"what": "push", "by": "ann", "because": "by hand", "job": "a", "target": task}


def test_cancelled_and_trimmed_tasks_are_counted(lua: Lua) -> None:
    lua.put(every=5)
    first, _, _ = (lua.jpush("a") for _ in range(3))
    lua.jcancel(first, "0", by="ann")
    lua.jcancel("-", "0", job="a", by="bob", because="wrong")
    lua.push()
    lua.jtrim("echo", 0, by="eve")
    trimmed, job, task = changes(lua)[:3]
    assert (task["what"], task["by"], task["target"]) == ("cancel", "ann", first)
    assert (task["job"], task["count"]) == ("a", 1)
    assert (job["by"], job["because"], job["job"], job["count"]) == ("bob", "wrong", "a", 2)
    assert (trimmed["what"], trimmed["by"]) == ("trim", "eve")
    assert (trimmed["target"], trimmed["count"]) == ("queue:echo", 1)


@pytest.mark.parametrize("verb", ["retry", "purge"])
def test_dead_letters(lua: Lua, verb: str) -> None:
    lua.put(every=5)
    lua.tick(T)
    lua.jack(lua.held()["token"], "dead")
    (ticket,) = lua.client.zrange(lua.keys.dead, 0, -1)
    assert lua.jdead(verb, ticket, "nope", "-", "by", "ann", "because", "fixed") == 1
    change = changes(lua)[0]
    assert (change["what"], change["by"], change["because"], change["job"], change["count"]) == (
        verb,
        "ann",
        "fixed",
        "a",
        1,
    )


def test_limits_and_bounds(lua: Lua) -> None:
    for _ in range(2):
        lua.jlimit("queue", "echo", **{"concurrency": 3, "rate": "5/1m", "max-length": 9, "by": "ann"})
        lua.jretain(**{"dead-letters": 5, "workers": "2d", "by": "bob"})
    lua.jlimit("queue", "echo", by="eve")
    gone, bounds, limit = changes(lua)
    stored = {"concurrency": 3, "rate": "5/60", "max-length": 9}
    assert (limit["what"], limit["target"], limit["before"], limit["after"]) == (
        "limit",
        "queue:echo",
        {},
        stored,
    )
    assert (gone["by"], gone["before"], gone["after"]) == ("eve", stored, {})
    assert (bounds["what"], bounds["by"]) == ("retain", "bob")
    assert bounds["before"] == {"dead-letters": 10000, "workers": 86400000}
    assert bounds["after"] == {"dead-letters": 5, "workers": 172800000}


def test_a_board_file_is_recorded_as_it_is_put_in_place(lua: Lua) -> None:
    lua.put("a", every=5)
    lua.put("b", every=5)
    stage = lua.japply("begin")
    lua.jstage(
        stage,
        "board.yml",
        "adopt",
        5,
        "a",
        "echo",
        "x",
        "every",
        5,
        5,
        "b",
        "echo",
        "x",
        "every",
        6,
        3,
        "c",
        "echo",
        "x",
    )
    lua.japply("commit", stage, "board.yml", "by", "ann", "because", "release 9")
    lua.japply("roll")
    change = changes(lua)[0]
    assert (change["what"], change["by"], change["because"], change["target"]) == (
        "apply",
        "ann",
        "release 9",
        "board.yml",
    )
    assert change["jobs"] == ["b", "c"]
    assert changes(lua, job="b")[0]["before"]["every"] == 5


def test_pages(lua: Lua) -> None:
    for n in range(120):
        lua.put("a" if n % 60 else "b", every=n + 1, now=T + n)
    cursor, first = lua.jchanges(count=100)
    done, rest = lua.jchanges(before=cursor)
    assert [json.loads(text)["time"] for text in first + rest] == list(range(T + 119, T - 1, -1))
    assert done == "0"
    assert [change["time"] for change in changes(lua, job="b")] == [T + 60, T]
    assert [change["time"] for change in changes(lua, **{"from": T + 3, "to": T + 5})] == [
        T + 5,
        T + 4,
        T + 3,
    ]


@pytest.mark.parametrize("cursor", ["x", "0-0", "1-x", "5", f"{10**19}-1", f"1-{10**19}"])
def test_a_cursor_that_nobody_returned_is_refused(lua: Lua, cursor: str) -> None:
    says = "^before: expected 0, or the cursor that was returned"
    lua.refuses(OptionError, says, "JCHANGES", "before", cursor)


def test_a_search_for_a_rare_job_stops_and_goes_on(lua: Lua) -> None:
    lua.put("rare", every=5)
    for n in range(1200):
        lua.put("busy", every=n + 1)
    cursor, page = lua.jchanges(job="rare")
    assert page == [] and cursor != "0"
    cursor, page = lua.jchanges(job="rare", before=cursor)
    assert cursor == "0" and json.loads(page[0])["job"] == "rare"


def test_old_changes_go_by_number(lua: Lua) -> None:
    lua.jretain(changes=100)
    for n in range(500):
        lua.put(every=n + 1)
    assert 100 <= lua.client.xlen(f"{lua.keys.tag}:changes") <= 200


def test_old_changes_go_by_bytes(lua: Lua) -> None:
    lua.jretain(**{"changes-bytes": 20000})
    for n in range(50):
        lua.put("a", f"{n:04}" * 500, every=5)
    assert lua.client.xlen(f"{lua.keys.tag}:changes") < 12


def test_a_board_may_record_no_changes(lua: Lua) -> None:
    lua.jretain(changes="off")
    lua.put(every=5)
    assert changes(lua) == []


@pytest.mark.parametrize("by", ["a\nb", "x" * 257, b"\xff"])
def test_an_author_is_short_text_on_one_line(lua: Lua, by: Any) -> None:
    lua.refuses(OptionError, "^by: expected UTF-8", "JSET", "a", "echo", "x", "by", by)
    assert not lua.client.exists(lua.keys.job, f"{lua.keys.tag}:changes")


def test_a_staged_job_has_no_author_of_its_own(lua: Lua) -> None:
    stage = lua.japply("begin")
    reply = lua.jstage(stage, "f", "put", 5, "a", "echo", "x", "by", "ann")
    assert "by: it is given once" in str(reply[0])
