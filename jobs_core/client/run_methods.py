"""The methods of a board about what has run: runs, summary, hours, gaps."""

from __future__ import annotations

import json
from collections.abc import Iterator

from jobs_core.client.base import BoardBase
from jobs_core.errors import AgainError, JobsError, NotFoundError
from jobs_core.options import Time, to_pairs
from jobs_core.runs import Gap, Hour, Run, Summary, as_gap, as_hour, as_run, as_summary

PAGE = 100
"""Jobs that one call summarizes."""

SPAN = ("from", "to")
"""The options that choose a span of time."""


class RunMethods(BoardBase):
    """The methods of a board about what has run."""

    def runs(self, job: str, *, limit: int | None = None, task: str | None = None) -> Iterator[Run]:
        """Read the latest runs of a job, newest first, with the occurrences that had no run.

        The board keeps 20 for each job, unless its bound `runs` or the job's option `history` says otherwise.

        Args:
            job: The job's id.
            limit: How many to read at most.
            task: Only runs of this task.

        Yields:
            The runs.

        Raises:
            NotFoundError: There is no such job.

        >>> next(board.runs("backup")).outcome
        'done'
        """
        for text in self.commands.call(
            "JRUNS", job, *to_pairs({"count": limit, "task": task}, ("count", "task"))
        ):
            yield as_run(job, json.loads(text))

    def last_runs(self, *jobs: str, limit: int = 20) -> dict[str, list[Run]]:
        """Read the latest runs of several jobs in one round trip, each newest first.

        Args:
            jobs: The ids of jobs. Unknown ids are ignored.
            limit: How many to read of each at most.

        Returns:
            Runs by the job's id.

        >>> newest, *_ = board.last_runs("backup", "report")["backup"]
        >>> newest.outcome
        'done'
        """
        calls = [("JRUNS", [job, "count", str(limit)]) for job in jobs]
        found = {}
        for job, call, reply in zip(jobs, calls, self.commands.stream(calls), strict=True):
            if isinstance(reply, AgainError):
                reply = self.commands.call(call[0], *call[1])
            if isinstance(reply, NotFoundError):
                continue
            if isinstance(reply, JobsError):
                raise reply
            found[job] = [as_run(job, json.loads(text)) for text in reply]
        return found

    def summary(self, *jobs: str) -> dict[str, Summary]:
        """Summarize the runs of jobs: the last one, failures in a row, and how long they take.

        Args:
            jobs: The ids of jobs.

        Returns:
            Summaries by the job's id, for the jobs of which any run is known.

        >>> board.summary("backup")["backup"].failures
        0
        """
        found = {}
        for first in range(0, len(jobs), PAGE):
            for text in self.commands.call("JSUMMARY", *jobs[first : first + PAGE]):
                if text is not None:
                    summary = as_summary(json.loads(text))
                    found[summary.id] = summary
        return found

    def hours(self, since: Time | None = None) -> list[Hour]:
        """Count what happened on the board by the hour, oldest first. The board keeps 8 days.

        Args:
            since: Leave out the hours that ended before this time.
        """
        pairs = to_pairs({"from": since}, SPAN)
        return [as_hour(json.loads(text)) for text in self.commands.call("JHOURS", *pairs)]

    def gaps(self, since: Time | None = None, until: Time | None = None) -> list[Gap]:
        """Read when nobody ticked while something was due, and when Redis's clock went back, oldest first.

        Args:
            since: Leave out those that ended before this time.
            until: Leave out those that began after this time.
        """
        pairs = to_pairs({"from": since, "to": until}, SPAN)
        return [as_gap(json.loads(text)) for text in self.commands.call("JGAPS", *pairs)]
