"""Cron patterns beside cronsim, which does as Debian's cron does: random patterns, zones and moments.

Where clocks change, cronsim goes wrong now and then: it steps from hour to hour, and so misses the full hours
after a change of a quarter of an hour; or it names a time that never was. There the rule itself decides,
followed minute by minute.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim, CronSimError

from jobs_core import Board
from jobs_core.engine import zones
from jobs_core.errors import OptionError

CASES, RUNS = 21_000, 4
SEED = 2026

ZONES = (
    "UTC",
    "Europe/Brussels",
    "America/New_York",
    "America/Sao_Paulo",  # skipped midnight until 2018
    "Africa/Cairo",
    "Africa/Casablanca",  # set back for Ramadan
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # half an hour
    "Antarctica/Troll",  # two hours
    "America/St_Johns",  # formerly changed at one minute past midnight
    "Pacific/Apia",  # skipped a day
)

FIRST, LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (1971, 2037))
DAY = 86400
CORRECTION = timedelta(hours=3)

Case = tuple[str, str, int]
"""A pattern, a zone, and the epoch second after which its runs are compared."""


class Patterns:
    """Random patterns of five fields, with the syntax that both sides support."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def one(self) -> str:
        chance = self._chance
        weekdays = (
            "MON-FRI",
            f"{chance.randint(0, 7)}L",
            f"{chance.choice(('MON', 'SAT', '3'))}#{chance.randint(1, 5)}",
        )
        return " ".join(
            (
                self._field(0, 59, star=0.3),
                self._field(0, 23, star=0.35),
                self._field(1, 31, star=0.55, special=("L", "LW")),
                self._field(1, 12, star=0.7, special=("JAN", "MAR-OCT")),
                self._field(0, 7, star=0.55, special=weekdays),
            )
        )

    def _field(self, low: int, high: int, star: float, special: Sequence[str] = ()) -> str:
        sort = self._chance.random()
        if sort < star:
            return "*"
        if special and sort < star + 0.15:
            return self._chance.choice(special)
        return ",".join(self._item(low, high) for _ in range(self._chance.choice((1, 1, 1, 2, 3))))

    def _item(self, low: int, high: int) -> str:
        chance = self._chance
        first = chance.randint(low, high)
        last = chance.randint(first, high)
        stepped = f"{first}-{last}/{chance.randint(1, 6)}" if last > first else str(first)
        return chance.choice(
            (str(first), str(first), f"{first}-{last}", f"*/{chance.randint(1, (high - low) // 2)}", stepped)
        )


def moments(chance: random.Random, zone: str) -> Iterator[int]:
    """Random moments: more than half of them near a change of the zone's clocks."""
    near = [time for time, _ in zones.changes(zone) if FIRST < time < LAST]
    while True:
        if near and chance.random() < 0.6:
            away = chance.choice((2 * DAY, 7200, 60, 1))
            yield chance.choice(near) + chance.randint(-away, away)
        else:
            yield chance.randint(FIRST, LAST)


def cases() -> list[Case]:
    chance = random.Random(SEED)
    patterns = Patterns(chance)
    after = {zone: moments(chance, zone) for zone in ZONES}
    chosen = (chance.choice(ZONES) for _ in range(CASES))
    return [(patterns.one(), zone, next(after[zone])) for zone in chosen]


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Skip patterns on which cronsim never returns, in zones with clock changes of a fraction of an hour."""

    def ring(*_: Any) -> None:
        raise TimeoutError

    previous = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@cache
def zone_info(name: str) -> ZoneInfo:
    """A zone from the data that Redis has, not from the machine's."""
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, name)


def on_the_wall(second: int, zone: str) -> datetime:
    return datetime.fromtimestamp(second, zone_info(zone)).replace(tzinfo=None, fold=0)


def by_the_rule(pattern: str, zone: str, after: int, runs: int) -> list[int]:
    """The runs, minute by minute: what the clock shows is matched. Where it is fixed, what was skipped runs
    after the gap, and what comes again is not matched again. A change of three hours and more only sets the
    clock."""
    simulation = CronSim(pattern, datetime(2000, 1, 1))
    minute, hour, *_ = pattern.split()
    fixed = not minute.startswith("*") and not hour.startswith("*")

    def fits(wall: datetime) -> bool:
        return (
            wall.minute in simulation.minutes
            and wall.hour in simulation.hours
            and wall.month in simulation.months
            and simulation.match_day(wall.date())
        )

    found: list[int] = []
    second = after - after % 60 - 2 * DAY
    latest = on_the_wall(second - 60, zone)
    while len(found) < runs:
        wall = on_the_wall(second, zone)
        shown = [wall]
        if abs(wall - latest) >= CORRECTION:
            latest = wall
        elif fixed:
            shown = [
                latest + timedelta(minutes=n + 1) for n in range((wall - latest) // timedelta(minutes=1))
            ]
            latest = max(latest, wall)
        if second > after and any(map(fits, shown)):
            found.append(second)
        second += 60
        assert second < after + 400 * DAY
    return found


def simulated(pattern: str, zone: str, after: int) -> list[int] | None:
    """Return cronsim's runs: fewer if it finds no more, None if it has no answer."""
    found: list[int] = []
    tick = 0
    try:
        with at_most(2):
            simulation = CronSim(
                pattern, datetime.fromtimestamp(after, UTC if zone == "UTC" else zone_info(zone))
            )
            while len(found) < RUNS:
                last, tick = tick, int(next(simulation).timestamp())
                if tick <= last:
                    return None  # it loops forever
                if tick > after:  # it starts at the wall clock time, which may be an hour earlier
                    found.append(tick)
    except (TimeoutError, CronSimError):
        return None
    except StopIteration:
        pass
    return found


@pytest.mark.timeout(300)
def test_twenty_thousand_random_cases_agree_with_cronsim(board: Board) -> None:
    zones.load(board.commands)
    asked = cases()
    calls = (
        ("JNEXT", ["-", "cron", pattern, "zone", zone, "now", after, "count", RUNS])
        for pattern, zone, after in asked
    )
    compared, excused, wrong = 0, 0, []
    for case, reply in zip(asked, board.commands.stream(calls), strict=True):
        expected = simulated(*case)
        if expected is None:
            continue
        ours = [] if isinstance(reply, OptionError) else [time // 1000 for time in reply]
        compared += 1
        if ours == expected:
            continue
        if ours and ours == by_the_rule(*case, len(ours)):
            excused += 1
        else:
            wrong.append((case, ours, expected))
    assert not wrong, f"{len(wrong)} of {compared} differ, such as {wrong[:5]}"
    assert compared - excused >= 20_000
    assert excused < 0.02 * compared
