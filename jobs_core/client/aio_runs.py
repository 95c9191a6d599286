"""The methods of an asyncio board about what has run. Each works like the method of `Board` with its name."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import suppress

from jobs_core.client.aio_base import AsyncBase
from jobs_core.client.run_methods import PAGE, SPAN
from jobs_core.errors import NotFoundError
from jobs_core.options import Time, to_pairs
from jobs_core.runs import Gap, Hour, Run, Summary, as_gap, as_hour, as_run, as_summary


class AsyncRunMethods(AsyncBase):
    """The methods of an asyncio board about what has run."""

    async def runs(
        self, job: str, *, limit: int | None = None, task: str | None = None
    ) -> AsyncIterator[Run]:
        """Read the latest runs of a job, newest first, like `Board.runs`."""
        pairs = to_pairs({"count": limit, "task": task}, ("count", "task"))
        for text in await self._call("JRUNS", job, *pairs):
            yield as_run(job, json.loads(text))

    async def last_runs(self, *jobs: str, limit: int = 20) -> dict[str, list[Run]]:
        """Read the latest runs of several jobs, each newest first, like `Board.last_runs`."""
        found = {}
        for job in jobs:
            with suppress(NotFoundError):
                found[job] = [run async for run in self.runs(job, limit=limit)]
        return found

    async def summary(self, *jobs: str) -> dict[str, Summary]:
        """Summarize the runs of jobs, like `Board.summary`."""
        found = {}
        for first in range(0, len(jobs), PAGE):
            for text in await self._call("JSUMMARY", *jobs[first : first + PAGE]):
                if text is not None:
                    summary = as_summary(json.loads(text))
                    found[summary.id] = summary
        return found

    async def hours(self, since: Time | None = None) -> list[Hour]:
        """Count what happened by the hour, like `Board.hours`."""
        return [
            as_hour(json.loads(text)) for text in await self._call("JHOURS", *to_pairs({"from": since}, SPAN))
        ]

    async def gaps(self, since: Time | None = None, until: Time | None = None) -> list[Gap]:
        """Read when nobody ticked, and when the clock went back, like `Board.gaps`."""
        pairs = to_pairs({"from": since, "to": until}, SPAN)
        return [as_gap(json.loads(text)) for text in await self._call("JGAPS", *pairs)]
