"""The methods of a board that read one page of a list."""

from __future__ import annotations

from typing import Any, Unpack

from jobs_core.client import page_plans as plans
from jobs_core.client.base import BoardBase
from jobs_core.client.paging import JobPage, ListPage
from jobs_core.client.search import JobFilters
from jobs_core.client.steps import Paging, T, whole
from jobs_core.options import JobState, TaskFilters, TaskState, Time


class PageMethods(BoardBase):
    """The methods of a board that read one page of a list."""

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

        A page costs the same on a board of millions. Jobs with a label are sorted by id, in each partition of
        the board; others are in the order of Redis. With filters, a page may be shorter than `limit`, or
        empty, though there are more. A job that is put, changes or is removed meanwhile may be missing or
        appear twice.

        Args:
            cursor: The `next` of the page before, with the same filters. The default is the first page.
            limit: How many jobs to read at most (1 to 500).
            state: Only jobs in this state.
            summary: Add how runs have ended, as `list` does.
            filters: The filters of `list`.

        Raises:
            OptionError: An argument is invalid, or the cursor belongs to other filters.

        >>> page = board.job_page(limit=2, label="team=payments")
        >>> tuple(job["id"] for job in page.jobs)
        ('invoices', 'payouts')
        >>> tuple(job["id"] for job in board.job_page(page.next, limit=2, label="team=payments").jobs)
        ('refunds',)
        """
        return self._page(plans.plan_jobs_page(cursor, limit, state, summary, filters))

    def task_page(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        state: TaskState | None = None,
        **filters: Unpack[TaskFilters],
    ) -> ListPage:
        """Read one page of tasks, in no particular order.

        A task that moves meanwhile may be missing or appear twice.

        Args:
            cursor: The `next` of the page before, with the same filters. The default is the first page.
            limit: How many tasks to read at most (1 to 500).
            state: Only tasks in this state.
            filters: The filters of `tasks`.

        Raises:
            OptionError: An argument is invalid.
        """
        return self._page(plans.plan_tasks_page(cursor, limit, state, filters))

    def change_page(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        job: str | None = None,
        from_: Time | None = None,
        to: Time | None = None,
        payload: bool = False,
    ) -> ListPage:
        """Read one page of `changes`, newest first. It may be shorter than `limit`, though there are more.

        Args:
            cursor: The `next` of the page before, with the same filters. The default is the newest page.
            limit: How many changes to read at most (1 to 500).
            job: Only changes of this job.
            from_: Only changes since this time.
            to: Only changes until this time.
            payload: Include payloads.

        Raises:
            OptionError: An argument is invalid.
        """
        return self._page(plans.plan_changes_page(cursor, limit, job, from_, to, payload))

    def history_page(
        self, cursor: str | None = None, limit: int = 50, *, task: str | None = None, job: str | None = None
    ) -> ListPage:
        """Read one page of `history`, newest first.

        Args:
            cursor: The `next` of the page before, with the same filters. The default is the newest page.
            limit: How many entries to read at most (1 to 500).
            task: Only entries of this task.
            job: Only entries of this job's tasks.

        Raises:
            OptionError: An argument is invalid.
        """
        self.commands.require_layout()
        return self._page(plans.plan_history_page(cursor, limit, task, job))

    def events(self, after: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Read the entries of the history after one, oldest first, with their `id`, and do not wait.

        Args:
            after: The id of an entry. Without one, only the newest entry is read. On a board with partitions,
                an id says where all of them stand.
            limit: How many entries to read at most (1 to 500).

        Raises:
            OptionError: `limit` is out of range.

        >>> (newest,) = board.events()
        >>> board.events(newest["id"])
        []
        """
        self.commands.require_layout()
        return self._page(plans.plan_events(after, limit))

    def output_page(self, task: str, cursor: str | None = None) -> ListPage:
        """Read the next lines of `output`, and do not wait for more. There may be none yet.

        Args:
            task: The task's id.
            cursor: The `next` of the page before. The default is the beginning.

        Returns:
            Up to 1000 lines and states. `next` is None once the task has ended and all has been read.

        Raises:
            OptionError: The cursor is invalid.
        """
        self.commands.require_layout()
        return self._page(plans.plan_output_page(self.name, task, cursor))

    def _page(self, plan: Paging[T]) -> T:
        return whole(plan, self.commands)
