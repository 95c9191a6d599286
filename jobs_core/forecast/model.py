"""What a forecast is made of, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

T = TypeVar("T")

DEFAULT_DURATION = 10.0
"""Seconds that a run counts as if nothing is known about its job."""

MAX_DAYS = 92
"""The longest span of a forecast, in days."""

STEP = 500
"""Jobs after which `followed` tells the progress."""

ENDLESS = 366 * 86400.0
"""Seconds that no run in a forecast lasts."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a forecast needs to know of a board.

    Args:
        jobs: The jobs as `Board.dump` yields them. Their payloads are not used.
        limits: The limits of queues and runners, as `Board.limits` yields them.
        met: The parents that have ended since a job's last run, by the job's id.
        durations: How many seconds a run takes, by the job's id, where that is known.
        always_replaced: The ids of the jobs with overlap replace that have runs, none of them done.
        waiting: How many tasks are open now: queued, held, delayed or running.
    """

    jobs: Sequence[Mapping[str, Any]]
    limits: Sequence[Mapping[str, Any]] = ()
    met: Mapping[str, Sequence[str]] = field(default_factory=dict)
    durations: Mapping[str, float] = field(default_factory=dict)
    always_replaced: frozenset[str] = frozenset()
    waiting: int = 0

    @property
    def replaced(self) -> set[str]:
        """The ids of the jobs whose runs count as going on until the next ones replace them."""
        return {job["id"] for job in self.jobs if job.get("overlap") == "replace"} & self.always_replaced

    @property
    def lengths(self) -> dict[str, float]:
        """How many seconds a run counts as, by the job's id, where the earlier runs tell."""
        return {**self.durations, **dict.fromkeys(self.replaced, ENDLESS)}


@dataclass(frozen=True, slots=True)
class Span:
    """When to forecast, and what to assume.

    Args:
        now: The time at which the board is as its source says, in epoch seconds.
        begin: The beginning of the span: now, or later.
        end: The end of the span, which is not part of it.
        duration: Seconds that a run takes if nothing is known about its job.
        progress: Called often with the share of the work that is done, from 0 to 1. What it raises ends the
            forecast.
    """

    now: float
    begin: float
    end: float
    duration: float = DEFAULT_DURATION
    progress: Callable[[float], object] = lambda share: None


def followed(items: Iterable[T], progress: Callable[[float], object]) -> Iterator[T]:
    """Yield items, and tell the progress now and then, so that whoever follows it can end the work."""
    for number, item in enumerate(items):
        if number % STEP == 0:
            progress(0)
        yield item


@dataclass(frozen=True, slots=True)
class JobForecast:
    """What a job will do in the span. Times are epoch seconds.

    Args:
        id: The job's id.
        state: The state of the job now: scheduled, waiting, paused, ended or manual.
        runs: How many runs start.
        first: When the first run starts, or None.
        last: When the last run starts, or None.
        skipped: How many occurrences are skipped, by `overlap` or because a queue is full.
        coalesced: How many occurrences that are late already now run together.
        cancelled: How many runs are cancelled because the next is due, by overlap replace.
        overlapping: How many runs start while an earlier one is under way, if its duration is known.
        held: The longest time in seconds that a run waits for a limit, or by `overlap queue`.
        awaited: The longest time in seconds that a run of a job with a time of its own waits for the jobs it
            comes after, limits included.
        paused_until: When the job resumes by itself (epoch seconds), if it is paused now and does.
        limits: The limits that apply to the job: `job`, `queue:<name>`, `runner:<name>`.
        overlap: What happens if a run is due while an earlier one is under way: skip, queue or replace, or
            None for allow.
        after: The jobs it runs after.
    """

    id: str
    state: str
    runs: int = 0
    first: float | None = None
    last: float | None = None
    skipped: int = 0
    coalesced: int = 0
    cancelled: int = 0
    overlapping: int = 0
    held: float = 0
    awaited: float = 0
    paused_until: float | None = None
    limits: tuple[str, ...] = ()
    overlap: str | None = None
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Minute:
    """A busy minute: when it begins (epoch seconds), how many runs start, and the jobs with the most."""

    time: float
    runs: int
    jobs: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Guess:
    """Something that the forecast had to assume. `jobs` names those that it matters for, if not all."""

    what: Literal["durations", "replaced", "medians", "rounding", "outcomes", "workers", "tasks"]
    sentence: str
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a board will run from `begin` to `end` (epoch seconds).

    Args:
        begin: The beginning of the span.
        end: The end of the span, which is not part of it.
        runs: How many runs start.
        waiting: How many tasks still wait for a limit at the end.
        by_minute: How many runs start in each minute that has any: its number since the epoch, and the runs.
        by_hour: The jobs of each hour that has any, most runs first: when it begins (epoch seconds), and the
            runs by job id. An hour names at most a hundred jobs, with all their runs in it.
        minutes: The busiest minutes, busiest first.
        jobs: What each job does, sorted by id.
        guesses: What the forecast had to assume.
    """

    begin: float
    end: float
    runs: int
    waiting: int
    by_minute: Mapping[int, int]
    by_hour: Mapping[int, tuple[tuple[str, int], ...]]
    minutes: tuple[Minute, ...]
    jobs: tuple[JobForecast, ...]
    guesses: tuple[Guess, ...]

    @property
    def hours(self) -> dict[int, int]:
        """How many runs start in each hour (epoch seconds of its beginning), hours without runs included."""
        first, last = int(self.begin // 3600), int((self.end - 0.001) // 3600)
        found = dict.fromkeys(range(first * 3600, last * 3600 + 1, 3600), 0)
        for minute, runs in self.by_minute.items():
            found[minute // 60 * 3600] += runs
        return found

    @property
    def never(self) -> tuple[str, ...]:
        """The ids of the jobs that do not run in the span."""
        return tuple(job.id for job in self.jobs if not job.runs)

    def as_dict(self) -> dict[str, Any]:
        """Return the forecast as `jobs forecast --json` prints it."""
        return {
            "begin": self.begin,
            "end": self.end,
            "runs": self.runs,
            "waiting": self.waiting,
            "hours": [
                {"time": time, "runs": runs, "jobs": _as_rows(self.by_hour.get(time, ()))}
                for time, runs in self.hours.items()
            ],
            "minutes": [
                {"time": one.time, "runs": one.runs, "jobs": _as_rows(one.jobs)} for one in self.minutes
            ],
            "jobs": [asdict(job) for job in self.jobs],
            "never": list(self.never),
            "guesses": [asdict(guess) for guess in self.guesses],
        }


def _as_rows(jobs: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"id": id, "runs": runs} for id, runs in jobs]
