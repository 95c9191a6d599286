"""The methods of a board about alerts: rules that tell somebody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Unpack

from jobs_core.alerts import Alert, Digest, Incident
from jobs_core.alerts.options import AlertOptions
from jobs_core.alerts.rule import as_alert
from jobs_core.client.author import signature
from jobs_core.client.digest import plan_digest
from jobs_core.client.steps import whole
from jobs_core.client.task_methods import TaskMethods
from jobs_core.engine.alerts import as_incidents, found_alert, list_call, open_call, remove_call
from jobs_core.options import Time
from jobs_core.types import Payload


class AlertMethods(TaskMethods):
    """The methods of a board about alerts."""

    def alert_put(
        self,
        name: str,
        runner: str,
        payload: Payload = "",
        *,
        because: str | None = None,
        if_match: str | None = None,
        **options: Unpack[AlertOptions],
    ) -> None:
        """Put an alert: when one of its conditions is met, a task for the runner is queued.

        The whole alert is declared: what is left out of an alert that exists is removed from it.

        Args:
            name: The alert's name.
            runner: The runner that tells somebody.
            payload: What it gets. `{job}`, `{reason}`, `{text}` … are replaced when the task runs.
            because: Why, for `changes`.
            if_match: The `etag` of the alert as `alert_show` returned it: change only this version of it.
                `none`: only if there is no such alert.
            **options: `when`, which is required, and what `jobs alert put --help` shows.

        Raises:
            ConflictError: The alert's etag is not `if_match`, or there is no such alert any more.
            ExistsError: There is such an alert, with `if_match="none"`.
            OptionError: An option or a condition is invalid.
            PayloadError: The runner rejects the payload.
            RunnerError: No installed plugin and no worker has the runner.

        >>> board.alert_put("payments", "notify", "ops", when="failed 3, late 10m", for_="team=payments")
        """
        call, arguments = self.calls.alert(name, runner, payload, options)
        self.commands.call(call, *arguments, *signature(self.by, because, if_match))

    def alert_list(self, *, job: str | None = None, payload: bool = True) -> Iterator[Alert]:
        """List the alerts of the board, by name.

        Args:
            job: List only the alerts that are for this job, or for its queue.
            payload: Whether to read payloads, too, which may be large.

        >>> next(board.alert_list(job="invoices")).name
        'payments'
        """
        call, arguments = list_call(job, payload=payload)
        yield from map(as_alert, self.commands.call(call, *arguments))

    def alert_show(self, name: str) -> Alert:
        """Read an alert.

        Raises:
            NotFoundError: There is no such alert.
        """
        return found_alert(self.commands.call("JALERTS", name), name, self.name)

    def alert_open(self, name: str | None = None, *, job: str | None = None) -> Iterator[Incident]:
        """List what alerts tell of now, in no order: failing jobs, late runs, queues without workers …

        What is over at once (`dead`, `recovered`, `done`) is not listed.

        Args:
            name: The name of an alert; None: all.
            job: List only what is about this job, or about its queue.

        Raises:
            NotFoundError: There is no such alert.

        >>> next(board.alert_open("payments")).job
        'invoices'
        """
        seen: set[tuple[str, str, str]] = set()
        cursor = "0"
        while True:
            call, arguments = open_call(name, job, cursor)
            cursor, texts = self.commands.call(call, *arguments)
            yield from as_incidents(texts, seen)
            if cursor == "0":
                return

    def alert_remove(self, *names: str, because: str | None = None, if_match: str | None = None) -> int:
        """Remove alerts. Returns how many existed. Tasks that they have queued stay.

        Args:
            *names: The names of the alerts.
            because: Why, for `changes`.
            if_match: The `etag` of the alert, of which there is one then: remove only this version of it.

        Raises:
            ConflictError: The alert's etag is not `if_match`, or there is no such alert any more.
        """
        if not names:
            return 0
        call, arguments = remove_call(names, signature(self.by, because, if_match))
        return int(self.commands.call(call, *arguments))

    def alert_digest(self, days: float = 7, *, now: Time | None = None) -> Digest:
        """Tell what has happened: counts, and the jobs that failed most, were slowest, or are new.

        It reads the runs of at most 10,000 jobs, those that fail first, and says how far the history reaches.

        Args:
            days: How many days to tell of, up to 366. The counts of the board reach back 8 days.
            now: When they end, for tests.

        Raises:
            OptionError: `days` is out of range.

        >>> board.alert_digest().subject
        'jobs: 1,203 runs done and 14 given up in 7 days'
        """
        plan = plan_digest(self.name, days, now)
        self.commands.require_layout()
        return whole(plan, self.commands)

    def alert_test(self, name: str) -> str:
        """Queue a task of an alert, to see whether it reaches somebody. Returns the task's id.

        Raises:
            NotFoundError: There is no such alert.
        """
        return str(self.commands.call("JALERT", "test", name))
