"""Time zones as data: the offset changes of every zone, which Redis uses for cron patterns.

They come from the package `tzdata`, never from the machine, so that all clients with one version agree.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise
from time import monotonic, sleep
from typing import Any
from zoneinfo import ZoneInfo

from tzdata import IANA_VERSION  # type: ignore[import-untyped]

from jobs_core.engine.commands import PATIENCE, PAUSE, Commands
from jobs_core.errors import DeniedError

VERSION: str = IANA_VERSION
"""The version of the data, such as 2026b. Later versions sort after earlier ones."""

FIRST, LAST = 1970, 2199
"""The first and last year that the tables cover."""

Change = tuple[int, int]
"""The time of a change, in epoch seconds, and the offset from then on, in seconds ahead of UTC."""

_RECORD = struct.Struct(">di")
_EARLIEST = -(10**12)
_RULE = re.compile(r"M(\d+)\.(\d)\.(\d)(?:/([+-]?[\d:]+))?")
_FOOTER = re.compile(r"(<[^>]+>|[A-Za-z]+)([+-]?[\d:]+)(?:(<[^>]+>|[A-Za-z]+)([+-]?[\d:]+)?,([^,]+),(.+))?")


BATCH = 100
"""Tables in one call: at most about 100 kB."""


def load(commands: Commands, *, refresh_only: bool = False) -> bool:
    """Update the board's tables, and the next runs of jobs in changed zones.

    If this is interrupted, the next client that loads completes it. A newer version stays. With
    `refresh_only`, a board without tables stays without. Returns whether there was anything to do. Raises
    ServerError.
    """
    loaded = [_load(part, refresh_only) for part in commands.parts]
    return any(loaded)


def _load(commands: Commands, refresh_only: bool) -> bool:
    found = loaded_version(commands)
    if found >= VERSION or (refresh_only and not found):
        return False
    words = [word for pair in tables().items() for word in pair]
    for start in range(0, len(words), 2 * BATCH):
        commands.call("JZONES", "put", *words[start : start + 2 * BATCH])
    cursor = "0"
    while (cursor := commands.call("JZONES", "refresh", cursor)) != "0":
        pass
    commands.call("JZONES", "done", VERSION)
    return True


NO_ZONES = "the board has no time zones yet: run `jobs init` on the primary, as a user with the role client"


def loaded_version(commands: Commands) -> str:
    """Return the version of the board's tables, or an empty string. Unlike JZONES, this only reads."""

    def ask(client: Any) -> Any:
        pipe = client.pipeline(transaction=False)
        pipe.exists(commands.keys.zones)
        pipe.get(f"{commands.keys.zones}:version")
        return pipe.execute()

    there, version = commands.read(ask)
    return str(version or "") if there else ""


def ensure(commands: Commands) -> None:
    """Load the tables if needed. A user who may only read waits for another client. Raises DeniedError."""
    try:
        load(commands)
    except DeniedError as error:
        deadline = monotonic() + PATIENCE
        while not all(map(loaded_version, commands.parts)):
            if monotonic() >= deadline:
                raise DeniedError(NO_ZONES) from error
            sleep(PAUSE)


@cache
def names() -> frozenset[str]:
    """Return the names of all zones: `Europe/Brussels`, `UTC`, …"""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())


@cache
def zone_info(name: str) -> ZoneInfo:
    """Return a zone for Python from the data of the tables. The machine's own files may be older."""
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def tables() -> dict[str, bytes]:
    """Return the table of every zone: a double and an integer for each change, earliest first.

    A zone equal to an earlier one has `=` and the name of that one instead of a table.

    >>> tables()["Asia/Kathmandu"][-12:] == struct.pack(">di", 504901800, 20700)
    True
    """
    found: dict[str, bytes] = {}
    known: dict[bytes, str] = {}
    for name in sorted(names()):
        table = b"".join(_RECORD.pack(*change) for change in changes(name))
        twin = known.setdefault(table, name)
        found[name] = table if twin == name else f"={twin}".encode()
    return found


def changes(name: str) -> list[Change]:
    """Return the changes of a zone's offset from 1970 to 2199. The first one covers all earlier times."""
    explicit, footer = _read(resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes())
    later = [change for change in _expand(footer) if change[0] > explicit[-1][0]]
    begin = _epoch(date(FIRST, 1, 1), 0)
    found = [(_EARLIEST, next(offset for time, offset in reversed(explicit) if time <= begin))]
    found += [change for change in (*explicit, *later) if change[0] > begin]
    return [found[0], *(second for first, second in pairwise(found) if first[1] != second[1])]


def _read(data: bytes) -> tuple[list[Change], str]:
    """Return the explicit changes in a TZif file (RFC 9636), and its footer: the rule for later times."""
    size, _ = _header(data, 0)
    _, counts = _header(data, size)  # the second block, with times of 64 bits
    times, types = counts[3], counts[4]
    start = size + 44
    when = struct.unpack_from(f">{times}q", data, start)
    which = data[start + 8 * times : start + 9 * times]
    offsets = [struct.unpack_from(">i", data, start + 9 * times + 6 * n)[0] for n in range(types)]
    first = [(_EARLIEST, offsets[0])]
    footer = data.rstrip(b"\n").rpartition(b"\n")[2].decode("ascii")
    return first + [(time, offsets[kind]) for time, kind in zip(when, which, strict=True)], footer


def _header(data: bytes, start: int) -> tuple[int, tuple[int, ...]]:
    """Return the length of a block, header included, and the counts in its header."""
    counts = struct.unpack_from(">6l", data, start + 20)
    utc, std, leap, times, types, chars = counts
    return 44 + times * 5 + types * 6 + chars + leap * 8 + std + utc, counts


def _expand(footer: str) -> Iterator[Change]:
    """Yield the changes that a footer's rule makes: `CET-1CEST,M3.5.0,M10.5.0/3`."""
    found = _FOOTER.fullmatch(footer)
    if found is None:
        raise ValueError(f"unknown rule in tzdata: {footer}")
    _, standard, summer, ahead, begins, ends = found.groups()
    usual = -_seconds(standard)
    if summer is None:
        yield _EARLIEST, usual
        return
    shifted = -_seconds(ahead) if ahead else usual + 3600
    for year in range(FIRST, LAST + 2):
        yield from sorted(
            ((_instant(begins, year) - usual, shifted), (_instant(ends, year) - shifted, usual))
        )


def _instant(rule: str, year: int) -> int:
    """Return the local time at which a rule such as `M3.5.0/2` applies: the last Sunday of March, at 2."""
    found = _RULE.fullmatch(rule)
    if found is None:
        raise ValueError(f"unknown rule in tzdata: {rule}")
    month, week, weekday = (int(word) for word in found.groups()[:3])
    first = date(year, month, 1)
    day = first + timedelta(days=(weekday - first.isoweekday()) % 7 + 7 * (week - 1))
    if day.month != month:  # a fifth week is the last
        day -= timedelta(days=7)
    return _epoch(day, _seconds(found[4] or "2"))


def _epoch(day: date, seconds: int) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + seconds


def _seconds(text: str) -> int:
    """Convert hours, with optional minutes and seconds, to seconds: `-5:30` is -19800."""
    parts = [int(part) for part in text.lstrip("+-").split(":")]
    total = sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
    return -total if text.startswith("-") else total
