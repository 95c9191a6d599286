"""JBACKFILL, JBACKFILLS and JDUES: the occurrences of the past, as tasks under their own ids."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs_core import NotFoundError, OptionError
from jobs_core.engine import zones
from tests.lua.helpers import MS, Lua, T

HOUR, DAY = 3600, 86400


def begin(lua: Lua, start: float | str, stop: float | str = T, job: str = "a", **options: Any) -> str:
    """Start a backfill. Returns its number."""
    return str(lua.jbackfill("start", job, "from", start, "to", stop, **options))


def read(lua: Lua, id: str) -> dict[str, Any]:
    """Return a backfill, as JBACKFILLS shows it."""
    found: dict[str, Any] = json.loads(lua.jbackfills(id)[0])
    return found


def counts(lua: Lua, id: str, *names: str) -> list[int]:
    return [read(lua, id)[name] for name in names]


def run(lua: Lua, verb: str = "done", **options: Any) -> str:
    """Take the next task and report on it. Returns its id."""
    task = lua.held(**options)
    lua.jack(task["token"], verb)
    return str(task["id"])


def run_all(lua: Lua, verb: str = "done") -> list[str]:
    """Run every task there is, one after the other. Returns their ids."""
    found: list[str] = []
    while tasks := lua.take(lease=30):
        lua.jack(tasks[0]["token"], verb)
        found.append(tasks[0]["id"])
    return found


def dues(lua: Lua, start: float | str, stop: float | str = T, job: str = "a", **options: Any) -> list[Any]:
    """Call JDUES for all pages. Returns pairs of seconds and state."""
    cursor, found = "0", []
    while True:
        cursor, flat = lua.jdues(job, "from", start, "to", stop, cursor=cursor, **options)
        found += [(ms / 1000, state) for ms, state in zip(flat[::2], flat[1::2], strict=True)]
        if cursor == "0":
            return found


def hourly(lua: Lua, **options: Any) -> None:
    """Put a job that runs every hour, the next time in an hour."""
    lua.put(every=HOUR, start=T - 100 * HOUR, now=T, **options)


def ids(*hours: int) -> list[str]:
    """Return the ids of occurrences that many hours before T."""
    return [f"a@{MS - hour * HOUR * 1000}" for hour in hours]


def test_occurrences_run_in_order_one_at_a_time_under_their_own_ids(lua: Lua) -> None:
    hourly(lua)
    id = begin(lua, T - 3 * HOUR)
    assert counts(lua, id, "occurrences", "total", "running", "left") == [3, 3, 1, 2]
    assert lua.count()["queued"] == 1
    assert run_all(lua) == ids(3, 2, 1)
    found = read(lua, id)
    assert (found["state"], found["done"], found["left"], found["running"]) == ("done", 3, 0, 0)
    assert (lua.stats()["backfilled"], lua.adds_up()) == (3, True)


def test_the_next_is_queued_by_the_report_on_the_one_before(lua: Lua) -> None:
    hourly(lua)
    begin(lua, T - 2 * HOUR)
    run(lua)
    assert lua.count()["queued"] == 1


def test_latest_first(lua: Lua) -> None:
    hourly(lua)
    begin(lua, T - 3 * HOUR, order="latest")
    assert run_all(lua) == ids(1, 2, 3)


def test_at_most_concurrency_tasks_are_queued_or_running(lua: Lua) -> None:
    hourly(lua)
    id = begin(lua, T - 5 * HOUR, concurrency=2)
    first, second = lua.take(count=9, lease=30)
    lua.tick(limit=1)
    assert (lua.ids(), counts(lua, id, "running")) == (ids(0), [2])  # the job's own occurrence
    lua.jack(first["token"], "done")
    assert lua.count()["queued"] == 1
    lua.jack(second["token"], "done")
    assert lua.count()["queued"] == 2


def test_occurrences_from_the_next_run_on_are_left_to_ticks(lua: Lua) -> None:
    hourly(lua)
    begin(lua, T - 2 * HOUR, T + 5 * HOUR)
    assert run_all(lua) == ids(2, 1)
    lua.tick()
    assert run_all(lua) == ids(0)


def test_a_task_under_way_or_dead_is_not_queued_again(lua: Lua) -> None:
    lua.put(every=HOUR, start=T - 4 * HOUR, now=T - 4 * HOUR, attempts=1)
    for hour in (4, 3, 2, 1):
        lua.tick(T - hour * HOUR)
    run(lua, "dead")
    lua.jack(lua.held()["token"], "retry", delay=60)  # delayed
    lua.held(lease=HOUR)  # leased; the fourth is queued
    id = begin(lua, T - 4 * HOUR)
    assert counts(lua, id, "occurrences", "ran", "total") == [4, 4, 0]
    assert (read(lua, id)["state"], lua.count()["queued"]) == ("done", 1)


def test_a_task_that_a_limit_holds_is_not_queued_again(lua: Lua) -> None:
    lua.put(every=HOUR, start=T - 2 * HOUR, now=T - 2 * HOUR, concurrency=1)
    lua.tick(T - 2 * HOUR)
    lua.tick(T - HOUR)
    lua.take(count=2, lease=9 * HOUR)
    assert lua.count()["held"] == 1
    assert counts(lua, begin(lua, T - 2 * HOUR), "ran", "total") == [2, 0]


def test_the_same_range_twice_queues_nothing_twice(lua: Lua) -> None:
    hourly(lua)
    first, second = begin(lua, T - 3 * HOUR), begin(lua, T - 4 * HOUR)
    assert sorted(run_all(lua)) == sorted(ids(4, 3, 2, 1))
    lua.tick(limit=1)
    assert [read(lua, id)["state"] for id in (first, second)] == ["done", "done"]
    assert sum(counts(lua, first, "done") + counts(lua, second, "done")) == 4
    third = begin(lua, T - 4 * HOUR)
    assert counts(lua, third, "occurrences", "ran", "total") == [4, 4, 0]
    assert (lua.stats()["backfilled"], lua.adds_up()) == (4, True)


def test_a_run_that_failed_is_counted_and_the_next_goes_on(lua: Lua) -> None:
    hourly(lua)
    id = begin(lua, T - 2 * HOUR)
    assert run(lua, "dead") == ids(2)[0]
    assert run(lua) == ids(1)[0]
    found = read(lua, id)
    assert (found["state"], found["dead"], found["done"]) == ("done", 1, 1)
    assert counts(lua, begin(lua, T - 2 * HOUR), "ran", "total") == [2, 0]


def test_a_task_that_is_retried_stays_one_of_its_backfill(lua: Lua) -> None:
    hourly(lua)
    id = begin(lua, T - 2 * HOUR)
    lua.jack(lua.held()["token"], "retry", delay=60)
    assert (counts(lua, id, "running", "left"), lua.take()) == ([1, 1], [])
    lua.tick(T + 60)
    assert ids(2)[0] in run_all(lua)
    assert read(lua, id)["state"] == "done"


@pytest.mark.parametrize("how", ["cancel", "trim", "unleased", "lost"])
def test_however_a_task_ends_the_next_one_is_queued(lua: Lua, how: str) -> None:
    hourly(lua, losses=1)
    id = begin(lua, T - 2 * HOUR)
    if how == "cancel":
        lua.jcancel(ids(2)[0])
    elif how == "trim":
        lua.jtrim("echo", 0)
    elif how == "unleased":
        lua.take()
    else:
        lua.held()
    lua.tick(T + 31)
    assert ids(1)[0] in lua.ids()
    name = {"cancel": "cancelled", "trim": "cancelled", "unleased": "unleased", "lost": "dead"}[how]
    assert read(lua, id)[name] >= 1
    assert lua.adds_up()


def test_a_backfill_longer_than_a_step_is_planned_by_ticks(lua: Lua) -> None:
    lua.put(every=60, start=T - 30 * DAY, now=T)
    id = begin(lua, T - 60 * 2000, order="latest", concurrency=3)
    assert read(lua, id)["state"] == "planning"
    _, due, _ = lua.jtick(now=T, limit=1)
    assert due <= MS  # tick again
    for _ in range(9):
        lua.tick()
    assert counts(lua, id, "occurrences", "total", "running", "left") == [2000, 2000, 3, 1997]
    assert lua.take("echo", count=9)[1]["id"] == f"a@{MS - 60_000}"


def test_a_job_that_is_edited_runs_as_it_is_now_at_the_times_of_before(lua: Lua) -> None:
    hourly(lua)
    begin(lua, T - 3 * HOUR)
    lua.jedit("a", "every", 60, "payload", "new", now=T)
    assert [run(lua), lua.held()["payload"]] == [ids(3)[0], "new"]


def test_a_backfill_that_is_being_planned_keeps_the_schedule_it_began_with(lua: Lua) -> None:
    lua.put(every=60, start=T - 30 * DAY, now=T)
    id = begin(lua, T - 60 * 2000)
    lua.jedit("a", "every", 7200, now=T)
    for _ in range(9):
        lua.tick()
    assert counts(lua, id, "occurrences") == [2000]


def test_removing_the_job_ends_its_backfill_and_forgets_what_it_queued(lua: Lua) -> None:
    hourly(lua)
    id = begin(lua, T - 3 * HOUR)
    lua.jdel("a")
    assert run_all(lua) == ids(3)  # queued already
    lua.tick()
    found = read(lua, id)
    assert (found["state"], found["removed"], found["left"], found["done"]) == ("cancelled", True, 0, 1)
    hourly(lua)
    begin(lua, T - 2 * HOUR)
    assert run_all(lua) == ids(2, 1)


def test_a_job_that_is_removed_and_put_again_is_another_job(lua: Lua) -> None:
    hourly(lua)
    id = begin(lua, T - 3 * HOUR)
    lua.jdel("a")
    hourly(lua)
    lua.tick(limit=1)
    assert ids(2)[0] not in run_all(lua)
    assert read(lua, id)["state"] == "cancelled"


def test_a_cancelled_backfill_queues_nothing_more_and_cancels_its_tasks(lua: Lua) -> None:
    hourly(lua)
    id = begin(lua, T - 9 * HOUR, concurrency=2)
    running = lua.held()
    assert lua.jbackfill("cancel", id) == id
    found = read(lua, id)
    assert (found["state"], found["cancelled"], found["running"], found["left"]) == ("cancelling", 1, 1, 0)
    assert lua.jbeat(30, running["token"], "--", "now", T) == [2]
    lua.jack(running["token"], "cancelled")
    lua.tick()
    assert (read(lua, id)["state"], counts(lua, id, "cancelled", "running")) == ("cancelled", [2, 0])
    assert (set(lua.ids()) & set(ids(*range(1, 10))), lua.adds_up()) == (set(), True)


def test_cancelling_finds_tasks_behind_many_others(lua: Lua) -> None:
    hourly(lua)
    lua.board.commands.batch([("JPUSH", ["echo", "x", "now", T])] * 1200)
    id = begin(lua, T - 2 * HOUR)
    lua.board.commands.batch([("JPUSH", ["echo", "x", "now", T])] * 1200)
    for _ in range(9):
        lua.tick(limit=1)
    assert counts(lua, id, "running") == [1]
    lua.jbackfill("cancel", id)
    for _ in range(9):
        lua.tick(limit=1)
    assert (read(lua, id)["state"], counts(lua, id, "cancelled")) == ("cancelled", [1])


def test_cancelling_while_planning(lua: Lua) -> None:
    lua.put(every=60, start=T - 30 * DAY, now=T)
    id = begin(lua, T - 60 * 2000)
    lua.jbackfill("cancel", id)
    assert (read(lua, id)["state"], lua.count()["queued"]) == ("cancelled", 0)
    assert lua.client.keys(f"{lua.keys.tag}:backfill:*") == []


def test_cancelling_what_has_ended_changes_nothing(lua: Lua) -> None:
    hourly(lua)
    id = begin(lua, T - HOUR)
    run_all(lua)
    lua.jbackfill("cancel", id)
    assert read(lua, id)["state"] == "done"


@pytest.mark.parametrize("overlap", ["skip", "queue", "replace"])
def test_a_job_with_overlap_has_one_run_at_a_time(lua: Lua, overlap: str) -> None:
    lua.put(every=HOUR, start=T - HOUR, now=T - HOUR, overlap=overlap)
    lua.tick(T - HOUR)
    own = lua.held()
    lua.jedit("a", "start", T - 9 * HOUR, now=T)
    begin(lua, T - 3 * HOUR, concurrency=5)
    lua.tick(limit=1)
    assert lua.take(lease=30) == []  # the job's own run is under way
    lua.jack(own["token"], "done")
    assert lua.jtick(now=T + 1)[0] >= 1
    first = lua.take(count=9, lease=30)
    assert ids(3)[0] in [task["id"] for task in first]
    assert ids(2)[0] not in [task["id"] for task in first]


def test_the_limit_of_a_job_holds_for_its_backfill(lua: Lua) -> None:
    hourly(lua, concurrency=1)
    begin(lua, T - 3 * HOUR, concurrency=3)
    assert len(lua.take(count=9, lease=30)) == 1


def test_a_full_queue_makes_a_backfill_wait(lua: Lua) -> None:
    hourly(lua)
    lua.jlimit("queue", "echo", "max-length", 1)
    id = begin(lua, T - 3 * HOUR, concurrency=3)
    assert (lua.count()["queued"], counts(lua, id, "left", "running")) == (1, [2, 1])
    found = []
    for second in range(1, 9):
        lua.tick(T + second, limit=1)
        found += lua.ids()
    assert [task for task in found if task in ids(3, 2, 1)] == ids(3, 2, 1)


@pytest.fixture
def brussels(lua: Lua) -> None:
    zones.ensure(lua.board.commands)


def cron(lua: Lua, pattern: str, now: str, **options: Any) -> None:
    lua.put(**options, cron=pattern, zone="Europe/Brussels", now=now)


@pytest.mark.usefixtures("brussels")
def test_the_day_clocks_go_forward(lua: Lua) -> None:
    cron(lua, "30 2 * * *", "2026-04-10T00:00Z")
    found = dues(lua, "2026-03-28T00:00Z", "2026-03-31T00:00Z", now="2026-04-10T00:00Z")
    assert found == [
        (seconds("2026-03-28T01:30"), "missed"),
        (seconds("2026-03-29T01:00"), "missed"),  # 2:30 does not exist: 3:00
        (seconds("2026-03-30T00:30"), "missed"),
    ]


@pytest.mark.usefixtures("brussels")
def test_the_day_clocks_go_back(lua: Lua) -> None:
    cron(lua, "30 2 * * *", "2026-11-10T00:00Z")
    cron(lua, "*/30 2 * * *", "2026-11-10T00:00Z", id="b")
    span = ("2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00")
    assert len(dues(lua, *span, now="2026-11-10T00:00Z")) == 1  # once, though 2:30 comes twice
    assert len(dues(lua, *span, job="b", now="2026-11-10T00:00Z")) == 4
    id = begin(lua, *span, job="b", now="2026-11-10T00:00Z")
    assert counts(lua, id, "total") == [4]


def seconds(text: str) -> float:
    from datetime import UTC, datetime

    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_a_decaying_interval(lua: Lua) -> None:
    lua.put(every=HOUR, decay=2, step=DAY, start=T - 2 * DAY, now=T)
    found = [due for due, _ in dues(lua, T - 2 * DAY)]
    assert (found[1] - found[0], found[-1] - found[-2], len(found)) == (HOUR, 2 * HOUR, 36)


def test_months(lua: Lua) -> None:
    lua.put(every="R/2026-01-31T00:00:00Z/P1M", now="2026-06-10T00:00Z")
    found = [due for due, _ in dues(lua, "2026-01-01", "2027-01-01", now="2026-06-10T00:00Z")]
    assert found == [seconds(f"2026-{day}T00:00") for day in ("01-31", "02-28", "03-31", "04-30", "05-31")]


def test_a_single_run_that_was_missed(lua: Lua) -> None:
    lua.put(at=T - HOUR, now=T - DAY)
    lua.jpause("a")
    assert dues(lua, T - DAY) == [(T - HOUR, "missed")]


def test_a_start_that_was_given_bounds_the_range(lua: Lua) -> None:
    lua.put(cron="0 * * * *", start=T - 2 * HOUR, now=T)
    lua.put("b", cron="0 * * * *", now=T)
    assert (len(dues(lua, T - DAY)), len(dues(lua, T - DAY, job="b"))) == (2, 24)


def test_an_interval_without_a_start_goes_back_on_its_grid(lua: Lua) -> None:
    lua.put(every=HOUR, now=T)
    assert [due for due, _ in dues(lua, T - 2.5 * HOUR)] == [T - 2 * HOUR, T - HOUR]


def test_pages_of_dues(lua: Lua) -> None:
    lua.put(every=60, now=T)
    found = dues(lua, T - 60 * 1234)
    assert [due for due, _ in found] == [T - 60 * n for n in range(1234, 0, -1)]


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", str(10**16)])
def test_a_cursor_of_dues_that_nobody_returned_is_refused(lua: Lua, cursor: str) -> None:
    lua.put(every=60, now=T)
    says = "^cursor: expected 0, or the cursor that was returned"
    lua.refuses(OptionError, says, "JDUES", "a", "from", T - 90, "to", T, "cursor", cursor, "now", T)


def test_backfills_are_listed_in_order_and_the_oldest_forgotten(lua: Lua) -> None:
    hourly(lua)
    for _ in range(105):
        begin(lua, T - HOUR)
        run_all(lua)
    found = [json.loads(text)["id"] for text in lua.jbackfills()]
    assert found == [str(n) for n in range(6, 106)]
    assert lua.jbackfills("1", "105")[0] is None


def test_a_task_moving_back_while_a_large_board_is_searched_is_not_queued_again(lua: Lua) -> None:
    lua.put(every=HOUR, start=T - 2 * HOUR, now=T - 2 * HOUR)
    lua.tick(T - 2 * HOUR)
    held = lua.held(lease=9 * HOUR)
    lua.board.commands.batch([("JPUSH", ["echo", "x", "now", T])] * 5000)
    id = begin(lua, T - 2 * HOUR, T - HOUR)
    lua.jack(held["token"], "retry")  # back to the front of a queue that has been searched in part
    for _ in range(9):
        lua.jtick(now=T - HOUR - 1)
    assert counts(lua, id, "occurrences", "ran", "total") == [1, 1, 0]


def test_nothing_of_a_backfill_stays_but_what_it_queued(lua: Lua) -> None:
    hourly(lua)
    begin(lua, T - 3 * HOUR)
    run_all(lua)
    left = {name.partition(":")[2] for name in lua.client.keys(f"{lua.keys.tag}:backfill*")}
    assert left == {"backfills", "backfilled:a"}


START = ["start", "a", "from", T - HOUR, "to", T]


@pytest.mark.parametrize(
    ("says", "arguments"),
    [
        ("JBACKFILL expects start", []),
        ("JBACKFILL expects start", ["start"]),
        ("JBACKFILL expects start", ["stop", "a"]),
        ("^from: expected a time, got none", ["start", "a", "to", T]),
        ("^to: expected a time, got none", ["start", "a", "from", T]),
        ("^to: expected a time after from", ["start", "a", "from", T, "to", T]),
        (
            "^from: a backfill has at most 100000 occurrences",
            ["start", "s", "from", T - 200_000, "to", T, "now", T],
        ),
        ("^concurrency: expected a whole number of at least 1", [*START, "concurrency", 0]),
        ("^concurrency: expected at most 1000", [*START, "concurrency", 1001]),
        ("^order: expected earliest or latest, got 'x'", [*START, "order", "x"]),
        ("^job: expected a job with a time of its own", ["start", "manual", "from", T - 1, "to", T]),
    ],
)
def test_mistakes(lua: Lua, says: str, arguments: list[Any]) -> None:
    lua.put(every=HOUR, now=T)
    lua.put("s", every=1, now=T)
    lua.put("manual")
    lua.refuses(OptionError, says, "JBACKFILL", *arguments)


def test_unknown_jobs_and_backfills(lua: Lua) -> None:
    lua.refuses(NotFoundError, "there is no job 'a'", "JBACKFILL", *START)
    lua.refuses(NotFoundError, "there is no backfill '7'", "JBACKFILL", "cancel", "7")
    lua.refuses(NotFoundError, "there is no job 'a'", "JDUES", "a", "from", 1, "to", 2)


def test_a_board_has_at_most_twenty_backfills_under_way(lua: Lua) -> None:
    hourly(lua)
    for hour in range(1, 21):
        begin(lua, T - hour * HOUR, T - hour * HOUR + 1)
    lua.refuses(OptionError, "the board has 20 backfills under way", "JBACKFILL", *START, "now", T)


def test_what_ran_is_not_run_again_and_what_was_coalesced_is(lua: Lua) -> None:
    lua.put(every=HOUR, start=T - 6 * HOUR, now=T - 6 * HOUR)
    lua.tick(T - 6 * HOUR)
    lua.tick(T - 2 * HOUR)  # coalesces three
    run_all(lua)
    found = [state for _, state in dues(lua, T - 6 * HOUR)]  # the next run, an hour ago, is a tick's
    assert found == ["ran", "ran", "missed", "missed", "missed"]
    id = begin(lua, T - 6 * HOUR)
    assert counts(lua, id, "ran", "total") == [2, 3]
    assert run_all(lua) == ids(4, 3, 2)


def test_a_pushed_run_is_of_no_occurrence(lua: Lua) -> None:
    lua.put(every=HOUR, start=T - 2 * HOUR, now=T)
    lua.jpush("a", now=T - HOUR)
    run_all(lua)
    assert [state for _, state in dues(lua, T - 2 * HOUR)] == ["missed", "missed"]


def test_what_the_history_has_dropped_is_unknown_and_left_out_unless_asked_for(lua: Lua) -> None:
    lua.put(every=HOUR, start=T - 6 * HOUR, now=T - 6 * HOUR, history=2)
    for hour in (6, 5, 4, 3, 2, 1):
        lua.tick(T - hour * HOUR)
        run_all(lua)
    lua.jedit("a", "start", T - 9 * HOUR, now=T)
    found = [state for _, state in dues(lua, T - 8 * HOUR)]
    assert found == ["missed", "missed", *["unknown"] * 4, "ran", "ran"]
    id = begin(lua, T - 8 * HOUR)
    assert counts(lua, id, "occurrences", "ran", "unknown", "total") == [8, 2, 4, 2]
    assert counts(lua, begin(lua, T - 8 * HOUR, unknown=1), "ran", "unknown") == [3, 0]


def test_runs_that_a_backfill_pushes_out_of_the_history_are_not_run_again(lua: Lua) -> None:
    lua.put(every=HOUR, start=T - 90 * HOUR, now=T - 4 * HOUR, history=2)
    for hour in (4, 3, 2, 1):
        lua.tick(T - hour * HOUR)
        run_all(lua)
    begin(lua, T - 30 * HOUR, T - 20 * HOUR)
    run_all(lua)
    assert "missed" not in [state for _, state in dues(lua, T - 4 * HOUR)]
    assert {state for _, state in dues(lua, T - 30 * HOUR, T - 20 * HOUR)} == {"ran"}


def test_without_a_history_what_may_have_run_is_unknown(lua: Lua) -> None:
    lua.jretain("runs", "off")
    hourly(lua)
    assert {state for _, state in dues(lua, T - 3 * HOUR)} == {"missed"}
    lua.tick()
    run_all(lua)
    assert {state for _, state in dues(lua, T - 3 * HOUR)} == {"unknown"}


def test_a_late_first_run_that_the_history_has_dropped_is_unknown(lua: Lua) -> None:
    lua.put(every=HOUR, start=T - 6 * HOUR, now=T - 6 * HOUR, history=1)
    lua.tick(T - 4 * HOUR)  # runs the one of 6 hours ago, and coalesces two
    run_all(lua)
    lua.tick(T - 3 * HOUR)
    run_all(lua)
    assert dues(lua, T - 6 * HOUR)[0] == (T - 6 * HOUR, "unknown")
