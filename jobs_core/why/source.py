"""What an answer reads: the questions that it asks a board."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, Unpack

from jobs_core.changes import Change
from jobs_core.options import JobOptions, TaskFilters, TaskState, Time
from jobs_core.runs import Gap, Run
from jobs_core.types import Backfill


class Source(Protocol):
    """The part of a board that answers read. Every method only reads."""

    name: str

    def show(self, id: str) -> dict[str, Any]:
        """Return a job. Raises NotFoundError."""

    def runs(self, job: str, *, limit: int | None = None) -> Iterator[Run]:
        """Yield the latest runs of a job, newest first."""

    def limits(self) -> Iterator[dict[str, Any]]:
        """Yield the limits of queues and runners."""

    def retention(self) -> Mapping[str, int | float | None]:
        """Return how much the board keeps."""

    def changes(
        self,
        job: str | None = None,
        *,
        limit: int | None = None,
        from_: Time | None = None,
        to: Time | None = None,
    ) -> Iterator[Change]:
        """Yield the changes of a job, or of the board, newest first."""

    def gaps(self) -> Sequence[Gap]:
        """Return what happened to the time of the board."""

    def tasks(
        self, state: TaskState | None = None, **filters: Unpack[TaskFilters]
    ) -> Iterator[dict[str, Any]]:
        """Yield tasks that have not ended, or dead letters."""

    def history(self, *, task: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield what happened to tasks, newest first."""

    def backfill_list(self) -> Iterator[Backfill]:
        """Yield backfills."""

    def workers(self) -> Iterator[dict[str, Any]]:
        """Yield the workers that were seen lately."""

    def when(self, id: str) -> dict[str, Any]:
        """Return what a job waits for. Raises NotFoundError."""

    def next(
        self,
        id: str | None = None,
        *,
        count: int = 1,
        from_: Time | None = None,
        **options: Unpack[JobOptions],
    ) -> Sequence[datetime]:
        """Return the next runs of a schedule."""


Job = Mapping[str, Any]
"""A job as `show` returns it."""
