"""The methods of a board that read, pause and resume many jobs at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from jobs_core.client.author import signature
from jobs_core.client.base import BoardBase
from jobs_core.client.listing import calls_to_read, chosen
from jobs_core.engine import bulk
from jobs_core.engine.replies import as_time
from jobs_core.errors import JobsError
from jobs_core.options import PAUSE_OPTIONS, Duration, Time, to_pairs

CHUNK = 100
"""Jobs to read in one round trip."""


class ManyMethods(BoardBase):
    """The methods of a board about many jobs."""

    def show_many(self, *ids: str, summary: bool = False) -> list[dict[str, Any]]:
        """Read jobs in few round trips, like `show`. Jobs that do not exist are left out.

        Args:
            ids: The ids of the jobs.
            summary: Add how runs have ended, as `list` does.

        Returns:
            The jobs, in order.
        """
        found: list[dict[str, Any]] = []
        for first in range(0, len(ids), CHUNK):
            some = ids[first : first + CHUNK]
            replies = [self.commands.call(name, *words) for name, words in calls_to_read(some, summary)]
            found += chosen(replies[0], None, *replies[1:])
        return found

    def pause_many(
        self,
        ids: Iterable[str],
        *,
        until: Time | None = None,
        for_: Duration | None = None,
        because: str | None = None,
    ) -> Iterator[bool | JobsError]:
        """Pause any number of jobs in few round trips, like `pause`.

        Nothing is sent until you iterate over the results.

        Yields:
            For each job, in order, what `pause` returns, or the error that rejected it.
        """
        pairs = (*to_pairs({"until": until, "for": for_}, PAUSE_OPTIONS), *signature(self.by, because))
        return self._each("JPAUSE", ids, pairs, bool)

    def resume_many(
        self, ids: Iterable[str], *, because: str | None = None
    ) -> Iterator[datetime | JobsError | None]:
        """Resume any number of jobs in few round trips, like `resume`.

        Nothing is sent until you iterate over the results.

        Yields:
            For each job, in order, its next run (or None), or the error that rejected it.
        """
        return self._each("JRESUME", ids, signature(self.by, because), as_time)

    def _each(self, command: str, ids: Iterable[str], options: Sequence[Any], read: Any) -> Iterator[Any]:
        """Call a command for each job."""

        def arguments(job: Mapping[str, Any]) -> Sequence[Any]:
            return (job["id"], *options)

        return bulk.stream(
            self.commands, ({"id": id} for id in ids), arguments, bulk.call_each(command), read
        )
