"""JACK: report on a task by its token."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs_core import OptionError, StaleError
from tests.lua.helpers import MS, Lua, T, Task

VERBS = ("done", "failed", "retry", "dead", "cancelled", "release")
COUNTERS = {"done": "done", "retry": "retried", "release": "released", "failed": "failed"}


@pytest.mark.parametrize("verb", VERBS)
def test_jack_returns_the_task_id_and_ends_the_lease(lua: Lua, verb: str) -> None:
    lua.push()
    held = lua.held()
    assert lua.jack(held["token"], verb) == held["id"]
    assert lua.count()["leased"] == 0
    assert lua.stats()[COUNTERS.get(verb, verb)] == 1


def test_a_done_task_is_removed(lua: Lua) -> None:
    lua.push()
    lua.jack(lua.held()["token"], "done")
    assert lua.client.exists(lua.keys.task) == 0
    assert (lua.tick(T + 99), lua.take()) == (0, [])


def test_a_retry_without_a_delay_goes_to_the_front(lua: Lua) -> None:
    lua.push("first")
    lua.push("second")
    lua.jack(lua.held()["token"], "retry")
    found = lua.take(count=2)
    assert [(task["payload"], task["attempt"]) for task in found] == [("first", 2), ("second", 1)]


def test_a_retry_waits_for_its_delay(lua: Lua) -> None:
    lua.push("x", timeout=9)
    held = lua.held()
    lua.jack(held["token"], "retry", delay="1m")
    assert (lua.take(), lua.count()["delayed"], lua.tick(T + 59.999)) == ([], 1, 0)
    assert lua.tick(T + 60) == 1
    (again,) = lua.take()
    assert again == held | {"attempt": 2, "token": "", "history": f"failed {MS} - - "}
    assert lua.client.exists(lua.keys.task) == 0


def test_a_release_does_not_count_as_an_attempt(lua: Lua) -> None:
    lua.push("first")
    lua.push("second")
    lua.jack(lua.held()["token"], "release")
    found = lua.take(count=2)
    assert [(task["payload"], task["attempt"]) for task in found] == [("first", 1), ("second", 1)]


def test_a_dead_letter_keeps_the_whole_task_and_when_it_died(lua: Lua) -> None:
    lua.put("a", "the\npayload", at=T, timeout=9, queue="slow")
    lua.tick()
    (held,) = lua.take("slow", lease=30)
    lua.jack(held["token"], "dead", now=T + 3)
    assert lua.client.zscore(lua.keys.dead, held["token"]) == MS + 3000
    record = lua.client.hget(lua.keys.task, held["token"])
    assert record == f'1\na@{MS}\nfailed {MS + 3000} - - \nslow\necho\n{{"timeout":9}}\nthe\npayload'
    assert (lua.count()["dead"], lua.tick(T + 99), lua.take("slow")) == (1, 0, [])


@pytest.mark.parametrize("verb", VERBS)
def test_a_stale_token_is_rejected_and_counted(lua: Lua, verb: str) -> None:
    lua.push()
    stale = lua.held()["token"]
    lua.tick(T + 30)
    newer = lua.held(now=T + 30)
    before = lua.everything()
    with pytest.raises(StaleError, match=f"^the token '{stale}' no longer holds its task$"):
        lua.jack(stale, verb)
    after = lua.everything()
    assert {key for key in after if after[key] != before[key]} == {lua.keys.stats}
    assert lua.stats()["stale"] == 1
    assert lua.jack(newer["token"], "done") == newer["id"]


def test_reporting_twice_is_rejected(lua: Lua) -> None:
    lua.push()
    token = lua.held()["token"]
    lua.jack(token, "done")
    with pytest.raises(StaleError):
        lua.jack(token, "done")
    assert (lua.stats()["done"], lua.stats()["stale"]) == (1, 1)


def test_reporting_requires_the_token(lua: Lua) -> None:
    lua.push()
    held = lua.held()
    for token in ("", held["id"], held["id"] + "#", held["id"] + "#99", "#1"):
        with pytest.raises(StaleError):
            lua.jack(token, "done")
    assert lua.count()["leased"] == 1


def test_an_expired_lease_still_accepts_a_report_before_the_tick(lua: Lua) -> None:
    lua.push()
    held = lua.held(lease=30)
    assert lua.jack(held["token"], "done", now=T + 99) == held["id"]
    assert lua.tick(T + 99) == 0


def test_the_history_truncates_long_reports(lua: Lua) -> None:
    lua.push()
    data = '{"a":"' + 65528 * "x" + '"}'
    lua.jack(lua.held()["token"], "retry", note="é" * 600, code="é" * 33, data=data)
    held = lua.held()
    assert held["history"].split("\t")[0].split(" ")[3:] == ["é" * 32, "é" * 98 + "…"]
    lua.jack(held["token"], "done", data=data[:-2] + 'the end"}')
    first, last = [entry for _, entry in lua.client.xrange(lua.keys.history)]
    assert (first["note"], first["code"], first["data"]) == ("é" * 498 + "…", "é" * 32, data)
    assert len(last["data"]) <= 65536
    kept = json.loads(last["data"])
    assert kept["truncated"] is True
    assert kept["end"].startswith("…xxx") and kept["end"].endswith('xthe end"}')


@pytest.mark.parametrize("data", ["x", "", "[1]", "5", '{"a":', '{"a":1} x'])
def test_data_must_be_a_json_object(lua: Lua, data: str) -> None:
    lua.push()
    token = lua.held()["token"]
    lua.refuses(OptionError, "data: expected a JSON object", "JACK", token, "done", "data", data)
    assert lua.jack(token, "done", data=" {}")


def test_the_history_keeps_each_attempt_with_its_note_code_and_data(lua: Lua) -> None:
    lua.push()
    first = lua.held()
    lua.jack(first["token"], "retry", note="busy\nagain", code=75, data='{"a":1}')
    lua.jack(lua.held()["token"], "done")
    entries = [entry for _, entry in lua.client.xrange(lua.keys.history)]
    assert entries == [
        {
            "task": first["id"],
            "attempt": "1",
            "what": "retry",
            "note": "busy\nagain",
            "code": "75",
            "data": '{"a":1}',
        },
        {"task": first["id"], "attempt": "2", "what": "done"},
    ]


def test_the_history_keeps_about_the_last_ten_thousand(lua: Lua) -> None:
    pipe = lua.client.pipeline(transaction=False)
    for _ in range(10_500):
        pipe.xadd(lua.keys.history, {"what": "done"})
    pipe.execute()
    lua.push()
    lua.jack(lua.held()["token"], "done")
    assert 10_000 <= lua.client.xlen(lua.keys.history) < 10_400


def test_a_requeued_task_wakes_a_worker_and_a_delayed_one_a_clock(lua: Lua) -> None:
    lua.push()
    for verb, options, woken in (
        ("release", {}, "wake:echo"),
        ("retry", {}, "wake:echo"),
        ("retry", {"delay": 5}, "wake"),
    ):
        token = lua.held()["token"]
        lua.forget_wakes()
        lua.jack(token, verb, **options)
        assert lua.wakes() == [woken]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "verb: expected done, failed, cancelled, accepted, retry, release, dead or update, got ''"),
        (["finished"], "verb: expected done, failed, .* got 'finished"),
        (["retry", "delay", "x"], "delay: expected a duration such as 90, 1h30m or PT1H30M, got 'x'"),
        (["retry", "delay"], "delay: expected a value, got none"),
        (["done", "reason", "x"], "reason: unknown option"),
        (["dead", "now", "x"], "now: expected a time such as .*, got 'x'"),
    ],
)
def test_a_rejected_report_leaves_the_lease_unchanged(lua: Lua, arguments: list[Any], says: str) -> None:
    lua.push()
    token = lua.held()["token"]
    lua.refuses(OptionError, says, "JACK", token, *arguments)
    assert lua.jack(token, "done")


def test_an_ended_task_leaves_nothing_behind(lua: Lua) -> None:
    before = set(lua.client.keys(f"{lua.keys.tag}:*"))
    lua.push()
    lua.jack(lua.held()["token"], "done")
    left = {key.partition(":")[2] for key in set(lua.client.keys(f"{lua.keys.tag}:*")) - before}
    assert left <= {"stats", "history", "hours", "queues", "wake:echo"}


# The history of a task


def history(lua: Lua, now: float = T) -> str:
    """Return the history that the next worker receives."""
    return str(lua.held(now=now)["history"])


def test_the_next_worker_decides_about_a_failure(lua: Lua) -> None:
    lua.push("first", losses=1)
    lua.push("second")
    held = lua.held(worker="w1")
    assert lua.jack(held["token"], "failed", code="http 503", note="busy\nor\tso", now=T + 3) == held["id"]
    again = lua.held(now=T + 3)
    assert (again["id"], again["attempt"]) == (held["id"], 2)
    assert again["history"] == f"failed? {MS + 3000} w1 http_503 busy or so"
    assert (lua.stats()["failed"], lua.stats()["retried"], lua.stats()["dead"]) == (1, 0, 0)


def test_a_failure_is_queued_at_once_despite_retry_after(lua: Lua) -> None:
    lua.push()
    lua.jack(lua.held()["token"], "failed", delay="1h")
    assert (lua.count()["delayed"], lua.count()["queued"]) == (0, 1)


def test_a_retry_is_decided(lua: Lua) -> None:
    lua.push()
    lua.jack(lua.held(worker="w1")["token"], "retry", code=75, now=T + 1)
    lua.jack(lua.held(worker="w2", now=T + 2)["token"], "retry", note="again", now=T + 3)
    assert history(lua) == f"failed {MS + 1000} w1 75 \tfailed {MS + 3000} w2 - again"


def test_a_release_leaves_no_entry(lua: Lua) -> None:
    lua.push()
    lua.jack(lua.held(worker="w1")["token"], "retry", now=T + 1)
    lua.jack(lua.held()["token"], "release")
    again = lua.held()
    assert (again["attempt"], again["history"]) == (2, f"failed {MS + 1000} w1 - ")


def test_a_release_may_wait(lua: Lua) -> None:
    lua.push()
    lua.jack(lua.held()["token"], "release", delay=10)
    assert (lua.take(), lua.tick(T + 9.999), lua.tick(T + 10)) == ([], 0, 1)
    assert lua.take()[0]["attempt"] == 1


def test_a_long_code_and_note_are_truncated(lua: Lua) -> None:
    lua.push()
    lua.jack(lua.held()["token"], "retry", code="c" * 999, note="n" * 999)
    assert history(lua) == f"failed {MS} - {'c' * 64} {'n' * 197}…"


@pytest.mark.parametrize("note", ["", " ", "a ? b", "lost? 1 - - ", "\tlost\tlost\n", "%1%%", "é", "\0"])
def test_a_note_cannot_forge_an_entry(lua: Lua, note: str) -> None:
    lua.push("x", losses=1)
    lua.jack(lua.held()["token"], "retry", note=note, code=note)
    again = lua.held()
    assert (again["payload"], again["attempt"], again["history"].count("\t")) == ("x", 2, 0)
    lua.jack(again["token"], "retry")
    assert lua.held()["history"].startswith("failed ")
    assert lua.stats()["doubled"] == 0


def test_the_last_twenty_attempts_are_kept(lua: Lua) -> None:
    lua.push()
    for attempt in range(1, 25):
        lua.jack(lua.held()["token"], "retry", code=attempt)
    task = lua.held()
    assert task["attempt"] == 25
    # The attempt under way has a place of its own.
    assert [entry.split(" ")[3] for entry in task["history"].split("\t")] == [str(n) for n in range(5, 25)]
    lua.jack(task["token"], "dead", code=25)
    (dead,) = lua.tasks(state="dead")
    assert [entry.split(" ")[3] for entry in dead["history"].split("\t")] == [str(n) for n in range(6, 26)]


# Unstarted attempts: a report is about the previous attempt


def undecided(lua: Lua) -> Task:
    """Return a lost task, held by a worker whose policy must decide."""
    lua.push()
    lua.held(worker="w1")
    lua.tick(T + 30)
    task = lua.held(worker="w2", now=T + 30)
    assert (task["attempt"], task["history"]) == (2, f"lost? {MS + 30_000} w1 lost ")
    return task


def test_an_unstarted_retry_decides_the_previous_attempt(lua: Lua) -> None:
    lua.jack(undecided(lua)["token"], "retry", unstarted=1, delay=5, now=T + 30)
    lua.tick(T + 35)
    again = lua.held(now=T + 35)
    assert (again["attempt"], again["history"]) == (2, f"lost {MS + 30_000} w1 lost ")
    assert lua.stats()["doubled"] == 1
    assert lua.adds_up()


def test_an_unstarted_death_decides_the_previous_attempt(lua: Lua) -> None:
    lua.jack(undecided(lua)["token"], "dead", unstarted=1, now=T + 30)
    (dead,) = lua.tasks(state="dead")
    assert (dead["attempt"], dead["history"]) == (1, f"lost {MS + 30_000} w1 lost ")
    assert lua.adds_up()


def test_an_unstarted_attempt_may_end_in_any_way(lua: Lua) -> None:
    lua.jack(undecided(lua)["token"], "done", unstarted=1, now=T + 30)
    assert (lua.stats()["done"], lua.adds_up()) == (1, True)


@pytest.mark.parametrize(("verb", "mark"), [("failed", "?"), ("retry", "")])
def test_an_end_decides_the_previous_attempts(lua: Lua, verb: str, mark: str) -> None:
    lua.jack(undecided(lua)["token"], verb, now=T + 31)
    assert history(lua, T + 31) == f"lost {MS + 30_000} w1 lost \tfailed{mark} {MS + 31_000} w2 - "


def test_a_release_leaves_undecided_attempts_undecided(lua: Lua) -> None:
    task = undecided(lua)
    lua.jack(task["token"], "release")
    assert history(lua, T + 30) == task["history"]


def test_a_report_on_a_started_attempt_does_not_change_the_previous_one(lua: Lua) -> None:
    lua.jack(undecided(lua)["token"], "retry", now=T + 31)
    told = [entry.split(" ")[0] for entry in history(lua, T + 31).split("\t")]
    assert told[-1] == "failed"
    assert len(told) == 2


# Accepted tasks


def test_an_accepted_task_stays_open_under_its_token(lua: Lua) -> None:
    lua.push()
    held = lua.held(lease=30)
    assert lua.jack(held["token"], "accepted", timeout="1h", now=T + 5) == held["id"]
    assert (lua.tick(T + 3604.999), lua.count()["leased"]) == (0, 1)
    assert lua.jack(held["token"], "done", now=T + 3604) == held["id"]
    assert (lua.stats()["done"], lua.adds_up()) == (1, True)


def test_an_accepted_task_stays_open_for_a_day_by_default(lua: Lua) -> None:
    lua.push()
    lua.jack(lua.held()["token"], "accepted")
    assert [lua.tick(T + 86_399.999), lua.tick(T + 86_400)] == [0, 1]


def test_an_accepted_task_ends_like_any_other(lua: Lua) -> None:
    for verb in VERBS:
        lua.push(verb)
        token = lua.held()["token"]
        lua.jack(token, "accepted")
        lua.jack(token, verb)
        assert lua.adds_up()
        lua.take(count=9)
        with pytest.raises(StaleError):
            lua.jack(token, "done")


def test_accepting_again_changes_the_deadline(lua: Lua) -> None:
    lua.push()
    token = lua.held()["token"]
    lua.jack(token, "accepted", timeout=100)
    lua.jack(token, "accepted", timeout=200, now=T + 50)
    assert (lua.tick(T + 249), lua.count()["leased"]) == (0, 1)
    lua.jack(token, "accepted", timeout=5, now=T + 249)
    assert lua.tick(T + 254) == 1


@pytest.mark.parametrize("accepted", [True, False])
def test_an_update_records_progress_and_changes_nothing_else(lua: Lua, accepted: bool) -> None:
    lua.push()
    token = lua.held(worker="w1")["token"]
    if accepted:
        lua.jack(token, "accepted", timeout=30)
    for progress, note in ((0, "begun"), ("33.3", "on"), (100, "ready")):
        lua.jack(token, "update", progress=progress, note=note, now=T + 20)
    lua.jack(token, "update", now=T + 20)
    (task,) = lua.tasks()
    found = (task["state"], task["progress"], task["note"], task["worker"], task["since"])
    assert found == ("accepted" if accepted else "leased", 100, "ready", "w1", T)
    assert (lua.tick(T + 29.999), lua.tick(T + 30)) == (0, 1)


def test_the_history_records_accepts_and_updates(lua: Lua) -> None:
    id = lua.push()
    token = lua.held()["token"]
    lua.jack(token, "accepted", note="job 7")
    lua.jack(token, "update", progress=50)
    told = [entry for _, entry in lua.client.xrange(lua.keys.history)]
    assert told == [
        {"task": id, "attempt": "1", "what": "accepted", "note": "job 7"},
        {"task": id, "attempt": "1", "what": "update", "progress": "50"},
    ]


@pytest.mark.parametrize("verb", ["accepted", "update"])
def test_a_stale_token_neither_accepts_nor_updates(lua: Lua, verb: str) -> None:
    lua.push()
    stale = lua.held()["token"]
    lua.tick(T + 30)
    before = lua.everything()
    with pytest.raises(StaleError):
        lua.jack(stale, verb)
    after = lua.everything()
    assert {key for key in after if after[key] != before[key]} == {lua.keys.stats}


@pytest.mark.parametrize(
    "text",
    ["-1", "101", "x", "", "1e3", "inf", "nan"],
)
def test_progress_is_from_0_to_100(lua: Lua, text: str) -> None:
    lua.push()
    token = lua.held()["token"]
    says = f"^progress: expected a number from 0 to 100, got '{text}'$"
    lua.refuses(OptionError, says, "JACK", token, "update", "progress", text)


def test_a_worker_may_have_no_name_or_one_with_spaces(lua: Lua) -> None:
    for name, told in (("", "-"), ("a b\tc", "a_b_c"), ("é", "é")):
        lua.push()
        token = lua.held(worker=name)["token"]
        lua.jack(token, "update", progress=5)
        lua.jack(token, "dead")
        assert lua.tasks(state="dead")[-1]["history"].split(" ")[2] == told
        lua.jdead("purge", token)
