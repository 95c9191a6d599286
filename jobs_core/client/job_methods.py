"""What a client does with jobs: put, list, pause, preview, apply, dump."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

from jobs_core.client.base import BoardBase
from jobs_core.client.listing import plan_jobs, read_jobs
from jobs_core.engine import bulk
from jobs_core.engine.calls import next_arguments, parts
from jobs_core.engine.replies import as_job, as_time, as_times, found_job
from jobs_core.errors import JobsError
from jobs_core.options import JobOptions, JobSort, JobState, PutOptions, Time, to_pairs
from jobs_core.types import Payload

if TYPE_CHECKING:
    from jobs_core.client.apply import ApplyOptions, Plan


class JobMethods(BoardBase):
    """Methods of a board about its jobs."""

    def put(self, id: str, runner: str, payload: Payload, **options: Unpack[PutOptions]) -> datetime | None:
        """Create a job, or update it. Returns its next run, or None when it has none.

        Raises OptionError, PayloadError or RunnerError for what is not understood, ServerError.
        """
        name, arguments = self.calls.put("JSET", id, runner, payload, options)
        return as_time(self.commands.call(name, *arguments))

    def create(
        self, id: str, runner: str, payload: Payload, **options: Unpack[PutOptions]
    ) -> datetime | None:
        """Create a job. Raises ExistsError if there is one of that id, or what `put` raises."""
        name, arguments = self.calls.put("JSETNX", id, runner, payload, options)
        return as_time(self.commands.call(name, *arguments))

    def put_many(
        self, jobs: Iterable[Mapping[str, Any] | str], *, create: bool = False
    ) -> Iterator[datetime | JobsError | None]:
        """Put any number of jobs, each `{"id": …, "runner": …, "payload": …, option: value …}`.

        Yields, for each in order, its next run (or None), or the error that refused it.
        """
        mode = "create" if create else "set"

        def arguments(job: Mapping[str, Any]) -> Sequence[Any]:
            return self.calls.put("JSET", **parts(job))[1]

        return bulk.stream(self.commands, jobs, arguments, bulk.grouped("JMSET", mode), as_time, at_once=10)

    def show(self, id: str) -> dict[str, Any]:
        """Read a job: its options, `next` (epoch seconds), `left` and `state`. Raises NotFoundError."""
        return found_job(self.commands.call("JGET", id), id, self.name, as_job)

    def list(
        self, match: str | None = None, *, state: JobState | None = None, sort: JobSort | None = None
    ) -> Iterator[dict[str, Any]]:
        """Read all jobs, or those whose id matches a pattern such as `backup-*`, or those in one `state`.

        States are scheduled, waiting, paused, ended and manual. Jobs are read a page at a time while you
        iterate, and are not held. Without `sort` they come as Redis has them. `sort="next"` gives the soonest
        run first, then jobs without a next run. `sort="id"` holds all ids in memory.

        A job that is put, runs or is removed meanwhile may be missing or come twice; while a board shrinks,
        so may any job, except with `sort="id"`. Raises OptionError.

        >>> soonest = itertools.islice(board.list(state="scheduled", sort="next"), 10)
        """
        return read_jobs(self.commands, plan_jobs(self.keys, match, state, sort), state)

    def remove(self, *ids: str) -> int:
        """Remove jobs. Returns how many there were. Their queued tasks still run."""
        return int(self.commands.call("JDEL", *ids)) if ids else 0

    def pause(self, id: str) -> bool:
        """Stop scheduling a job. Returns False when it was paused already. Raises NotFoundError."""
        return bool(self.commands.call("JPAUSE", id))

    def resume(self, id: str, *, now: Time | None = None) -> datetime | None:
        """Schedule a paused job again. Returns its next run. Raises NotFoundError."""
        return as_time(self.commands.call("JRESUME", id, *to_pairs({"now": now}, ())))

    def next(
        self,
        id: str | None = None,
        *,
        count: int = 1,
        from_: Time | None = None,
        now: Time | None = None,
        **options: Unpack[JobOptions],
    ) -> Sequence[datetime]:
        """The next `count` runs of a job, or of options given here: `board.next(cron="@daily", count=3)`.

        They lie after the time `from_`, if it is given; those of a cron pattern strictly after `now`. With
        both a job and options, an H in a cron pattern is that job's. Raises NotFoundError, OptionError.
        """
        self.calls.check_zone(options)
        return as_times(self.commands.call("JNEXT", *next_arguments(id, count, from_, now, options)))

    def when(self, id: str) -> dict[str, Any]:
        """What a job waits for that runs after others, and what waits for it.

        That is after, on, join, met (those that have ended since its last run), missing (those that are not
        on the board) and followed_by. What is empty is left out. Raises NotFoundError.
        """
        return found_job(self.commands.call("JWHEN", id), id, self.name, json.loads)

    def apply(self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Unpack[ApplyOptions]) -> Plan:
        """Make `jobs` the jobs of `owner`: all of them or, when one is refused, none. Options: prune, adopt.

        See `jobs_core.client.apply.Applying.apply`.

        >>> plan = board.apply([{"id": "tick", "runner": "shell", "payload": "date", "every": 5}], "me")
        >>> [change.id for change in plan.changes], plan.refused
        (['tick'], {})
        """
        from jobs_core.client.apply import Applying

        return Applying(self.commands, self.calls).apply(jobs, owner, **options)

    def plan(self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Unpack[ApplyOptions]) -> Plan:
        """Say what `apply` would change, and change nothing."""
        from jobs_core.client.apply import Applying

        return Applying(self.commands, self.calls).plan(jobs, owner, **options)

    def dump(self) -> Iterator[dict[str, Any]]:
        """Read all jobs as `load` takes them, with where they stand: next, left, paused."""
        yield from map(self.dumped, self.list())

    @staticmethod
    def dumped(job: Mapping[str, Any]) -> dict[str, Any]:
        """A job as `show` gives it, as `load` takes it."""
        found = dict(job)
        if found.pop("state") == "paused":
            return found | {"paused": 1}
        return {"next": "none"} | found

    def load(self, jobs: Iterable[Mapping[str, Any] | str]) -> Iterator[datetime | JobsError | None]:
        """Put back jobs that `dump` read, as they stood. Yields as `put_many` does."""
        return self.put_many(jobs)
