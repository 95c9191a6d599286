"""The methods of a board about many declared jobs: apply, plan, lint, dump, load."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

from jobs_core.alerts.rule import dumped_alert
from jobs_core.client.job_methods import JobMethods
from jobs_core.client.ledger_dump import dump_lines, dumped_job
from jobs_core.client.loading import Loading
from jobs_core.errors import JobsError

if TYPE_CHECKING:
    from jobs_core.client.apply import ApplyOptions, Plan
    from jobs_core.lint import Finding


class DeclarationMethods(JobMethods):
    """The methods of a board about many declared jobs: apply, plan, lint, dump, load."""

    def apply(self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Unpack[ApplyOptions]) -> Plan:
        """Replace the jobs and alerts of `owner`. If one is rejected, nothing changes.

        Unchanged jobs keep their run times.

        Args:
            jobs: Mappings as `put_many` takes them.
            owner: The name under which the board remembers these jobs and alerts.
            options: `alerts` has the owner's alerts: mappings `{"alert": name, "runner": …, "payload": …,
                option: value …}`. Without it, they stay as they are. `prune=False` keeps what else the owner
                has. `adopt=True` takes over what belongs to other owners. `advance` is called with the number
                of jobs compared since the last call. `because` says why, for `changes`.

        Returns:
            The plan. If its `refused` is not empty, nothing was changed.

        Raises:
            StaleError: The board kept changing while the jobs were applied.

        >>> plan = board.apply([{"id": "tick", "runner": "shell", "payload": "date", "every": 5}], "me")
        >>> [change.id for change in plan.changes], plan.rejected
        (['tick'], {})
        """
        from jobs_core.client.apply import Applying

        return Applying(self.commands, self.calls, self.by).apply(jobs, owner, **options)

    def plan(self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Unpack[ApplyOptions]) -> Plan:
        """Return what `apply` would change, without changing anything. Takes the same arguments."""
        from jobs_core.client.apply import Applying

        return Applying(self.commands, self.calls, self.by).plan(jobs, owner, **options)

    def lint(
        self,
        jobs: Sequence[Mapping[str, Any]] | None = None,
        *,
        alerts: Sequence[Mapping[str, Any]] = (),
        ignore: Collection[str] = (),
        now: float | None = None,
    ) -> Sequence[Finding]:
        """Find what probably does not do what was meant, such as a run at a time that clocks skip.

        Args:
            jobs: Jobs that are not put yet, as `put_many` takes them. The default is what is on the board.
            alerts: With `jobs`: alerts that are not put yet, as `load` takes them.
            ignore: Names of rules that are not checked. The option `lint_ignore` ignores rules for one job
                or alert.
            now: The time from which to look ahead, in epoch seconds. The default is the clock of Redis.

        Returns:
            The findings, rule by rule. Nothing is changed.

        Raises:
            OptionError: There is no such rule, or the board would reject one of the jobs or alerts.

        >>> for finding in board.lint(ignore=["no-timeout"]):
        ...     print(finding.rule, finding.job, finding.sentence, finding.advice)
        """
        from jobs_core.client.linting import Linting

        linting = Linting(self.commands, lambda: self.plugins, now)
        return linting.present(ignore) if jobs is None else linting.declared(jobs, alerts, ignore)

    def dump(self, *, ledger: bool = False) -> Iterator[dict[str, Any]]:
        """Read all jobs and alerts in the form `load` takes, and with `ledger` all else that the board keeps.

        Args:
            ledger: Add the ledger, to move a board: counters, runs, history, tasks, dead letters, backfills,
                changes, bounds and limits. No task may be running, and nobody may change the board meanwhile.

        Yields:
            Jobs with their options and their state: next, left and paused. Then alerts with their options and
            owner, under `alert` their name; what they are telling of now is left out. With `ledger`, also
            lines with `ledger`.

        Raises:
            ConflictError: With `ledger`: tasks are running.
            StaleError: With `ledger`: the board changed while it was dumped.
        """
        if ledger:
            yield from dump_lines(self.commands)
            return
        yield from map(self.dumped, self.list())
        yield from self.dumped_alerts()

    def dumped_alerts(self) -> Sequence[dict[str, Any]]:
        """Read all alerts in the form that `load` takes."""
        return [dumped_alert(alert) for alert in self.commands.call("JALERTS")]

    dumped = staticmethod(dumped_job)

    def load(self, jobs: Iterable[Mapping[str, Any] | str]) -> Iterator[datetime | JobsError | None]:
        """Restore what `dump` read. Yields the same as `put_many`; for an alert and for the ledger, None.

        A ledger is loaded into a board that has none. If that is interrupted, load the same dump again:
        nothing is loaded twice.

        Raises:
            ConflictError: The dump has a ledger, and so does the board.
            OptionError: The dump ends before its last line.
            LayoutError: The ledger is of another version of Jobs.
        """
        return Loading(self.commands, self.calls, self.by).load(jobs)
