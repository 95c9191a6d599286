"""The methods of an asyncio board about alerts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Unpack

from jobs_core.alerts import Alert, Digest, Incident
from jobs_core.alerts.options import AlertOptions
from jobs_core.alerts.rule import as_alert
from jobs_core.client.aio_tasks import AsyncTaskMethods
from jobs_core.client.author import signature
from jobs_core.client.digest import plan_digest
from jobs_core.client.steps import whole_async
from jobs_core.engine.alerts import as_incidents, found_alert, list_call, open_call, remove_call
from jobs_core.options import Time
from jobs_core.types import Payload


class AsyncAlertMethods(AsyncTaskMethods):
    """The methods of an asyncio board about alerts. Each works like that of `Board`."""

    async def alert_put(
        self,
        name: str,
        runner: str,
        payload: Payload = "",
        *,
        because: str | None = None,
        if_match: str | None = None,
        **options: Unpack[AlertOptions],
    ) -> None:
        """Put an alert, like `Board.alert_put`."""
        call, arguments = await self._on_thread(self._board.calls.alert, name, runner, payload, options)
        await self._call(call, *arguments, *signature(self.by, because, if_match))

    async def alert_list(self, *, job: str | None = None, payload: bool = True) -> AsyncIterator[Alert]:
        """List the alerts of the board, like `Board.alert_list`."""
        call, arguments = list_call(job, payload=payload)
        for text in await self._call(call, *arguments):
            yield as_alert(text)

    async def alert_show(self, name: str) -> Alert:
        """Read an alert, like `Board.alert_show`."""
        return found_alert(await self._call("JALERTS", name), name, self.name)

    async def alert_open(self, name: str | None = None, *, job: str | None = None) -> AsyncIterator[Incident]:
        """List what alerts tell of now, like `Board.alert_open`."""
        seen: set[tuple[str, str, str]] = set()
        cursor = "0"
        while True:
            call, arguments = open_call(name, job, cursor)
            cursor, texts = await self._call(call, *arguments)
            for found in as_incidents(texts, seen):
                yield found
            if cursor == "0":
                return

    async def alert_remove(self, *names: str, because: str | None = None, if_match: str | None = None) -> int:
        """Remove alerts, like `Board.alert_remove`."""
        if not names:
            return 0
        call, arguments = remove_call(names, signature(self.by, because, if_match))
        return int(await self._call(call, *arguments))

    async def alert_digest(self, days: float = 7, *, now: Time | None = None) -> Digest:
        """Tell what has happened, like `Board.alert_digest`."""
        plan = plan_digest(self.name, days, now)
        await self._on_thread(self._board.commands.require_layout)
        return await whole_async(plan, self.commands)

    async def alert_test(self, name: str) -> str:
        """Queue a task of an alert, like `Board.alert_test`."""
        return str(await self._call("JALERT", "test", name))
