"""The method of a board that reads a page of jobs."""

from __future__ import annotations

from typing import Unpack, cast

from jobs_core.client.base import BoardBase
from jobs_core.client.paging import JobPage, plan_page
from jobs_core.client.search import JobFilters
from jobs_core.options import JobState


class PageMethods(BoardBase):
    """The method of a board that reads a page of jobs."""

    def job_page(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        state: JobState | None = None,
        summary: bool = False,
        **filters: Unpack[JobFilters],
    ) -> JobPage:
        """Read one page of jobs, for lists that people page through.

        A page costs the same on a board of millions. Jobs with a label are sorted by id, others are in the
        order of Redis. With filters, a page may be shorter than `limit`, or empty, though there are more. A
        job that is put, changes or is removed meanwhile may be missing or appear twice.

        Args:
            cursor: The `next` of the page before, with the same filters. The default is the first page.
            limit: How many jobs to read at most (1 to 500).
            state: Only jobs in this state.
            summary: Add how runs have ended, as `list` does.
            filters: The filters of `list`.

        Raises:
            OptionError: An argument is invalid, or the cursor belongs to other filters.

        >>> page = board.job_page(limit=2, label="team=payments")
        >>> [job["id"] for job in page.jobs]
        ['invoices', 'payouts']
        >>> [job["id"] for job in board.job_page(page.next, limit=2, label="team=payments").jobs]
        ['refunds']
        """
        plan, reply = plan_page(cursor, limit, state, summary, filters), None
        while True:
            try:
                name, arguments = plan.send(reply)
            except StopIteration as end:
                return cast(JobPage, end.value)
            reply = self.commands.call(name, *arguments)
