"""Forecasts agree with the engine's schedule, its limits and its rules, and change nothing."""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from click import unstyle

from jobs_core import AsyncBoard, Board, OptionError, ServerError
from jobs_core.boardfile import read_valid
from jobs_core.boardfile.forecast import forecast_file
from jobs_core.cli.forecast_text import forecast_lines
from jobs_core.cli.heatmap import heat_map
from jobs_core.forecast import Forecast, JobForecast
from jobs_core.forecast.tally import Tally
from tests.helpers import Jobs, jobs_process, refused, wait_until

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC).timestamp()
HOUR, DAY = 3600, 86400


def job(found: Forecast, id: str) -> JobForecast:
    return next(one for one in found.jobs if one.id == id)


def forecast(board: Board, days: float = 1, **options: object) -> Forecast:
    return board.forecast(days, now=NOW, **options)  # type: ignore[arg-type]


SCHEDULES = {
    "interval": {"every": 600, "start": NOW + 7.5},
    "seconds": {"every": 7},
    "cron": {"cron": "*/7 2-9 * * *"},
    "spread": {"cron": "H H/3 * * *"},
    "zone": {"cron": "30 */2 * * *", "zone": "Asia/Kathmandu"},
    "repeat": {"every": 60, "repeat": 1234},
    "stop": {"every": 60, "stop": NOW + 7200},
    "decay": {"every": 60, "decay": 2, "step": 7200},
    "months": {"every": "P1M", "start": NOW + 60},
    "once": {"at": NOW + 999},
    "later": {"every": 60, "start": NOW + 3 * DAY},
}


@pytest.mark.parametrize("is_simulated", [False, True])
def test_progress_rises_while_a_forecast_is_made(board: Board, is_simulated: bool) -> None:
    for number in range(20):
        board.put(f"job-{number}", "shell", "x", cron="*/5 * * * *", now=NOW)
    if is_simulated:
        board.put("child", "shell", "x", after=["job-0"], now=NOW)
    shares: list[float] = []
    forecast(board, 1, progress=shares.append)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert len(set(shares)) > 10


class _EnoughError(Exception):
    """Raised by whoever follows a forecast."""


