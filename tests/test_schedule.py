"""When jobs run, as the commands JSET, JNEXT and JTICK decide it. All times are injected."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs_core import Board, OptionError
from jobs_core.commands import Commands

T = 1_700_000_000  # an instant, in epoch seconds
LAST = 7_258_118_400  # the end of the year 2199


def put(commands: Commands, *options: Any, id: str = "a", now: float = T) -> int:
    """Put a job. Returns its next run in ms."""
    return int(commands.call("JSET", id, "console", "x", *options, "now", now))


def runs(commands: Commands, count: int, *options: Any, now: float = T) -> list[float]:
    """The first runs of a schedule, in seconds after T."""
    return [ms / 1000 - T for ms in commands.call("JNEXT", "-", *options, "count", count, "now", now)]


def tick(commands: Commands, now: float, limit: int = 250) -> int:
    return int(commands.call("JTICK", "limit", limit, "now", now)[0])


def popped(commands: Commands) -> list[str]:
    return [fields[1] for fields in commands.call("JPOP", 1, "console", "count", 1000)]


def job(commands: Commands, id: str = "a") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(commands.call("JGET", id)[0])
    return found


# Durations and times


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5),
        ("0.5", 0.5),
        (".25", 0.25),
        ("90s", 90),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("250ms", 0.25),
        ("2d", 172800),
        ("1w", 604800),
        ("1month", 2629800),
        ("PT1H30M", 5400),
        ("P1D", 86400),
        ("P1M", 2629800),
        ("PT1M", 60),
        ("P1Y2M3W4DT5H6M7.5S", 31557600 + 2 * 2629800 + 3 * 604800 + 4 * 86400 + 5 * 3600 + 6 * 60 + 7.5),
    ],
)
def test_durations(commands: Commands, text: str, seconds: float) -> None:
    assert runs(commands, 2, "every", text) == pytest.approx([0, seconds], abs=1e-3)


@pytest.mark.parametrize(
    "text", ["", "x", "5q", "h", "1h30", "-5", "1e3", "P", "PT", "PT5", "P5H", "5 m", "1..5", "200y", "0x10"]
)
def test_what_is_no_duration_is_refused(commands: Commands, text: str) -> None:
    with pytest.raises(OptionError, match="every"):
        put(commands, "every", text)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1800000000", 1800000000),
        ("1800000000.25", 1800000000.25),
        ("+10m", T + 600),
        ("2026-12-01", datetime(2026, 12, 1, tzinfo=UTC).timestamp()),
        ("2026-12-01T08:00", datetime(2026, 12, 1, 8, tzinfo=UTC).timestamp()),
        ("2026-12-01 08:00:30Z", datetime(2026, 12, 1, 8, 0, 30, tzinfo=UTC).timestamp()),
        ("2026-12-01T08:00:30.5+01:00", datetime(2026, 12, 1, 7, 0, 30, 500000, tzinfo=UTC).timestamp()),
        ("2026-12-01T08:00:00-0530", datetime(2026, 12, 1, 13, 30, tzinfo=UTC).timestamp()),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC).timestamp()),
        ("2000-02-29", datetime(2000, 2, 29, tzinfo=UTC).timestamp()),
        ("2199-12-31T23:59:59Z", datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()),
    ],
)
def test_times(commands: Commands, text: str, instant: float) -> None:
    assert put(commands, "at", text) == round(instant * 1000)


@settings(max_examples=200, deadline=None)
@given(st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31)).map(lambda d: d.replace(microsecond=0)))
def test_every_date_is_read_as_python_reads_it(url: str, instant: datetime) -> None:
    board = Board("dates", url, validate=False)
    try:
        assert board.next(at=instant.isoformat() + "Z")[0] == instant.replace(tzinfo=UTC)
    finally:
        board.client.close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "noon",
        "2026-02-29",
        "2100-02-29",
        "2026-13-01",
        "2026-00-01",
        "2026-12-32",
        "2026-12-01T24:00",
        "2026-12-01T08:60",
        "2026-12-01T08:00:60",
        "2026-12-01T08",
        "2026-12-01T08:00+1",
        "2026-12-01X",
        "-5",
        "+",
        "+x",
        "1800000000000",
    ],
)
def test_what_is_no_time_is_refused(commands: Commands, text: str) -> None:
    with pytest.raises(OptionError, match="at"):
        put(commands, "at", text)


# Schedules


def test_every_runs_now_and_then_again_and_again(commands: Commands) -> None:
    assert runs(commands, 4, "every", 5) == [0, 5, 10, 15]


def test_units_add_up(commands: Commands) -> None:
    assert runs(commands, 2, "minutes", 1, "seconds", 2.5) == [0, 62.5]
    assert runs(commands, 2, "every", 10, "hours", 1) == [0, 3610]


def test_start_is_the_first_run(commands: Commands) -> None:
    assert runs(commands, 2, "every", 5, "start", T + 100) == [100, 105]


def test_a_start_in_the_past_sets_the_grid(commands: Commands) -> None:
    assert runs(commands, 2, "every", 10, "start", T - 13) == [7, 17]
    assert runs(commands, 2, "every", 10, "start", T - 20) == [0, 10]


def test_stop_is_the_last_moment_a_job_may_run(commands: Commands) -> None:
    assert runs(commands, 10, "every", 5, "stop", T + 10) == [0, 5, 10]
    assert runs(commands, 10, "every", 5, "stop", T + 9) == [0, 5]


def test_duration_counts_from_start(commands: Commands) -> None:
    assert runs(commands, 10, "every", 5, "start", T + 100, "duration", 10) == [100, 105, 110]


def test_repeat_is_how_often_a_job_runs(commands: Commands) -> None:
    assert runs(commands, 10, "every", 5, "repeat", 3) == [0, 5, 10]


def test_at_runs_once(commands: Commands) -> None:
    assert runs(commands, 10, "at", T + 7) == [7]


def test_a_job_without_a_schedule_has_no_next_run(commands: Commands) -> None:
    assert put(commands) == 0
    assert commands.call("JNEXT", "a", "count", 5) == []
    assert job(commands)["state"] == "manual"


def decaying(every: float, decay: float, step: float, count: int) -> list[float]:
    """The formula of the manual, followed run by run in ms, up to the end of the year 2199."""
    times = [0]
    while len(times) < count:
        steps = times[-1] // round(step * 1000)
        if steps * math.log(decay) > 700:
            break
        interval = math.floor(every * 1000 * decay**steps + 0.5)
        times.append(times[-1] + max(interval, min(round(every * 1000), 1000)))
    return [time / 1000 for time in times if time / 1000 <= LAST - T]


@pytest.mark.parametrize(
    ("every", "decay", "step"),
    [(1, 2, 3), (1, 1.5, 4), (60, 0.5, 120), (0.5, 3, 1), (10, 1, 5), (3600, 1.1, 86400)],
)
def test_decay_multiplies_the_interval_with_each_step(
    commands: Commands, every: float, decay: float, step: float
) -> None:
    found = runs(commands, 30, "every", every, "decay", decay, "step", step)
    assert found == pytest.approx(decaying(every, decay, step, 30))


def test_a_step_is_a_day_unless_given(commands: Commands) -> None:
    assert runs(commands, 4, "every", "12h", "decay", 2) == [0, 43200, 86400, 172800]


def test_an_interval_that_shrinks_stays_a_second(commands: Commands) -> None:
    times = runs(commands, 200, "every", 8, "decay", 0.5, "step", 10)
    assert times[-1] - times[-2] == 1


# Ticks


def test_a_tick_queues_what_is_due_and_nothing_else(commands: Commands) -> None:
    put(commands, "every", 5, "start", T)
    put(commands, "at", T + 1, id="b")
    assert tick(commands, T - 0.001) == 0
    assert tick(commands, T) == 1
    assert tick(commands, T) == 0
    assert popped(commands) == [f"a@{T}000"]
    assert tick(commands, T + 5) == 2
    assert popped(commands) == [f"b@{T + 1}000", f"a@{T + 5}000"]


def test_a_tick_says_when_there_is_more_to_do(commands: Commands) -> None:
    assert commands.call("JTICK", "now", T) == [0, 0, T * 1000]
    put(commands, "every", 5)
    assert commands.call("JTICK", "now", T) == [1, (T + 5) * 1000, T * 1000]


def test_a_late_tick_runs_once_and_counts_what_it_coalesced(commands: Commands, board: Board) -> None:
    put(commands, "every", 5)
    assert tick(commands, T + 23) == 1
    assert popped(commands) == [f"a@{T}000"]
    assert job(commands)["next"] == T + 25
    stats = board.stats()
    assert (stats["due"], stats["queued"], stats["coalesced"]) == (5, 1, 4)


def test_what_lies_past_stop_was_never_due(commands: Commands, board: Board) -> None:
    put(commands, "every", 5, "stop", T + 12)
    assert tick(commands, T + 1000) == 1
    assert board.stats()["due"] == 3
    assert job(commands)["state"] == "ended"


def test_a_run_that_was_due_before_stop_still_runs_after_it(commands: Commands) -> None:
    put(commands, "every", 5, "stop", T + 2)
    assert tick(commands, T + 1000) == 1


def test_repeat_counts_runs_not_what_was_coalesced(commands: Commands) -> None:
    put(commands, "every", 5, "repeat", 2)
    tick(commands, T + 23)
    assert job(commands)["left"] == 1
    tick(commands, T + 25)
    assert (job(commands)["left"], job(commands)["state"]) == (0, "ended")
    assert tick(commands, T + 1000) == 0
    assert len(popped(commands)) == 2


def test_a_single_run_ends_its_job(commands: Commands) -> None:
    put(commands, "at", T)
    assert (tick(commands, T + 100), tick(commands, T + 200)) == (1, 0)
    assert job(commands)["state"] == "ended"


def test_ticks_are_limited_and_called_again(commands: Commands) -> None:
    for i in range(25):
        put(commands, "at", T, id=f"j{i}")
    moved = [tick(commands, T, limit=10) for _ in range(4)]
    assert moved == [10, 10, 5, 0]
    assert len(set(popped(commands))) == 25


def test_a_tick_of_large_payloads_ends_early_and_loses_none(commands: Commands) -> None:
    for i in range(30):
        commands.call("JSET", f"j{i}", "console", "x" * 500_000, "at", T, "now", T)
    moved = []
    while not moved or moved[-1]:
        moved.append(tick(commands, T))
    assert sum(moved) == 30
    assert max(moved) < 30


def test_tasks_of_one_job_are_queued_in_the_order_they_were_due(commands: Commands) -> None:
    put(commands, "every", 1)
    for second in range(50):
        tick(commands, T + second)
    assert popped(commands) == [f"a@{T + second}000" for second in range(50)]


@settings(max_examples=150, deadline=None)
@given(
    every=st.integers(1, 50),
    repeat=st.none() | st.integers(1, 6),
    stop=st.none() | st.integers(0, 200),
    decay=st.none() | st.sampled_from([0.5, 1.5, 2.0]),
    ticks=st.lists(st.integers(0, 300), max_size=12).map(sorted),
)
def test_every_occurrence_is_queued_or_coalesced(
    url: str, every: int, repeat: int | None, stop: int | None, decay: float | None, ticks: list[int]
) -> None:
    """A plain model beside the commands: walk the occurrences one by one."""
    board = Board("model", url, validate=False)
    with board.client as client:
        client.delete(*client.keys("{model}:*") or ["none"])
        options = {"every": every, "repeat": repeat, "stop": None if stop is None else T + stop}
        if decay:
            options |= {"decay": decay, "step": 10}
        board.put("a", "console", "x", now=T, **options)
        occurrences = [t for t in decaying(every, decay or 1, 10, 400) if stop is None or t <= stop]

        queued, coalesced, at = [], 0, 0
        for now in ticks:
            board.tick(now=T + now)
            if (repeat is not None and len(queued) >= repeat) or at >= len(occurrences):
                continue
            if occurrences[at] <= now:
                queued.append(occurrences[at])
                following = next((i for i, t in enumerate(occurrences) if t > now), len(occurrences))
                coalesced += following - at - 1
                at = following
        tasks = board.pop("console", count=1000)
        assert [task.due - T for task in tasks] == pytest.approx(queued)
        stats = board.stats()
        assert (stats["queued"], stats["coalesced"]) == (len(queued), coalesced)
        assert stats["due"] == stats["queued"] + stats["coalesced"]


# Updates, pauses, pushes


def test_an_update_with_the_same_schedule_keeps_its_run_times(commands: Commands) -> None:
    put(commands, "every", 5, "repeat", 3)
    tick(commands, T)
    commands.call("JSET", "a", "console", "y", "every", 5, "repeat", 3, "timeout", 9, "now", T + 3)
    found = job(commands)
    assert (found["payload"], found["timeout"], found["next"], found["left"]) == ("y", 9, T + 5, 2)


def test_an_update_with_another_schedule_starts_it_anew_on_the_old_grid(commands: Commands) -> None:
    put(commands, "every", 5, "repeat", 3)
    tick(commands, T)
    assert put(commands, "every", 7, "repeat", 3, now=T + 3) == (T + 7) * 1000
    assert job(commands)["left"] == 3


def test_putting_a_job_that_has_ended_again_does_not_run_it_again(commands: Commands) -> None:
    put(commands, "at", T)
    tick(commands, T)
    assert put(commands, "at", T, now=T + 50) == 0
    assert tick(commands, T + 100) == 0
    assert put(commands, "at", T + 200, now=T + 50) == (T + 200) * 1000


def test_an_update_leaves_a_job_paused(commands: Commands) -> None:
    put(commands, "every", 5)
    commands.call("JPAUSE", "a")
    assert put(commands, "every", 9) == 0
    assert job(commands)["state"] == "paused"


def test_a_paused_job_is_not_due_and_resumes_on_its_grid(commands: Commands, board: Board) -> None:
    put(commands, "every", 5)
    assert commands.call("JPAUSE", "a") == 1
    assert commands.call("JPAUSE", "a") == 0
    assert tick(commands, T + 23) == 0
    assert commands.call("JRESUME", "a", "now", T + 23) == (T + 25) * 1000
    assert commands.call("JRESUME", "a", "now", T + 99) == (T + 25) * 1000
    assert board.stats()["due"] == 0


def test_a_removed_job_is_gone_but_its_tasks_run(commands: Commands) -> None:
    put(commands, "every", 5)
    tick(commands, T)
    assert commands.call("JDEL", "a", "nobody") == 1
    assert commands.call("JGET", "a") == [None]
    assert tick(commands, T + 100) == 0
    assert popped(commands) == [f"a@{T}000"]


def test_a_pushed_run_never_has_the_id_of_a_scheduled_one(commands: Commands) -> None:
    put(commands, "every", 1)
    tick(commands, T)
    pushed = [commands.call("JPUSH", "a", "now", T) for _ in range(3)]
    tick(commands, T + 1)
    pushed += [commands.call("JPUSH", "a", "at", T + 2, "now", T + 1)]
    tick(commands, T + 2)
    ids = popped(commands)
    tick(commands, T + 3)
    ids += popped(commands)
    assert len(set(ids)) == len(ids) == 8
    assert set(pushed) <= set(ids)


def test_a_delayed_push_waits(commands: Commands, board: Board) -> None:
    task = commands.call("JPUSH", "console", "x", "at", "+10", "now", T)
    assert (board.count()["delayed"], tick(commands, T + 9)) == (1, 0)
    assert commands.call("JTICK", "now", T + 9)[1] == (T + 10) * 1000
    assert tick(commands, T + 10) == 1
    assert popped(commands) == [task]
    assert board.count()["delayed"] == 0


def test_the_client_takes_timedeltas_and_datetimes(board: Board) -> None:
    start = datetime(2100, 1, 1, tzinfo=UTC)
    board.put("a", "console", "x", every=timedelta(minutes=90), start=start)
    assert list(board.next("a", count=2)) == [start, start + timedelta(minutes=90)]
    assert board.next(every=timedelta(hours=1), start=start, count=1) == [start]


# Waking


def wake_keys(board: Board) -> list[str]:
    return sorted(key.partition(":")[2] for key in board.client.keys(f"{board.keys.wake}*"))


def test_a_job_that_is_due_before_all_others_wakes_a_clock(board: Board, commands: Commands) -> None:
    put(commands, "at", T + 100)
    assert wake_keys(board) == ["wake"]
    board.client.delete(board.keys.wake)
    put(commands, "at", T + 200, id="later")
    assert wake_keys(board) == []
    put(commands, "at", T + 50, id="earlier")
    assert wake_keys(board) == ["wake"]
    put(commands, "at", T + 40, id="earliest")
    assert board.client.llen(board.keys.wake) == 1


def test_a_delayed_task_wakes_a_clock_and_a_queued_one_a_worker(board: Board, commands: Commands) -> None:
    commands.call("JPUSH", "console", "x", "at", "+10", "now", T)
    assert wake_keys(board) == ["wake"]
    board.client.delete(board.keys.wake)
    for _ in range(3):
        commands.call("JPUSH", "console", "x", "now", T)
    assert wake_keys(board) == ["wake:console"]
    assert board.client.llen(board.keys.wake_queue("console")) == 1


def test_whoever_leaves_tasks_behind_wakes_the_next(board: Board, commands: Commands) -> None:
    for _ in range(3):
        commands.call("JPUSH", "console", "x", "now", T)
    board.client.delete(board.keys.wake_queue("console"))
    board.pop("console", count=2)
    assert wake_keys(board) == ["wake:console"]
    board.client.delete(board.keys.wake_queue("console"))
    board.pop("console", count=2)
    assert wake_keys(board) == []
