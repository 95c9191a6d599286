"""The methods of an asyncio board that read one page of a list."""

from __future__ import annotations

from typing import Any, Unpack

from jobs_core.client import page_plans as plans
from jobs_core.client.aio_base import AsyncBase
from jobs_core.client.paging import JobPage, ListPage
from jobs_core.client.search import JobFilters
from jobs_core.client.steps import Paging, T, whole_async
from jobs_core.options import JobState, TaskFilters, TaskState, Time


class AsyncPageMethods(AsyncBase):
    """The methods of an asyncio board that read one page of a list."""

    async def job_page(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        state: JobState | None = None,
        summary: bool = False,
        **filters: Unpack[JobFilters],
    ) -> JobPage:
        """Read one page of jobs, like `Board.job_page`."""
        return await self._page(plans.plan_jobs_page(cursor, limit, state, summary, filters))

    async def task_page(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        state: TaskState | None = None,
        **filters: Unpack[TaskFilters],
    ) -> ListPage:
        """Read one page of tasks, like `Board.task_page`."""
        return await self._page(plans.plan_tasks_page(cursor, limit, state, filters))

    async def change_page(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        job: str | None = None,
        from_: Time | None = None,
        to: Time | None = None,
        payload: bool = False,
    ) -> ListPage:
        """Read one page of changes, like `Board.change_page`."""
        return await self._page(plans.plan_changes_page(cursor, limit, job, from_, to, payload))

    async def history_page(
        self, cursor: str | None = None, limit: int = 50, *, task: str | None = None, job: str | None = None
    ) -> ListPage:
        """Read one page of the history, like `Board.history_page`."""
        return await self._kept_page(plans.plan_history_page(cursor, limit, task, job))

    async def events(self, after: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Read the entries of the history after one, like `Board.events`."""
        return await self._kept_page(plans.plan_events(after, limit))

    async def output_page(self, task: str, cursor: str | None = None) -> ListPage:
        """Read the next lines of a task's output, like `Board.output_page`."""
        return await self._kept_page(plans.plan_output_page(self.name, task, cursor))

    async def _page(self, plan: Paging[T]) -> T:
        return await whole_async(plan, self.commands)

    async def _kept_page(self, plan: Paging[T]) -> T:
        """Read a page of what no command of Jobs reads, once the layout of the board is known."""
        await self._on_thread(self._board.commands.require_layout)
        return await self._page(plan)
