"""What a board keeps of the runs of its jobs, and of the time in which they ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

RunOutcome = Literal["done", "dead", "cancelled", "unleased", "skipped", "coalesced"]
"""How a run ended. Nobody reports how `unleased` ones end. `skipped` and `coalesced` had no run."""


@dataclass(frozen=True, slots=True)
class Held:
    """The limit that held a task, such as `runner:http`, and since when (epoch seconds)."""

    limit: str
    since: float


@dataclass(frozen=True, slots=True)
class Run:
    """A task that has ended, or occurrences of a job that had no run. Times are in epoch seconds.

    Args:
        job: The id of the job.
        outcome: How it ended.
        due: When it was due; of occurrences without a run, when the first was.
        task: The id of the task. None for occurrences without a run.
        started: When the last attempt began. None if none did.
        ended: When it ended.
        attempts: How many attempts began.
        worker: Who ran the last one.
        code: The code of the last report.
        note: What the last report said, up to 200 bytes.
        held: The limit that held the task before it ran.
        count: Without a run: how many occurrences.
        through: Without a run: when the last was due, or a time up to which they were passed over.
        reason: Without a run: why, such as `late`, `overlap` or `full`.
    """

    job: str
    outcome: RunOutcome
    due: float
    task: str | None = None
    started: float | None = None
    ended: float | None = None
    attempts: int = 0
    worker: str = ""
    code: str = ""
    note: str = ""
    held: Held | None = None
    count: int = 0
    through: float | None = None
    reason: str = ""

    @property
    def late(self) -> float | None:
        """Seconds from when it was due to the start of its last attempt."""
        return None if self.started is None else round(self.started - self.due, 3)

    @property
    def took(self) -> float | None:
        """Seconds that its last attempt took."""
        return None if self.started is None or self.ended is None else round(self.ended - self.started, 3)


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of a job's runs. Times are in epoch seconds, durations in seconds; None if unknown.

    Args:
        id: The id of the job.
        runs: How many runs are kept.
        failures: How many runs in a row have died. Cancelled runs do not count.
        last: The last run.
        last_done: When the last run that was done ended.
        median: How long the kept runs that were done took, in the middle.
        p95: How long 95 in 100 of them took at most.
        first: When the first run was due that was ever recorded.
        dropped_through: When the latest run was due that is not kept any more.
    """

    id: str
    runs: int = 0
    failures: int = 0
    last: Run | None = None
    last_done: float | None = None
    median: float | None = None
    p95: float | None = None
    first: float | None = None
    dropped_through: float | None = None


@dataclass(frozen=True, slots=True)
class Hour:
    """What happened in an hour: its begin (epoch seconds), and counts by `done`, `dead`, `skipped` …"""

    begin: float
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gap:
    """When nobody ticked (`idle`), or Redis's clock went back (`clock`), in epoch seconds."""

    what: Literal["idle", "clock"]
    begin: float
    end: float


def add_durations(run: dict[str, Any]) -> dict[str, Any]:
    """Return a run, as JRUNS shows it, with `late` and `took` in seconds where they are known.

    >>> add_durations({"due": 10.0, "started": 11.0, "ended": 15.5})
    {'due': 10.0, 'started': 11.0, 'ended': 15.5, 'late': 1.0, 'took': 4.5}
    """
    started, ended = run.get("started"), run.get("ended")
    late = {} if started is None else {"late": round(started - run["due"], 3)}
    took = {} if started is None or ended is None else {"took": round(ended - started, 3)}
    return run | late | took


def without_durations(run: dict[str, Any]) -> dict[str, Any]:
    """Return a run as it was before `add_durations`."""
    return {name: value for name, value in run.items() if name not in ("late", "took")}


def as_run(job: str, found: dict[str, Any]) -> Run:
    """Read a run, as JRUNS shows it."""
    held = found.pop("held", None)
    return Run(job=job, held=Held(**held) if held else None, **found)


def as_summary(found: dict[str, Any]) -> Summary:
    """Read a summary, as JSUMMARY shows it."""
    last = found.pop("last", None)
    return Summary(last=as_run(found["id"], last) if last else None, **found)


def as_hour(found: dict[str, Any]) -> Hour:
    """Read an hour, as JHOURS shows it."""
    return Hour(found.pop("hour"), found)


def as_gap(found: dict[str, Any]) -> Gap:
    """Read a gap, as JGAPS shows it."""
    return Gap(found["what"], found["from"], found["to"])