@pytest.mark.parametrize("share", [0, 0.01, 0.5])
def test_who_follows_a_forecast_can_end_it(
    board: Board, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        board.put(f"job-{number}", "shell", "x", cron="*/5 * * * *", now=NOW)
    board.put("child", "shell", "x", after=["job-0"], now=NOW)
    told: list[float] = []

    def follow(done: float) -> None:
        told.append(done)
        if done >= share:
            raise _EnoughError

    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        with pytest.raises(_EnoughError):
            forecast(board, 1, progress=follow)
        assert not list(Path(folder).iterdir())  # the private server has ended
    assert told[-1] < 1


def test_the_beginning_in_words_and_mistakes_in_it(board: Board, jobs: Jobs) -> None:
    board.put("a", "shell", "x", every=HOUR)
    now = board.forecast(0.1).begin
    begin = json.loads(jobs("forecast", "--days", "1", "--from", "tomorrow 03:00", "--json").stdout)["begin"]
    assert now < begin < now + 3 * DAY
    assert datetime.fromtimestamp(begin).hour == 3
    refused(jobs("forecast", "--from", "garbage"), "from: expected a time such as 'tue 03:00'")
    with pytest.raises(OptionError, match=r"^from: expected a time such as 1796") as caught:
        board.forecast(from_="garbage")
    assert caught.value.option == "from"


def test_counts_equal_the_schedule(board: Board) -> None:
    for id, options in SCHEDULES.items():
        board.put(id, "shell", "x", **options, now=NOW)  # type: ignore[arg-type]
    found = forecast(board, 1)
    for id in SCHEDULES:
        times: list[float] = []
        while not times or len(times) % 1000 == 0:  # all pages
            page = board.next(id, count=1000, from_=times[-1] if times else None)
            left = board.show(id).get("left", 10**9) - len(times)
            times += [time.timestamp() for time in page][:left]
            if not page or left <= 0 or times[-1] >= NOW + DAY:
                break
        due = [time for time in times if time < NOW + DAY]
        one = job(found, id)
        assert (one.runs, one.first, one.last) == (len(due), *((due[0], due[-1]) if due else (None, None))), (
            id
        )
    assert found.never == ("later",)
    assert found.runs == sum(one.runs for one in found.jobs) == sum(found.hours.values())
    assert found.waiting == 0


def test_simulated_schedules_equal_counted_ones(board: Board) -> None:
    """A limit that never holds anything makes the same jobs go through queues."""
    for id, options in SCHEDULES.items():
        board.put(id, "shell", "x", **options, now=NOW)  # type: ignore[arg-type]
    counted = forecast(board, 0.5)
    board.limit("runner", "shell", concurrency=1000)
    simulated = forecast(board, 0.5)
    assert {one.id: one.runs for one in simulated.jobs} == {one.id: one.runs for one in counted.jobs}
    assert simulated.by_minute == counted.by_minute
    assert simulated.by_hour == counted.by_hour
    assert {hour: sum(runs for _, runs in jobs) for hour, jobs in counted.by_hour.items()} == {
        hour: runs for hour, runs in counted.hours.items() if runs
    }


def test_a_day_on_which_clocks_change(board: Board) -> None:
    """In Brussels, 2:30 does not exist on 28 March 2027: the job runs later, and the day has 23 hours."""
    board.put("nightly", "shell", "x", cron="30 2 * * *", zone="Europe/Brussels", now=NOW)
    board.put("hourly", "shell", "x", cron="0 * * * *", zone="Europe/Brussels", now=NOW)
    begin = datetime(2027, 3, 27, 23, tzinfo=UTC)
    found = forecast(board, 23 / 24, from_=begin)
    assert (job(found, "nightly").runs, job(found, "hourly").runs) == (1, 23)
    assert job(found, "nightly").first == board.next("nightly", from_=begin)[0].timestamp()


def test_jitter_delays_as_the_engine_does(board: Board) -> None:
    board.put("late", "shell", "x", every=600, start=NOW + 1, jitter=300, now=NOW)
    counted = forecast(board, 0.25)
    board.limit("runner", "shell", concurrency=1000)
    simulated = forecast(board, 0.25)
    assert job(counted, "late").runs == job(simulated, "late").runs == 36
    first, first_simulated = job(counted, "late").first, job(simulated, "late").first
    assert first is not None
    assert first_simulated is not None
    assert first_simulated == first
    assert job(simulated, "late").held == 0


def test_a_limit_holds_tasks(board: Board) -> None:
    for id in ("a", "b", "c"):
        board.put(id, "shell", "x", cron="0 * * * *", queue="db", now=NOW)
    board.limit("queue", "db", concurrency=1)
    found = forecast(board, durations=dict.fromkeys("abc", 600))
    assert [job(found, id).runs for id in "abc"] == [23, 23, 23]
    assert sorted(job(found, id).held for id in "abc") == [0, 600, 1200]
    assert job(found, "a").limits == ("queue:db",)
    assert "durations" not in {guess.what for guess in found.guesses}


def test_a_job_that_takes_longer_than_its_interval_queues_up(board: Board) -> None:
    board.put("slow", "shell", "x", every=60, concurrency=1, now=NOW)
    found = forecast(board, durations={"slow": 90})
    assert job(found, "slow").runs == 960
    assert job(found, "slow").held == 959 * 30  # in order: nothing overtakes
    assert found.waiting == 1440 - 960


def test_a_rate_holds_tasks(board: Board) -> None:
    for id in "abcdef":
        board.put(id, "http", "x", cron="0 * * * *", now=NOW)
    board.limit("runner", "http", rate="2/10m")
    found = forecast(board)
    assert found.runs == 6 * 23
    assert sorted({one.held for one in found.jobs}) == [0, 600, 1200]
    board.put("own", "shell", "x", every=60, rate="1/2m", now=NOW)
    assert job(forecast(board, 0.5), "own").runs == 360


def test_overlap_skips_by_the_learned_duration(board: Board) -> None:
    board.put("busy", "shell", "x", every=60, overlap="skip", now=NOW)
    board.put("calm", "shell", "x", every=60, overlap="skip", now=NOW)
    board.put("free", "shell", "x", every=60, now=NOW + 1)
    found = forecast(board, durations={"busy": 90, "calm": 60, "free": 90})
    assert (job(found, "busy").runs, job(found, "busy").skipped) == (720, 720)
    assert (job(found, "calm").runs, job(found, "calm").skipped) == (1440, 0)
    assert job(found, "free").overlapping == job(found, "free").runs - 1


def test_the_next_run_replaces_one_that_is_under_way(board: Board) -> None:
    options: dict[str, Any] = {"overlap": "replace", "now": NOW}
    board.put("long", "shell", "x", every=2, **options)
    board.put("exact", "shell", "x", every=2, queue="other", **options)
    board.put("queued", "shell", "x", every=2, overlap="queue", now=NOW)
    found = forecast(board, 1 / 24, durations={"long": 2.5, "exact": 2, "queued": 2.5})
    long = job(found, "long")
    assert (long.runs, long.cancelled, long.skipped, long.overlapping, long.held) == (1800, 1799, 0, 0, 0)
    assert (long.first, long.last) == (NOW, NOW + 3598)
    assert (job(found, "exact").runs, job(found, "exact").cancelled) == (1800, 0)
    assert found.waiting == 1  # of the job with overlap queue
    text = unstyle("\n".join(forecast_lines(found, "b")))
    assert "\n  long  1,799 cancelled of 1,800\n" in text
    assert "held by limits or overlap\n  queued  at most 2s, overlap queue\n" in text
    later = job(forecast(board, 1 / 24, from_="+1h", durations={"long": 2.5}), "long")
    assert (later.runs, later.cancelled) == (1800, 1800)  # the first one cancels a run of before the span


def test_a_replaced_run_frees_its_limit_and_starts_children_on_end(board: Board) -> None:
    board.limit("queue", "db", concurrency=1)
    board.put("load", "shell", "x", every=60, overlap="replace", queue="db", repeat=3, now=NOW)
    board.put("other", "shell", "x", at=NOW + 130, queue="db", now=NOW)
    board.put("after-end", "shell", "x", after=["load"], on="end", now=NOW)
    board.put("after-done", "shell", "x", after=["load"], now=NOW)
    found = forecast(board, 1 / 24, durations={"load": 90.5, "other": 1})
    assert (job(found, "load").runs, job(found, "load").cancelled) == (3, 2)
    ends = {one.id: (one.runs, one.first, one.last) for one in found.jobs}
    assert ends["after-end"] == (3, NOW + 60, NOW + 210.5)
    assert ends["after-done"] == (1, NOW + 210.5, NOW + 210.5)
    assert ends["other"] == (1, NOW + 210.5, NOW + 210.5)  # it waits for the last run only


def test_runs_that_were_never_done_go_on_until_they_are_replaced(board: Board) -> None:
    begin = NOW - 120
    board.put("long", "shell", "x", every=60, overlap="replace", now=begin)
    board.put("unknown", "shell", "x", every=60, overlap="replace", start=NOW, now=begin)
    board.tick(now=begin)
    (task,) = board.pop("shell", lease=600, now=begin)
    board.tick(now=begin + 60)
    board.ack(task.token, "cancelled", now=begin + 60)
    found = forecast(board, 1 / 24)
    assert (job(found, "long").runs, job(found, "long").cancelled) == (60, 59)
    assert (job(found, "unknown").runs, job(found, "unknown").cancelled) == (60, 0)
    guesses = {guess.what: guess for guess in found.guesses}
    assert (guesses["replaced"].jobs, guesses["durations"].jobs) == (("long",), ("unknown",))
    assert guesses["replaced"].sentence.startswith("No run of one job has been done yet")
    assert "ends at once when the next one replaces it" in guesses["outcomes"].sentence


def test_runs_take_fractions_of_a_second(board: Board) -> None:
    board.put("queued", "shell", "x", every=5, overlap="queue", now=NOW)
    board.put("skipped", "shell", "x", every=5, overlap="skip", now=NOW)
    board.put("single", "shell", "x", every=4, concurrency=1, now=NOW)
    board.put("short", "shell", "x", every=1, concurrency=1, start=NOW + 0.25, now=NOW)
    durations = {"queued": 7.5, "skipped": 7.5, "single": 4.3, "short": 1.2}
    found = forecast(board, 1 / 24, durations=durations)
    runs = {one.id: (one.runs, one.skipped) for one in found.jobs}
    assert runs == {"queued": (480, 239), "skipped": (360, 360), "single": (838, 0), "short": (3000, 0)}
    assert job(found, "queued").held == 7.5
    assert job(found, "single").last == pytest.approx(NOW + 837 * 4.3)
    assert "rounding" not in {guess.what for guess in found.guesses}


def test_a_shared_limit_is_free_the_moment_a_run_ends(board: Board) -> None:
    board.limit("queue", "narrow", concurrency=1)
    for id in ("a", "b"):
        board.put(id, "shell", "x", every=2, queue="narrow", now=NOW)
    board.put("child", "shell", "x", after=["a"], queue="narrow", now=NOW)
    found = forecast(board, 1 / 24, durations={"a": 0.4, "b": 0.4, "child": 0.7})
    assert {one.id: one.runs for one in found.jobs} == {"a": 1800, "b": 1800, "child": 1800}
    assert job(found, "child").first == NOW + 0.8  # what is due at the same time comes first
    assert [job(found, id).held for id in ("a", "b", "child")] == [0, 0.4, 0.4]


def test_children_start_at_fractions_of_a_second(board: Board) -> None:
    board.put("load", "shell", "x", every=60, now=NOW)
    board.put("clean", "shell", "x", after=["load"], now=NOW)
    board.put("report", "shell", "x", after=["clean"], now=NOW)
    board.put("both", "shell", "x", after=["load", "clean"], overlap="skip", now=NOW)
    found = forecast(board, 1 / 24, durations={"load": 1.25, "clean": 58.7, "both": 0.01})
    starts = {one.id: (one.first, one.last) for one in found.jobs}
    last = NOW + 3540
    assert starts == {
        "load": (NOW, last),
        "clean": (NOW + 1.25, last + 1.25),
        "report": (NOW + 59.95, last + 59.95),
        "both": (NOW + 59.95, last + 59.95),
    }
    assert [one.runs for one in found.jobs] == [60] * 4
    assert sum(found.by_minute.values()) == 240
    assert set(found.by_minute.values()) == {4}


def test_rounding_is_said(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs_core.forecast.simulate.FINE_STEPS", 100)
    board.put("slow", "shell", "x", every=1, concurrency=1, now=NOW)
    found = forecast(board, 1 / 24, durations={"slow": 1.5})
    (guess,) = (guess for guess in found.guesses if guess.what == "rounding")
    assert guess.jobs == ("slow",)
    assert "too many runs to time each exactly" in guess.sentence
    assert 1800 < job(found, "slow").runs < 2400
    guessed = unstyle("\n".join(forecast_lines(found, "b"))).partition("guessed")[2]
    assert "start and end at whole seconds" in " ".join(guessed.split())
    assert all(len(line) <= 80 for line in guessed.splitlines())


def test_a_pause_ends_at_its_time(board: Board) -> None:
    board.put("plain", "shell", "x", every=600, now=NOW)
    board.put("cron", "shell", "x", cron="30 * * * *", zone="Asia/Kathmandu", now=NOW)
    board.put("limited", "shell", "x", every=600, concurrency=1, now=NOW)
    board.put("child", "shell", "x", after=["parent"], now=NOW)
    board.put("parent", "shell", "x", every=600, now=NOW)
    board.put("gated", "shell", "x", cron="*/10 * * * *", after=["parent"], now=NOW)
    board.put("once", "shell", "x", at=NOW + HOUR, now=NOW)
    board.put("later", "shell", "x", every=600, now=NOW)
    for id in ("plain", "cron", "limited", "child", "gated", "once"):
        board.pause(id, until=NOW + 2 * HOUR + 300, now=NOW)
    board.pause("later", until=NOW + 2 * DAY, now=NOW)
    found = forecast(board, 0.25, durations=dict.fromkeys(("parent", "limited"), 60.5))
    assert {one.id: (one.runs, one.first) for one in found.jobs} == {
        "plain": (23, NOW + 2 * HOUR + 600),
        "cron": (4, NOW + 2 * HOUR + 2700),  # Kathmandu is 5:45 ahead
        "limited": (23, NOW + 2 * HOUR + 600),
        "child": (23, NOW + 2 * HOUR + 660.5),
        "parent": (36, NOW),
        "gated": (23, NOW + 2 * HOUR + 660.5),
        "once": (0, None),
        "later": (0, None),
    }
    assert (job(found, "plain").state, job(found, "plain").paused_until) == ("paused", NOW + 2 * HOUR + 300)
    moment = datetime.fromtimestamp(NOW + 2 * DAY)
    assert f"  later  paused until {moment:%Y-%m-%d %H:%M}" in list(forecast_lines(found, "b"))


def test_a_pause_that_is_over_but_unnoticed(board: Board) -> None:
    board.put("late", "shell", "x", every=600, now=NOW - 3600)
    board.pause("late", until=NOW - 1800, now=NOW - 3600)
    late = job(forecast(board, 0.25), "late")
    assert (late.runs, late.first, late.coalesced) == (36, NOW, 3)


def test_open_tasks_are_left_out_and_named(board: Board) -> None:
    board.put("a", "shell", "x", every=600, concurrency=1, start=NOW + 60, now=NOW)
    assert "tasks" not in {guess.what for guess in forecast(board).guesses}
    board.push("a")
    board.push("a")
    assert len(board.pop("shell", count=2, lease=60)) == 1  # the limit holds the other
    found = forecast(board, 1 / 24)
    (guess,) = (guess for guess in found.guesses if guess.what == "tasks")
    assert guess.sentence.startswith("The board has 2 open tasks (queued, held, delayed or running).")
    assert (job(found, "a").runs, job(found, "a").held) == (6, 0)


def test_children_start_when_their_parents_have_ended(board: Board) -> None:
    board.put("fetch", "shell", "x", cron="0 * * * *", now=NOW)
    board.put("clean", "shell", "x", cron="5 * * * *", now=NOW)
    board.put("report", "shell", "x", after=["fetch", "clean"], now=NOW)
    board.put("alarm", "shell", "x", after=["fetch"], on="dead", now=NOW)
    found = forecast(board, durations={"fetch": 1200, "clean": 60})
    assert (job(found, "report").runs, job(found, "report").first) == (23, NOW + 3600 + 1200)
    assert job(found, "report").after == ("fetch", "clean")
    assert found.never == ("alarm",)
    assert "outcomes" in {guess.what for guess in found.guesses}


def test_a_wait_for_parents_is_not_held_by_limits(board: Board) -> None:
    board.put("load", "shell", "x", cron="0 * * * *", now=NOW)
    board.put("never", "shell", "x", now=NOW)
    gate: dict[str, Any] = {"cron": "30 * * * *", "deadline": "20m", "at-deadline": "run"}
    for id, parent in (("alone", "never"), ("gated", "load")):
        board.put(id, "shell", "x", after=[parent], **gate, now=NOW)
    found = forecast(board, 1, durations={"load": 600})
    alone = job(found, "alone")
    assert (alone.held, alone.awaited) == (0, 1200)
    assert (alone.runs, alone.first) == (24, NOW + 50 * 60)
    text = "\n".join(forecast_lines(found, "b"))
    assert "held by limits" not in text
    assert f"alone  {alone.runs} runs, without a run of never in this time, each waits at most 20m" in text
    assert f"gated  {job(found, 'gated').runs} runs after load" in text


def test_a_parent_that_has_ended_already_counts(board: Board) -> None:
    board.put("fetch", "shell", "x", now=NOW)
    board.put("clean", "shell", "x", cron="5 * * * *", now=NOW)
    board.put("report", "shell", "x", after=["fetch", "clean"], now=NOW)
    board.push("fetch")
    (task,) = board.pop("shell", lease=60)
    board.ack(task.token, now=NOW)
    assert job(forecast(board), "report").runs == 1


def test_learned_durations_come_from_earlier_runs(board: Board) -> None:
    board.put("busy", "shell", "x", every=60, overlap="skip", now=NOW - 600)
    board.tick(now=NOW - 600)
    (task,) = board.pop("shell", lease=600, now=NOW - 600)
    board.ack(task.token, now=NOW - 600 + 90)
    found = forecast(board)
    assert job(found, "busy").skipped in (719, 720)
    assert "durations" not in {guess.what for guess in found.guesses}


def test_what_is_late_already_runs_as_a_tick_decides(board: Board) -> None:
    for id, options in {"one": {}, "skip": {"misfire": "skip"}, "all": {"misfire": "all"}}.items():
        board.put(id, "shell", "x", every=600, now=NOW - 3000, **options)  # type: ignore[arg-type]
    found = forecast(board, 3000 / DAY)
    assert [job(found, id).runs for id in ("one", "skip", "all")] == [5, 5, 10]
    assert (job(found, "one").coalesced, job(found, "skip").skipped) == (5, 5)


def test_jobs_that_do_not_run(board: Board) -> None:
    board.put("paused", "shell", "x", every=60, now=NOW)
    board.pause("paused")
    board.put("manual", "shell", "x", now=NOW)
    found = forecast(board)
    assert found.never == ("manual", "paused")
    assert [one.state for one in found.jobs] == ["manual", "paused"]
    assert found.minutes == ()


def test_the_busiest_minutes_name_who_collides(board: Board) -> None:
    for number in range(30):
        board.put(f"job-{number:02}", "shell", "x", cron="15 9 * * *", now=NOW)
    board.put("often", "shell", "x", cron="* * * * * *", stop=NOW + 2 * 3600, now=NOW)
    first = forecast(board).minutes[0]
    assert (first.time, first.runs) == (NOW + 4500, 90)
    assert first.jobs[0] == ("often", 60)
    assert len(first.jobs) == 5


def test_a_span_that_begins_later(board: Board) -> None:
    board.put("slow", "shell", "x", every=60, concurrency=1, repeat=100, now=NOW)
    found = forecast(board, 1, from_="+1h", durations={"slow": 90})
    assert job(found, "slow").first == NOW + 3600
    assert job(found, "slow").runs == 60


def test_a_file_changes_what_runs(board: Board, tmp_path: Path) -> None:
    path = tmp_path / "board.yml"
    path.write_text(
        "jobs:\n  a: {runner: shell, payload: secret, every: 60}\n  b: {runner: shell, payload: x}\n"
    )
    file = read_valid(path)
    board.apply([one.arguments for one in file.boards[None].jobs], file.owner)
    path.write_text(
        "jobs:\n  a: {runner: shell, payload: secret, every: 120}\n"
        "  c: {runner: shell, payload: x, cron: 0 3 * * *, zone: Europe/Brussels}\n"
    )
    file = read_valid(path)
    found = forecast_file(board, file, file.boards[None], days=1)
    changes = {one.id: (one.change, one.before, one.after) for one in found.changes}
    assert changes["c"] == ("new", 0, 1)
    assert changes["b"] == ("gone", 0, 0)
    kind, before, after = changes["a"]
    assert kind == "changed"
    assert before in (1440, 1441)  # the run that is due at once, and those of a day
    assert after in (719, 720, 721)


def test_nothing_is_written(board: Board, jobs: Jobs, url: str, tmp_path: Path) -> None:
    board.put("a", "shell", "x", every=60, overlap="skip", now=NOW)
    board.put("b", "shell", "x", after=["a"], now=NOW)
    path = tmp_path / "board.yml"
    path.write_text("jobs: {c: {runner: shell, payload: x, every: 5}}\n")

    with redis.Redis.from_url(url) as client:

        def state() -> list[tuple[bytes, bytes]]:
            return [(name, client.dump(name)) for name in sorted(client.scan_iter(f"{board.keys.tag}*"))]

        before = state()
        assert jobs("forecast", "--days", "1").exit_code == 0
        assert jobs("forecast", str(path), "--days", "1").exit_code == 0
        assert state() == before


def test_the_command_line_shows_a_map_and_json(board: Board, jobs: Jobs) -> None:
    board.put("a", "shell", "x", cron="0 * * * *")
    board.put("m", "shell", "x")
    shown = jobs("forecast", "--days", "2")
    assert shown.exit_code == 0, shown.output
    assert all(len(line) <= 80 for line in shown.stdout.splitlines())
    for title in ("runs an hour", "busiest minutes", "never in this time\n  m  manual", "guessed"):
        assert title in shown.stdout
    found = json.loads(jobs("forecast", "--days", "2", "--json").stdout)
    assert found["runs"] == 48 == sum(hour["runs"] for hour in found["hours"])
    assert found["never"] == ["m"]
    assert [hour["jobs"] for hour in found["hours"] if hour["runs"]] == [[{"id": "a", "runs": 1}]] * 48
    assert {"minutes", "jobs", "guesses"} <= found.keys()


def test_the_map_has_a_line_a_day() -> None:
    begin = int(NOW)
    runs = {begin // 60: 1, begin // 60 + 61: 8}
    lines = [unstyle(line) for line in heat_map(runs, begin, begin + 2 * 3600, UTC)]
    assert lines[1].split() == ["Tue", "12-01", "░░██", "9"]
    assert lines[-1].split("   ")[-1].strip().endswith("7 to 8")
    assert len(list(heat_map({}, begin, begin + 3 * DAY, UTC))) == 4 + 2


def test_mistakes_are_explained(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptionError, match="days: expected"):
        board.forecast(0)
    with pytest.raises(OptionError, match="from: expected a time from now on"):
        forecast(board, from_=datetime.now(UTC) - timedelta(days=3650))
    monkeypatch.setenv("JOBS_SERVER", "no-such-server")
    with pytest.raises(ServerError, match="pip install 'jobs-core\\[embedded\\]'"):
        board.forecast()


def test_asyncio(board: Board, url: str) -> None:
    async def body() -> int:
        async with AsyncBoard(board.name, url) as client:
            return (await client.forecast(1, now=NOW)).runs

    board.put("a", "shell", "x", cron="0 * * * *", now=NOW)
    assert asyncio.run(body()) == 23


def test_an_hour_names_a_hundred_jobs_with_all_their_runs() -> None:
    tally = Tally(0, 7_200_000)
    for number in range(150):
        tally.add_times(f"j{number:03}", [0, 60_000, 3_600_000], None)
    hours = tally.in_hours()
    assert list(hours) == [0, 3600]
    assert [len(jobs) for jobs in hours.values()] == [100, 100]
    assert hours[0][0] == ("j000", 2)
    assert sum(tally.minutes.values()) == 450


def test_a_forecast_that_is_terminated_leaves_nothing_behind(board: Board, url: str, tmp_path: Path) -> None:
    board.put("often", "test", "x", every=0.1)
    words = ("forecast", "--days", "92", "--board", board.name, "--url", url)
    with jobs_process(*words, path=tmp_path, TMPDIR=str(tmp_path)) as process:
        wait_until(lambda: bool(list(tmp_path.glob("jobs-forecast-*/*"))))
        process.terminate()
        assert process.wait(30) == -signal.SIGTERM  # as a service manager expects it
    assert not list(tmp_path.glob("jobs-forecast-*"))
