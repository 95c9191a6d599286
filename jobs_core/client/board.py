"""The client of a board. Each method is one command; Redis does the work."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import redis

from jobs_core.client.checked_calls import CheckedCalls
from jobs_core.client.connection import connect
from jobs_core.client.listing import CHUNK, plan_jobs, read_jobs
from jobs_core.engine import bulk, ledger, zones
from jobs_core.engine.calls import TASK_FILTERS, ack_pairs, next_arguments, parts, pop_call
from jobs_core.engine.commands import Commands, translated
from jobs_core.engine.keys import Keys
from jobs_core.engine.replies import (
    Hold,
    Tick,
    as_cancelled,
    as_dict,
    as_entry,
    as_holds,
    as_job,
    as_limit,
    as_listed,
    as_task,
    as_tick,
    as_time,
    as_times,
    found_job,
)
from jobs_core.errors import JobsError, OptionError
from jobs_core.options import to_pairs
from jobs_core.plugins.manager import Plugins
from jobs_core.types import Payload, Task

if TYPE_CHECKING:
    from jobs_core.client.apply import Plan

Verb = Literal["done", "failed", "cancelled", "accepted", "retry", "release", "dead", "update"]


class BoardClient:
    """A named set of jobs on one Redis.

    `url` defaults to JOBS_REDIS_URL, or else to the embedded server of `jobs up`. With `validate=False` jobs
    are not checked against the runners that this machine and the board know. Options are those of
    `jobs put --help`, under the same names; durations may be timedeltas and times datetimes.

    >>> board = Board("jobs", url="redis://localhost")
    >>> board.put("tick", "shell", "echo hi", every=5, repeat=10)
    datetime.datetime(2026, 12, 1, 8, 0, tzinfo=datetime.timezone.utc)
    """

    def __init__(
        self,
        name: str = "jobs",
        url: str | None = None,
        *,
        client: redis.Redis | None = None,
        plugins: Plugins | None = None,
        validate: bool = True,
    ) -> None:
        if not name or any(char in "{} \t\r\n" for char in name):
            raise OptionError("a board's name has no spaces or braces")
        self.name = name
        self.keys = Keys(name)
        if client is not None and not client.connection_pool.connection_kwargs.get("decode_responses"):
            raise OptionError("the client is to decode what it reads: redis.Redis(decode_responses=True)")
        self.client = client or connect(url)
        self.commands = Commands(self.client, self.keys)
        self._plugins = plugins
        self._loading = threading.Lock()  # of the plugins
        self.calls = CheckedCalls(self.commands, lambda: self.plugins, validate=validate)

    # Jobs

    def put(self, id: str, runner: str, payload: Payload, **options: Any) -> datetime | None:
        """Create a job, or update it. Returns its next run, or None when it has none.

        Raises OptionError, PayloadError or RunnerError for what is not understood, ServerError.
        """
        name, arguments = self.calls.put("JSET", id, runner, payload, options)
        return as_time(self.commands.call(name, *arguments))

    def create(self, id: str, runner: str, payload: Payload, **options: Any) -> datetime | None:
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
        self, match: str | None = None, *, state: str | None = None, sort: str | None = None
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

    def resume(self, id: str, **options: Any) -> datetime | None:
        """Schedule a paused job again. Returns its next run. Raises NotFoundError."""
        return as_time(self.commands.call("JRESUME", id, *to_pairs(options, ())))

    def next(
        self, id: str | None = None, *, count: int = 1, from_: Any = None, now: Any = None, **options: Any
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

    # Board files

    def apply(self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Any) -> Plan:
        """Make `jobs` the jobs of `owner`: all of them or, when one is refused, none. Options: prune, adopt.

        See `jobs_core.client.apply.Applying.apply`.

        >>> plan = board.apply([{"id": "tick", "runner": "shell", "payload": "date", "every": 5}], "me")
        >>> [change.id for change in plan.changes], plan.refused
        (['tick'], {})
        """
        from jobs_core.client.apply import Applying

        return Applying(self.commands, self.calls).apply(jobs, owner, **options)

    def plan(self, jobs: Sequence[Mapping[str, Any]], owner: str, **options: Any) -> Plan:
        """Say what `apply` would change, and change nothing."""
        from jobs_core.client.apply import Applying

        return Applying(self.commands, self.calls).plan(jobs, owner, **options)

    # Tasks

    def push(self, runner_or_job: str, payload: Payload | None = None, **options: Any) -> str:
        """Queue a one-off task, `push("shell", "echo hi", at="+10m")`, or run a job now, `push("backup")`.

        Returns the task's id. Raises NotFoundError, OptionError, PayloadError, RunnerError.
        """
        name, arguments = self.calls.push(runner_or_job, payload, options)
        return str(self.commands.call(name, *arguments))

    def push_many(self, tasks: Iterable[Mapping[str, Any] | str]) -> Iterator[str | JobsError]:
        """Push any number of tasks: `{"runner": …, "payload": …, option: value}`, or `{"id": job}`, or JSON.

        Yields, for each in order, the task's id, or the error that refused it.
        """

        def arguments(task: Mapping[str, Any]) -> Sequence[Any]:
            options = dict(task)
            target = options.pop("id", None) or options.pop("runner", None)
            if not isinstance(target, str):
                raise OptionError("a task to push needs a runner and a payload, or the id of a job")
            return self.calls.push(target, options.pop("payload", None), options)[1]

        return bulk.stream(self.commands, tasks, arguments, bulk.each("JPUSH"), str)

    def pop(
        self, *queues: str, count: int = 1, lease: float | None = None, worker: str = "", now: Any = None
    ) -> Sequence[Task]:
        """Take up to `count` tasks, each held for `lease` seconds; without a lease, at most once."""
        name, arguments = pop_call(queues, count, lease, worker, now)
        return [as_task(fields) for fields in self.commands.call(name, *arguments)]

    def ack(self, token: str, verb: Verb = "done", **options: Any) -> str:
        """Say what became of a task, or where it stands, under its token. Returns the task's id.

        `done` and `failed` end the attempt; what follows a failure is the policy's to decide. `update` says
        how far it is. Options: note, code, data (a mapping), progress (0 to 100), and those of JACK.
        Raises StaleError when the token no longer holds its task.

        >>> board.ack(token, "update", progress=40, note="2 of 5 files")
        """
        return str(self.commands.call("JACK", token, verb, *ack_pairs(options)))

    def cancel(self, id: str) -> Literal["cancelled", "cancelling"]:
        """Cancel a task by its id. Returns `cancelled`, or `cancelling` when it runs: its worker is told.

        Raises NotFoundError when no task of that id is queued, delayed or running.
        """
        cursor, found = "0", []
        while True:
            cursor, done = self.commands.call("JCANCEL", id, cursor)
            found += done
            if cursor == "0":
                break
        return as_cancelled(found, id, self.name)

    def output(self, task: str, *, follow: bool = False) -> Iterator[dict[str, Any]]:
        """What a task printed, `{"stream": …, "line": …}`, and how it fared: `{"attempt": 1, "what": …}`.

        It is kept of tasks whose job, or push, has the option `keep`. With `follow` it goes on until the task
        has ended. Raises NotFoundError when nothing is kept of it.
        """
        from jobs_core.client.output import read_output

        def is_there() -> bool:
            return next(self.tasks(task=task), None) is not None

        return read_output(self.commands, task, follow=follow, is_there=is_there)

    def tasks(self, state: str | None = None, **filters: Any) -> Iterator[dict[str, Any]]:
        """List the tasks that are queued, held, delayed, leased or accepted, or in one `state`, or `dead`.

        Filters: task, job, runner, queue, older_than (a duration), payload (True: show it). `history` has the
        earlier attempts.
        """
        pairs = to_pairs({"state": state} | filters, TASK_FILTERS)
        cursor = "0"
        while True:
            cursor, page = self.commands.call("JTASKS", cursor, *pairs)
            yield from map(as_listed, page)
            if cursor == "0":
                return

    def history(self, *, task: str | None = None, job: str | None = None) -> Iterator[dict[str, Any]]:
        """What happened to tasks, the latest first: time, task, attempt, what, note, code, data, progress.

        The board keeps about the last 10,000 entries.
        """
        self.commands.require_layout()
        last = "+"
        while True:
            with translated(self.commands.server):
                entries: Any = self.client.xrevrange(self.keys.history, last, "-", CHUNK)
            for id, fields in entries:
                last = f"({id}"
                entry = as_entry(id, fields)
                if task in (None, entry["task"]) and job in (None, entry["job"]):
                    yield entry
            if len(entries) < CHUNK:
                return

    def dead(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """List dead letters: `tasks` in the state dead, with its filters."""
        return self.tasks("dead", **filters)

    def dead_retry(self, *, all: bool = False, **filters: Any) -> int:
        """Queue dead letters again, under their ids, as first attempts. Returns how many.

        Filters are those of `tasks`. Raises OptionError when there are none, unless `all` is True.
        """
        return self._take_up("retry", all, filters)

    def dead_purge(self, *, all: bool = False, **filters: Any) -> int:
        """Drop dead letters for good. Returns how many. Filters, `all` and errors as for `dead_retry`."""
        return self._take_up("purge", all, filters)

    def limit(
        self, kind: Literal["queue", "runner"], name: str, *, concurrency: int | None = None, rate: Any = None
    ) -> None:
        """Limit a queue or a runner over all workers; with neither option its limit is gone.

        >>> board.limit("runner", "http", concurrency=20, rate="100/1m")
        """
        options = to_pairs({"concurrency": concurrency, "rate": rate})
        self.commands.call("JLIMIT", kind, name, *options)

    def limits(self) -> Iterator[dict[str, Any]]:
        """The limits of queues and runners: kind, name, concurrency, rate."""
        self.commands.require_layout()
        with translated(self.commands.server):
            kept = self.client.hgetall(self.keys.limits)
        for name, text in sorted(kept.items()):
            yield as_limit(str(name), str(text))

    def beat(self, lease: float, *tokens: str) -> Sequence[Hold]:
        """Extend leases to `lease` seconds from now.

        Returns, for each token, `held`, `lost`, or `cancelling` (held, but somebody asked to cancel it).
        """
        return as_holds(self.commands.call("JBEAT", lease, *tokens))

    def tick(self, limit: int = 500, now: Any = None) -> Tick:
        """Move up to `limit` due occurrences to their queues."""
        return as_tick(self.commands.call("JTICK", "limit", limit, *to_pairs({"now": now}, ())))

    # The board

    def count(self) -> dict[str, int]:
        """What is on the board now: jobs, scheduled, queued, delayed, leased, dead, and each queue."""
        return as_dict(self.commands.call("JCOUNT"))

    def stats(self, job: str | None = None) -> dict[str, int]:
        """The ledger since the board was made, or that of one job.

        due = queued + coalesced + skipped; queued = done + dead + cancelled + unleased + in_flight.
        Raises NotFoundError.
        """
        if job is None:
            return as_dict(self.commands.call("JSTATS"))
        found = as_dict(self.commands.call("JSTATS", "job", job))
        found["in_flight"] = sum(1 for _ in self.tasks(job=job))
        found["queued"] = ledger.total(found, "queued")
        return {"due": ledger.total(found, "due"), "queued": found.pop("queued")} | found

    def trim(self, queue: str, keep: int, *, progress: Callable[[int], None] | None = None) -> int:
        """Drop the oldest tasks of a queue until `keep` remain. Returns how many were dropped."""
        dropped, limit = 0, 1000
        while True:
            n = int(self.commands.call("JTRIM", queue, keep, "limit", limit))
            dropped += n
            if progress:
                progress(n)
            if n < limit:
                return dropped

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

    def init(self) -> dict[str, str]:
        """Load the library of functions, the scripts of the `commands` hash and the time zones into Redis.

        Other methods do so by themselves where they may. In a cluster, only this makes a new board.

        Returns:
            The SHA of each script, by the name of its command.

        Raises:
            DeniedError: This user lacks a command that Jobs runs. Nothing was written but the library.
        """
        self.commands.require_role("admin")
        shas = self.commands.load()
        zones.load(self.commands)
        return shas

    def _take_up(self, verb: Literal["retry", "purge"], everything: bool, filters: Mapping[str, Any]) -> int:
        if not everything and all(value is None for value in filters.values()):
            raise OptionError(f"dead_{verb} without a filter means all dead letters: say all=True")
        tickets = (task["ticket"] for task in list(self.dead(**filters)))
        n = 0
        while chunk := list(islice(tickets, 100)):
            n += int(self.commands.call("JDEAD", verb, *chunk))
        return n

    def refresh_zones(self) -> bool:
        """Bring the board's time zones up to date, if it has any, and the next runs in those that changed."""
        return zones.load(self.commands, refresh_only=True)

    def register(self, worker: str, runners: Iterable[str]) -> None:
        """Say that a worker serves these runners. Raises DeniedError for a user who may not work here."""
        self.commands.require_role("worker")
        self.commands.call("JREGISTER", worker, *runners)

    @property
    def plugins(self) -> Plugins:
        """The plugins that this board validates with."""
        with self._loading:
            if self._plugins is None:
                self._plugins = Plugins.load()
            return self._plugins
