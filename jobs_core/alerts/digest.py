"""What has happened on a board in some days: counts, and the jobs that failed most, were slow, or are new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from jobs_core.runs import Run
from jobs_core.text import one_line
from jobs_core.wording import counted, duration_text, when

DAY = 86400.0

ROWS = 10
"""Jobs in each of the lists."""

LONGEST_NOTE = 80
"""Characters of a note in the text."""


@dataclass(frozen=True, slots=True)
class JobDigest:
    """How the runs of a job went, as far as they are kept. Times are in epoch seconds.

    Args:
        id: The job's id.
        done: How many runs were done.
        dead: How many were given up.
        cancelled: How many were cancelled.
        failures: How many in a row have been given up by now.
        median: How many seconds its runs usually take. None if unknown.
        slowest: The run that took longest.
        last_dead: The last run that was given up.
        first: When its first run was due that was ever recorded.
        since: From when on its runs are kept, if they are not for all of the time.
    """

    id: str
    done: int = 0
    dead: int = 0
    cancelled: int = 0
    failures: int = 0
    median: float | None = None
    slowest: Run | None = None
    last_dead: Run | None = None
    first: float | None = None
    since: float | None = None

    @property
    def took(self) -> float:
        """How many seconds the slowest run took."""
        return (self.slowest and self.slowest.took) or 0.0


@dataclass(frozen=True, slots=True)
class Digest:
    """What has happened on a board. Times are in epoch seconds.

    Args:
        board: The board's name.
        since: When it begins.
        until: When it ends: now.
        counts: What happened on the board, one-off tasks included: done, dead, cancelled, unleased, skipped,
            coalesced and lost.
        counted_since: From when on that is counted: the board keeps 8 days. None if it counts nothing, since
            it keeps no runs.
        jobs: How many jobs there are.
        failing_now: How many of them fail.
        kept: How many runs the board keeps of each job. None if it keeps none.
        have_run: Of how many jobs runs are kept.
        read: Of how many of these they were read: of 10,000 at most, those that fail first.
        short: Of how many of these not all runs since the beginning are kept.
        failing: The jobs that were given up most often.
        slowest: The jobs whose runs took longest.
        newest: The jobs that ran for the first time, newest first.
    """

    board: str
    since: float
    until: float
    counts: Mapping[str, int] = field(default_factory=dict)
    counted_since: float | None = None
    jobs: int = 0
    failing_now: int = 0
    kept: int | None = None
    have_run: int = 0
    read: int = 0
    short: int = 0
    failing: Sequence[JobDigest] = ()
    slowest: Sequence[JobDigest] = ()
    newest: Sequence[JobDigest] = ()

    @property
    def subject(self) -> str:
        """One line about all of it."""
        done, dead = (self.counts.get(name, 0) for name in ("done", "dead"))
        return f"{self.board}: {counted(done, 'run')} done and {dead:,} given up in {self._days}"

    @property
    def details(self) -> str:
        """The rest, for people."""
        return "\n".join(self._lines()) + "\n"

    @property
    def _days(self) -> str:
        days = (self.until - self.since) / DAY
        return "1 day" if days == 1 else f"{days:g} days"

    def _lines(self) -> Iterator[str]:
        yield f"From {when(self.since)} to {when(self.until)}"
        yield "Runs: " + ", ".join(f"{self.counts.get(name, 0):,} {word}" for name, word in _COUNTS)
        yield f"{counted(self.jobs, 'job')}, of which {self.failing_now:,} fail now"
        yield from _section("Given up most often", self.failing, _failing_text)
        yield from _section("Slowest", self.slowest, _slow_text)
        yield from _section("New", self.newest, _new_text)
        if reach := list(self._reach()):
            yield from ("", *reach)

    def _reach(self) -> Iterator[str]:
        """Say how far the history reaches, if that is not far enough."""
        if self.kept is None:
            yield "The board keeps no runs, and counts none: see `jobs retention`."
        elif self.counted_since is None or self.counted_since > self.since:
            yield f"The counts of the board reach back to {when(self.counted_since)}."
        if self.short and self.kept:
            yield (
                f"Of {counted(self.short, 'job')}, only the latest runs are kept and counted here: "
                f"{self.kept}, or as many as the job's option `history` says."
            )
        if self.read < self.have_run:
            yield (
                f"Of {counted(self.have_run, 'job')} that have run, {self.read:,} were looked at: "
                "those that fail, and some others."
            )


_COUNTS = (
    ("done", "done"),
    ("dead", "given up"),
    ("cancelled", "cancelled"),
    ("skipped", "skipped"),
    ("coalesced", "coalesced"),
    ("lost", "lost"),
)


def digest_json(digest: Digest) -> dict[str, Any]:
    """Return a digest as JSON has it, without what is unknown."""
    return {name: _plain(value) for name, value in asdict(digest).items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if item not in (None, "")}
    return value


def _section(title: str, jobs: Sequence[JobDigest], text: Any) -> Iterator[str]:
    if jobs:
        yield from ("", title)
        width = max(len(job.id) for job in jobs)
        yield from (f"  {job.id:{width}}  {text(job)}".rstrip() for job in jobs)


def _failing_text(job: JobDigest) -> str:
    row = f", {job.failures} in a row" if job.failures > 1 else ""
    last = job.last_dead
    note = one_line(last.note or last.code, LONGEST_NOTE, "…") if last else ""
    return f"{job.dead} of {counted(job.done + job.dead, 'run')}{row}  {note}"


def _slow_text(job: JobDigest) -> str:
    usual = f", usually {duration_text(job.median)}" if job.median is not None else ""
    return f"{duration_text(job.took)}{usual}"


def _new_text(job: JobDigest) -> str:
    return f"first due {when(job.first)}"
