"""What is recorded about a job around a moment, read once for one answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jobs_core.changes import Change
from jobs_core.errors import NotFoundError
from jobs_core.runs import Gap, Run
from jobs_core.why.answer import Reason, Why
from jobs_core.why.source import Job, Source

MINUTE = 60.0
"""A moment given in whole minutes stands for that minute."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is recorded about a job around a moment.

    Args:
        source: The board.
        id: The job's id.
        at: The moment, in epoch seconds.
        now: The time of Redis's clock.
        current: The job as it is now, or None.
        then: The job as it was at the moment, or None if it did not exist.
        later: The changes since the moment, oldest first.
        earlier: The changes up to the moment, newest first.
        reaches: Whether the recorded changes reach back to the moment.
        runs: The job's latest runs, newest first.
        tasks: Its tasks that have not ended, and its dead letters.
        gaps: What happened to the board's time.
    """

    source: Source
    id: str
    at: float
    now: float
    current: Job | None
    then: Job | None
    later: tuple[Change, ...]
    earlier: tuple[Change, ...]
    reaches: bool
    runs: tuple[Run, ...]
    tasks: tuple[Mapping[str, Any], ...]
    gaps: tuple[Gap, ...]

    @property
    def end(self) -> float:
        """The end of the time that the moment stands for: a minute, if it is given in whole minutes."""
        return _end(self.at)

    @property
    def pause(self) -> Change | None:
        """The latest change up to the moment that paused the job."""
        return next((change for change in self.earlier if change.what == "pause"), None)

    def answer(self, reason: Reason, text: str, *proof: Mapping[str, Any], task: str | None = None) -> Why:
        """Make the answer about this situation."""
        return Why(self.id, self.at, reason, text, task, proof, self.reaches)


def defines(change: Change) -> bool:
    """Return whether a change is one of the job itself, not of its tasks."""
    return change.what in ("put", "apply", "edit", "pause", "resume", "remove")


def is_paused(job: Job) -> bool:
    """Return whether a job is paused."""
    return job.get("state") == "paused"


def read_situation(source: Source, id: str, at: float, now: float) -> Situation:
    """Read what is recorded about a job around a moment.

    Raises:
        NotFoundError: There is no such job, and none is recorded.
    """
    current = _current(source, id)
    changes = list(source.changes(id))
    runs = tuple(source.runs(id)) if current else ()
    if current is None and not changes and not runs:
        raise NotFoundError(f"there is no job {id!r} on the board {source.name!r}, nor a record of one")
    later = tuple(change for change in reversed(changes) if change.time > at)
    earlier = tuple(change for change in changes if change.time <= at)
    return Situation(
        source=source,
        id=id,
        at=at,
        now=now,
        current=current,
        then=_definition_at(id, current, later, _end(at)),
        later=later,
        earlier=earlier,
        reaches=_is_unbroken(source, at, now) and (bool(earlier) or _reaches(source, id, changes, at)),
        runs=runs,
        tasks=tuple(_tasks(source, id)),
        gaps=tuple(source.gaps()),
    )


def _current(source: Source, id: str) -> Job | None:
    try:
        return source.show(id)
    except NotFoundError:
        return None


def _definition_at(id: str, current: Job | None, later: tuple[Change, ...], end: float) -> Job | None:
    """Return a job as it was before the first of its later changes, or as it was put before `end`."""
    for change in later:
        is_new = change.before is None
        if defines(change) and not (is_new and change.time < end):
            return None if change.before is None else {"id": id, **change.before}
    return current


def _end(at: float) -> float:
    return at + (MINUTE if at % MINUTE == 0 else 1.0)


def _is_unbroken(source: Source, at: float, now: float) -> bool:
    """Return whether all changes since a moment are recorded: they were not turned off meanwhile."""
    if at >= now:
        return True
    if source.retention()["changes"] is None:
        return False
    since = source.changes(from_=at)
    return not any(one.what == "retain" and (one.before or {}).get("changes") == "off" for one in since)


def _reaches(source: Source, id: str, changes: list[Change], at: float) -> bool:
    """Return whether changes were recorded at a moment: the job began later, or the record is older."""
    if changes and changes[-1].what in ("put", "apply") and changes[-1].before is None:
        return True  # it was new
    return any(source.changes(to=at, limit=1))


def _tasks(source: Source, id: str) -> Iterator[Mapping[str, Any]]:
    yield from source.tasks(job=id)
    yield from source.tasks("dead", job=id)
