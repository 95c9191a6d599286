"""Schedules and ticks, compared with a model that enumerates occurrences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lua.helpers import MS, Lua, ms

LAST = 7_258_118_400_000 - MS
"""The end of the year 2199, after MS."""

QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True)
class Schedule:
    """A repeating schedule; its times are in ms, `start` and `stop` after MS."""

    every: int
    start: int = 0
    stop: int | None = None
    repeat: int | None = None
    decay: float = 1.0
    step: int = 86_400_000

    def options(self) -> dict[str, Any]:
        """Return the equivalent options of JSET."""
        options: dict[str, Any] = {"every": f"{self.every}ms", "start": ms(MS + self.start)}
        if self.stop is not None:
            options["stop"] = ms(MS + self.stop)
        if self.repeat is not None:
            options["repeat"] = self.repeat
        if self.decay != 1:
            options |= {"decay": self.decay, "step": f"{self.step}ms"}
        return options

    def interval(self, time: int) -> int:
        """Return `every` times `decay` per step since `start`, at least a second (or `every`, if less)."""
        steps = min(
            (time - self.start) // self.step, 300
        )  # by then it is at its minimum, or beyond the year 2199
        decayed = self.every * self.decay**steps
        return max(int(decayed + 0.5), min(self.every, 1000))

    def occurrences(self) -> Iterator[int]:
        """Yield all occurrences one by one, up to the end of the year 2199."""
        time = self.start
        while time <= (LAST if self.stop is None else self.stop):
            yield time
            time += self.interval(time)


schedules = st.builds(
    Schedule,
    every=st.integers(1, 6000),
    start=st.integers(-9000, 9000),
    stop=st.none() | st.integers(9000, 30_000),
    repeat=st.none() | st.integers(1, 6),
    decay=st.sampled_from([1.0, 0.5, 0.9, 1.1, 2.0, 10.0]),
    step=st.integers(1000, 9000),
)


@QUICK
@given(schedules)
def test_the_next_runs_match_the_model(lua: Lua, schedule: Schedule) -> None:
    coming = (time for time in schedule.occurrences() if time >= 0)
    expected = [MS + time for time in islice(coming, min(schedule.repeat or 30, 30))]
    assert lua.jnext("-", **schedule.options(), count=30) == expected


@QUICK
@given(schedules, st.lists(st.integers(0, 40_000), min_size=1, max_size=8).map(sorted))
def test_every_occurrence_is_queued_or_coalesced(lua: Lua, schedule: Schedule, ticks: list[int]) -> None:
    lua.reset()
    lua.put(**schedule.options())
    coming = [t for t in takewhile(lambda time: time <= 60_000, schedule.occurrences()) if t >= 0]
    queued: list[int] = []
    coalesced = 0
    for now in ticks:
        ended = schedule.repeat is not None and len(queued) >= schedule.repeat
        due = [] if ended else [time for time in coming if time <= now]
        coming = coming[len(due) :]
        queued += due[:1]
        if len(queued) != schedule.repeat:  # nothing is due after the last run
            coalesced += len(due[1:])
        assert lua.tick(ms(MS + now)) == len(due[:1])
    assert lua.ids() == [f"a@{MS + time}" for time in queued]
    stats = lua.stats()
    assert (stats["queued"], stats["coalesced"]) == (len(queued), coalesced)
    assert stats["due"] == stats["queued"] + stats["coalesced"]
    if schedule.repeat is not None:
        assert lua.job()["left"] == schedule.repeat - len(queued)


@QUICK
@given(schedules, st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_job_resumes_at_its_next_occurrence(lua: Lua, schedule: Schedule, pause: int, length: int) -> None:
    lua.reset()
    lua.put(**schedule.options())
    lua.tick(ms(MS + pause))
    lua.jpause("a")
    left = lua.job().get("left", 1)
    now = pause + length
    resumed = lua.jresume("a", now=ms(MS + now))
    coming = (time for time in schedule.occurrences() if time > pause and time >= now)
    expected = next(coming, None) if left else None
    assert resumed == (0 if expected is None else MS + expected)


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        (Schedule(1000, decay=2, step=3000), [0, 1000, 2000, 3000, 5000, 7000, 11_000, 19_000]),
        (Schedule(8000, decay=0.5, step=10_000), [0, 8000, 16_000, 20_000, 22_000, 24_000, 26_000, 28_000]),
        (Schedule(4000, decay=0.1, step=4000), [0, 4000, 5000, 6000, 7000, 8000, 9000, 10_000]),
        (Schedule(300, decay=0.1, step=1000), [0, 300, 600, 900, 1200, 1500, 1800, 2100]),
    ],
)
def test_decay_by_hand(lua: Lua, schedule: Schedule, runs: list[int]) -> None:
    assert list(islice(schedule.occurrences(), 8)) == runs
    assert lua.jnext("-", **schedule.options(), count=8) == [MS + run for run in runs]


def test_a_step_is_a_day_unless_given(lua: Lua) -> None:
    hour = 3_600_000
    runs = lua.jnext("-", every="12h", decay=2, count=4)
    assert [run - MS for run in runs] == [0, 12 * hour, 24 * hour, 48 * hour]


def test_a_decaying_job_that_is_very_late_costs_a_limited_time_and_goes_on(lua: Lua) -> None:
    lua.put(every=5, decay=0.9999, step=1)
    assert lua.tick(MS // 1000 + 10_000_000) == 1
    (following,) = lua.jnext("a")
    assert following > MS + 10_000_000_000
