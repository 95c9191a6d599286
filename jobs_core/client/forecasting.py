"""Read what a forecast needs of a board. Changes nothing there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol, TypedDict, Unpack

from jobs_core.engine.commands import Commands
from jobs_core.errors import JobsError, OptionError
from jobs_core.forecast import DEFAULT_DURATION, Forecast, Source, Span, make_forecast
from jobs_core.forecast.model import MAX_DAYS, followed
from jobs_core.options import Time, to_text
from jobs_core.runs import Summary


class Readable(Protocol):
    """The methods of a board that a forecast reads it with."""

    @property
    def commands(self) -> Commands: ...

    def dump(self) -> Iterator[dict[str, Any]]: ...

    def count(self) -> dict[str, int]: ...

    def limits(self) -> Iterator[dict[str, Any]]: ...

    def summary(self, *jobs: str) -> Mapping[str, Summary]: ...


class ForecastOptions(TypedDict, total=False):
    """Options of `Board.forecast`."""

    from_: Time | None
    duration: float
    durations: Mapping[str, float] | None
    progress: Callable[[float], object]
    now: Time | None


def forecast(board: Readable, days: float, **options: Unpack[ForecastOptions]) -> Forecast:
    """Forecast a board: see `Board.forecast`."""
    span = read_span(board.commands, days, **options)
    return make_forecast(read_source(board, options.get("durations"), span.progress), span)


def read_span(commands: Commands, days: float, **options: Unpack[ForecastOptions]) -> Span:
    """Check the options of a forecast, and read its times with the board's clock.

    Raises:
        OptionError: An option is invalid.
    """
    duration = options.get("duration", DEFAULT_DURATION)
    if not 0 < days <= MAX_DAYS:
        raise OptionError(f"days: expected a number above 0, at most {MAX_DAYS}, got {days:g}", option="days")
    if not 0 <= duration <= 86400 * MAX_DAYS:
        raise OptionError(f"duration: expected a number of seconds, got {duration:g}", option="duration")
    now, begin = _times(commands, options.get("now"), options.get("from_"))
    progress = options.get("progress", lambda share: None)
    return Span(now, begin, begin + days * 86400, duration, progress)


def read_source(
    board: Readable,
    durations: Mapping[str, float] | None = None,
    progress: Callable[[float], object] = lambda share: None,
) -> Source:
    """Read what a forecast needs of a board: the jobs, not the alerts. Payloads are dropped as they come."""
    dumped = (job for job in followed(board.dump(), progress) if "id" in job)
    jobs = [{name: value for name, value in job.items() if name != "payload"} for job in dumped]
    counts = board.count()
    known = board.summary(*(job["id"] for job in jobs)) if durations is None else {}
    return Source(
        jobs=jobs,
        limits=list(board.limits()),
        met=dict(_met(board.commands, (job["id"] for job in jobs if len(job.get("after", ())) > 1))),
        durations=_medians(known) if durations is None else durations,
        always_replaced=frozenset(_always_replaced(jobs, known)),
        waiting=sum(counts.get(name, 0) for name in ("queued", "held", "delayed", "leased")),
    )


def _medians(known: Mapping[str, Summary]) -> dict[str, float]:
    """Return how many seconds the runs of jobs usually take, where any have been done."""
    return {id: one.median for id, one in known.items() if one.median is not None}


def _always_replaced(jobs: Iterable[Mapping[str, Any]], known: Mapping[str, Summary]) -> Iterator[str]:
    """Yield the jobs with overlap replace of which no run has been done, and the last was cancelled."""
    for job in jobs:
        found = known.get(job["id"]) if job.get("overlap") == "replace" else None
        last = found.last if found and found.median is None else None
        if last and last.outcome == "cancelled" and last.started is not None:
            yield job["id"]


def _met(commands: Commands, ids: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the parents that have ended since the last run of each of these jobs, if any have."""
    wanted = list(ids)
    for id, reply in zip(wanted, commands.stream((("JWHEN", [id]) for id in wanted), 500), strict=True):
        if isinstance(reply, JobsError):
            raise reply
        met = json.loads(reply[0]).get("met", []) if reply and reply[0] else []
        if met:
            yield id, met


def _times(commands: Commands, now: Time | None, from_: Time | None) -> tuple[float, float]:
    """Return the time of the board's clock, and the beginning of the span, in epoch seconds."""
    present = _instant(commands, "now", now) if now is not None else int(commands.now() * 1000) / 1000
    begin = present if from_ is None else _instant(commands, "from", from_, present)
    if begin < present:
        raise OptionError(
            "from: expected a time from now on. `jobs history` has what ran before.", option="from"
        )
    return present, begin


def _instant(commands: Commands, name: str, time: Time, now: Any = None) -> float:
    """Read the time of an option as Redis reads it."""
    present: tuple[Any, ...] = () if now is None else ("now", f"{now:.3f}")
    try:
        found = commands.call("JNEXT", "-", "at", to_text(time), *present)
    except OptionError as error:
        raise OptionError(f"{name}: {str(error).removeprefix('at: ')}", option=name) from None
    return float(found[0]) / 1000
