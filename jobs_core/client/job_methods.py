"""The methods of a board about single jobs: put, edit, show, list, pause, preview."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Unpack

from jobs_core.client.author import signature
from jobs_core.client.base import BoardBase
from jobs_core.client.graph import Graph, as_relations, chunks_of_children, graph_of
from jobs_core.client.listing import find_ids, plan_find, plan_jobs, read_jobs
from jobs_core.client.search import JobFilters
from jobs_core.engine import bulk
from jobs_core.engine.calls import next_arguments, parts
from jobs_core.engine.replies import as_dict, as_job, as_time, as_times, found_job
from jobs_core.errors import JobsError
from jobs_core.options import (
    PAUSE_OPTIONS,
    Duration,
    JobOptions,
    JobSort,
    JobState,
    PutOptions,
    Time,
    to_pairs,
)
from jobs_core.types import Payload


class JobMethods(BoardBase):
    """The methods of a board about jobs."""

    def put(
        self,
        id: str,
        runner: str,
        payload: Payload,
        *,
        because: str | None = None,
        if_match: str | None = None,
        **options: Unpack[PutOptions],
    ) -> datetime | None:
        """Create a job, or replace it with all its options. `edit` changes single ones.

        Args:
            id: The job's id.
            runner: The name of its runner.
            payload: A string, or a mapping to store as JSON.
            because: Why, for `changes`.
            if_match: The `etag` of the job as `show` returned it: change only this version of it.
            options: Options of a job, such as `every`, `cron` or `attempts`. Durations are seconds, `1h30m`
                or timedeltas.

        Returns:
            The next run, or None if none is scheduled.

        Raises:
            ConflictError: The job's etag is not `if_match`, or there is no such job any more.
            OptionError: The id or an option is invalid.
            PayloadError: The payload is too large, or its runner rejects it.
            RunnerError: No plugin or worker provides the runner or the policy.
            ServerError: Redis cannot be reached, or rejects changes.
        """
        name, arguments = self.calls.put("JSET", id, runner, payload, options)
        return as_time(self.commands.call(name, *arguments, *signature(self.by, because, if_match)))

    def create(
        self,
        id: str,
        runner: str,
        payload: Payload,
        *,
        because: str | None = None,
        **options: Unpack[PutOptions],
    ) -> datetime | None:
        """Create a job. Takes the same as `put` but `if_match`, and returns the same.

        Raises:
            ExistsError: A job with this id exists. The errors of `put` are raised, too.
        """
        name, arguments = self.calls.put("JSETNX", id, runner, payload, options)
        return as_time(self.commands.call(name, *arguments, *signature(self.by, because)))

    def edit(
        self,
        id: str,
        *,
        runner: str | None = None,
        payload: Payload | None = None,
        unset: Iterable[str] = (),
        because: str | None = None,
        if_match: str | None = None,
        **options: Unpack[PutOptions],
    ) -> datetime | None:
        """Change some options of a job, and keep the others.

        An option that makes another schedule, such as `cron` for a job with `every`, replaces the old one.

        Args:
            id: The job's id.
            runner: Another runner.
            payload: Another payload.
            unset: The names of options to remove.
            because: Why, for `changes`.
            if_match: The `etag` of the job as `show` returned it: change only this version of it.
            options: The options to change, as `put` takes them.

        Returns:
            The next run, or None if none is scheduled.

        Raises:
            NotFoundError: There is no such job. The errors of `put` are raised, too.

        >>> board.edit("report", timeout="20m", unset=["description"])
        >>> board.edit("report", timeout="30m", if_match=board.show("report")["etag"])
        """
        name, arguments = self.calls.edit(self.show(id), runner, payload, options, unset)
        return as_time(self.commands.call(name, *arguments, *signature(self.by, because, if_match)))

    def put_many(
        self, jobs: Iterable[Mapping[str, Any] | str], *, create: bool = False, because: str | None = None
    ) -> Iterator[datetime | JobsError | None]:
        """Put any number of jobs in few round trips.

        Nothing is sent until you iterate over the results.

        Args:
            jobs: Mappings `{"id": …, "runner": …, "payload": …, option: value …}`, or their JSON.
            create: Reject jobs that exist.
            because: Why, for `changes`.

        Yields:
            For each job, in order, its next run (or None), or the error that rejected it.
        """
        mode = "create" if create else "set"

        def arguments(job: Mapping[str, Any]) -> Sequence[Any]:
            return self.calls.put("JSET", **parts(job))[1]

        return bulk.stream(
            self.commands,
            jobs,
            arguments,
            bulk.group_calls("JMSET", mode, *signature(self.by, because)),
            as_time,
            at_once=10,
        )

    def show(self, id: str) -> dict[str, Any]:
        """Read a job.

        Args:
            id: The job's id.

        Returns:
            The job's options, `next` (epoch seconds), `left` (runs), `state`, and `etag`: a text that changes
            when the job is changed, and not when it runs. Changes take it as `if_match`.

        Raises:
            NotFoundError: There is no such job.
        """
        return found_job(self.commands.call("JGET", id), id, self.name, as_job)

    def list(
        self,
        match: str | None = None,
        *,
        state: JobState | None = None,
        sort: JobSort | None = None,
        summary: bool = False,
        **filters: Unpack[JobFilters],
    ) -> Iterator[dict[str, Any]]:
        """Read jobs, a page at a time while you iterate.

        A job that is put, runs or is removed meanwhile may be missing or appear twice. While a board shrinks,
        this applies to every job, except with `sort="id"`.

        Args:
            match: A glob pattern for the id, such as `backup-*`.
            state: Only jobs in this state: scheduled, waiting, paused, ended or manual.
            sort: `next` yields the soonest run first, then jobs without a next run. `id` sorts by id and
                holds all ids in memory. By default, jobs are in no particular order.
            summary: Add how runs have ended: `last` (the last run, as `runs` has it, with `took` and `late`),
                `failures` (in a row) and `last_done`. What is unknown is left out.
            filters: `label`, `failing`, `late`, `running`, `paused`, `runner` and `text`: see JobFilters. The
                first four read an index, and not all jobs. Ids of jobs that are found are held in memory.

        Yields:
            Jobs, as `show` returns them.

        Raises:
            OptionError: `state` or `sort` is unknown, or a filter is invalid.

        >>> soonest = itertools.islice(board.list(state="scheduled", sort="next"), 10)
        >>> worst = list(board.list(label="team=payments", failing=3))
        """
        return read_jobs(self.commands, plan_jobs(match, state, sort, filters), state, summary=summary)

    def find(
        self,
        match: str | None = None,
        *,
        state: JobState | None = None,
        sort: JobSort | None = None,
        **filters: Unpack[JobFilters],
    ) -> Iterator[str]:
        """Find jobs, like `list`, without reading them. Takes the same arguments.

        Yields:
            The ids of the jobs, each once.

        Raises:
            OptionError: `state` or `sort` is unknown, or a filter is invalid.

        >>> for id in board.find(label="team=payments"):
        ...     board.pause(id)
        """
        return find_ids(self.commands, plan_find(match, state, sort, filters))

    def labels(self) -> dict[str, int]:
        """Count the jobs that have each label.

        Returns:
            Numbers by label, sorted by label: `{"team=payments": 12}`.
        """
        return as_dict(self.commands.call("JLABELS"))

    def remove(self, *ids: str, because: str | None = None, if_match: str | None = None) -> int:
        """Remove jobs. Their queued tasks still run.

        Args:
            ids: The ids of the jobs. Unknown ids are ignored.
            because: Why, for `changes`.
            if_match: The `etag` of the job, of which there is one then: remove only this version of it.

        Returns:
            How many jobs were removed.

        Raises:
            ConflictError: The job's etag is not `if_match`.
            NotFoundError: There is no such job, with `if_match`.
        """
        signed = signature(self.by, because, if_match)
        return int(self.commands.call("JDEL", *ids, "-", *signed)) if ids else 0

    def pause(
        self,
        id: str,
        *,
        until: Time | None = None,
        for_: Duration | None = None,
        because: str | None = None,
        if_match: str | None = None,
        now: Time | None = None,
    ) -> bool:
        """Stop scheduling a job until `resume`, or until a time.

        Pausing a paused job again replaces the time and the reason.

        Args:
            id: The job's id.
            until: When to resume it, at its next run from then on.
            for_: How long to pause it, instead of `until`; a number is seconds.
            because: Why, for `show` and `changes`.
            if_match: The `etag` of the job as `show` returned it: pause only this version of it.
            now: The current time, for tests. The default is the clock of Redis.

        Returns:
            False if the job was already paused like this.

        Raises:
            ConflictError: The job's etag is not `if_match`.
            NotFoundError: There is no such job.
            OptionError: The time is invalid or past.

        >>> board.pause("report", for_="2h", because="the database moves")
        True
        """
        pairs = to_pairs({"until": until, "for": for_, "now": now}, PAUSE_OPTIONS)
        return bool(self.commands.call("JPAUSE", id, *pairs, *signature(self.by, because, if_match)))

    def resume(
        self,
        id: str,
        *,
        because: str | None = None,
        if_match: str | None = None,
        now: Time | None = None,
    ) -> datetime | None:
        """Schedule a paused job again.

        Args:
            id: The job's id.
            because: Why, for `changes`.
            if_match: The `etag` of the job as `show` returned it: resume only this version of it.
            now: The time to compute the next run from, for tests. The default is the clock of Redis.

        Returns:
            The next run, or None if none is left.

        Raises:
            ConflictError: The job's etag is not `if_match`.
            NotFoundError: There is no such job.
        """
        signed = signature(self.by, because, if_match)
        return as_time(self.commands.call("JRESUME", id, *to_pairs({"now": now}, ()), *signed))

    def next(
        self,
        id: str | None = None,
        *,
        count: int = 1,
        from_: Time | None = None,
        now: Time | None = None,
        **options: Unpack[JobOptions],
    ) -> Sequence[datetime]:
        """Return the next runs of a job, or of a schedule: `board.next(cron="@daily", count=3)`.

        Args:
            id: The job's id. With options, it only chooses the values for H in a cron pattern.
            count: How many runs to return at most (1 to 1000).
            from_: Only runs after this time, which may be past. A schedule without a start is then shown as
                if it had begun at that time. The runs of a job begin with its start.
            now: The current time, for tests. The default is the clock of Redis.
            options: A schedule to preview, with the options of `put`.

        Returns:
            The runs, soonest first.

        Raises:
            NotFoundError: There is no such job.
            OptionError: An option is invalid.
        """
        self.calls.check_zone(options)
        return as_times(self.commands.call("JNEXT", *next_arguments(id, count, from_, now, options)))

    def when(self, id: str) -> dict[str, Any]:
        """Return what a job waits for, and which jobs wait for it.

        Args:
            id: The job's id.

        Returns:
            `after`, `on` and `join`; `met`, the parents that have ended since the job's last run, and
            `parents`, how they ended; `missing`, the parents that are not on the board; `followed_by`; and
            `waiting`, the occurrence of a job with a time that waits for its parents: `task`, `due`,
            `deadline` and `at-deadline`. Times are epoch seconds. Empty values are omitted.

        Raises:
            NotFoundError: There is no such job.
        """
        return found_job(self.commands.call("JWHEN", id), id, self.name, json.loads)

    def graph(self) -> Graph:
        """Return which jobs run after which, where each stands, how it last ended, and what it waits for.

        >>> board.graph().nodes["report"].waits_for
        ('load',)
        """
        jobs = list(self.list(summary=True))
        replies = [self.commands.call("JWHEN", *ids) for ids in chunks_of_children(jobs)]
        return graph_of(jobs, as_relations(replies))
