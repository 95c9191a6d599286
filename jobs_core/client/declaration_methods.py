"""The methods of a board about many declared jobs: apply, plan, lint, dump, load."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

from jobs_core.errors import JobsError

if TYPE_CHECKING:
    from jobs_core.client.apply import ApplyOptions, Plan
    from jobs_core.lint import Finding


from jobs_core.client.job_methods import JobMethods


class DeclarationMethods(JobMethods):
    """The methods of a board about many declared jobs: apply, plan, lint, dump, load."""

    def apply(self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Unpack[ApplyOptions]) -> Plan:
        """Replace the jobs of `owner` with `jobs`. If one job is rejected, nothing changes.

        Unchanged jobs keep their run times.

        Args:
            jobs: Mappings as `put_many` takes them.
            owner: The name under which the board remembers these jobs.
            options: `prune=False` keeps the owner's other jobs. `adopt=True` takes over jobs of other owners.
                `advance` is called with the number of jobs compared since the last call. `because` says why,
                for `changes`.

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
        ignore: Collection[str] = (),
        now: float | None = None,
    ) -> Sequence[Finding]:
        """Find jobs that probably do not do what was meant, such as a run at a time that clocks skip.

        Args:
            jobs: Jobs that are not put yet, as `put_many` takes them. The default is the jobs on the board.
            ignore: Names of rules that are not checked. The option `lint_ignore` ignores rules for one job.
            now: The time from which to look ahead, in epoch seconds. The default is the clock of Redis.

        Returns:
            The findings, rule by rule. Nothing is changed.

        Raises:
            OptionError: There is no such rule, or the board would reject one of the jobs.

        >>> for finding in board.lint(ignore=["no-timeout"]):
        ...     print(finding.rule, finding.job, finding.sentence, finding.advice)
        """
        from jobs_core.client.linting import Linting

        linting = Linting(self.commands, lambda: self.plugins, now)
        return linting.present(ignore) if jobs is None else linting.declared(jobs, ignore)

    def dump(self) -> Iterator[dict[str, Any]]:
        """Read all jobs in the form `load` takes.

        Yields:
            Jobs with their options and their state: next, left and paused.
        """
        yield from map(self.dumped, self.list())

    @staticmethod
    def dumped(job: Mapping[str, Any]) -> dict[str, Any]:
        """Convert a job that `show` returned to the form `load` takes."""
        found = dict(job)
        found.pop("etag", None)
        if found.pop("state") == "paused":
            return found | {"paused": 1}
        return {"next": "none"} | found

    def load(self, jobs: Iterable[Mapping[str, Any] | str]) -> Iterator[datetime | JobsError | None]:
        """Restore jobs that `dump` read, with their state. Yields the same as `put_many`."""
        return self.put_many(jobs)
