"""Board: the client people use. Each method is one command; Redis does the work."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs_core import bulk, server
from jobs_core.commands import Call, Commands, translated
from jobs_core.errors import JobsError, NotFoundError, OptionError, PayloadError, RunnerError
from jobs_core.keys import Keys
from jobs_core.model import Payload, Task, parse_payload
from jobs_core.options import JOB_OPTIONS, PUSH_OPTIONS, to_pairs, to_text
from jobs_core.plugins import Plugins

if TYPE_CHECKING:
    from jobs_core.model import Outcome

Verb = Literal["done", "retry", "dead", "release"]

POP_OPTIONS = frozenset(("count", "lease", "worker"))

CHUNK = 500
"""How many jobs one round trip reads."""


def connect(url: str | None = None) -> redis.Redis:
    """Make a client for a URL (`redis://`, `rediss://`, `unix://`), or for the server found without one.

    Raises ServerError when no URL is given and no server is found, OptionError for a bad URL.
    """
    try:
        return redis.Redis.from_url(
            url or server.default_url(),
            decode_responses=True,
            encoding_errors="surrogateescape",
            retry=Retry(
                NoBackoff(), 0
            ),  # a command whose reply was lost may have run: never repeat it blindly
            socket_connect_timeout=5,
            socket_timeout=30,
        )
    except ValueError as error:
        raise OptionError(f"the URL of Redis is not understood: {error}") from None


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick did: how many tasks it moved, and in how many seconds there is more to do (None: not in
    sight; 0 or less: at once)."""

    moved: int
    wait: float | None


class Board:
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
        self.client = client or connect(url)
        self.commands = Commands(self.client, self.keys)
        self._plugins = plugins
        self._validate = validate

    # Jobs

    def put(self, id: str, runner: str, payload: Payload, **options: Any) -> datetime | None:
        """Create a job, or update it. Returns its next run, or None when it has none.

        Raises OptionError, PayloadError or RunnerError for what is not understood, ServerError.
        """
        name, arguments = self._job_call("JSET", id, runner, payload, options)
        return _as_time(self.commands.call(name, *arguments))

    def create(self, id: str, runner: str, payload: Payload, **options: Any) -> datetime | None:
        """Create a job. Raises ExistsError if there is one of that id, or what `put` raises."""
        name, arguments = self._job_call("JSETNX", id, runner, payload, options)
        return _as_time(self.commands.call(name, *arguments))

    def put_many(
        self, jobs: Iterable[Mapping[str, Any] | str], *, create: bool = False
    ) -> Iterator[datetime | JobsError | None]:
        """Put any number of jobs, each `{"id": …, "runner": …, "payload": …, option: value …}`.

        Yields, for each in order, its next run (or None), or the error that refused it.
        """
        mode = "create" if create else "set"

        def arguments(job: Mapping[str, Any]) -> Sequence[Any]:
            return self._job_call("JSET", **_parts(job))[1]

        return bulk.stream(self.commands, jobs, arguments, bulk.grouped(mode), _as_time, at_once=10)

    def show(self, id: str) -> dict[str, Any]:
        """Read a job: its options, `next` (epoch seconds), `left` and `state`. Raises NotFoundError."""
        (found,) = self.commands.call("JGET", id)
        if found is None:
            raise NotFoundError(f"there is no job {id!r} on the board {self.name!r}")
        return _as_job(found)

    def list(self, match: str | None = None) -> Iterator[dict[str, Any]]:
        """Read all jobs, or those whose id matches a pattern such as `backup-*`, in no particular order."""
        with translated():
            ids = (id for id, _ in self.client.hscan_iter(self.keys.job, match=match, count=CHUNK))
            while chunk := list(islice(ids, CHUNK)):
                for found in self.commands.call("JGET", *chunk):
                    if found is not None:
                        yield _as_job(found)

    def remove(self, *ids: str) -> int:
        """Remove jobs. Returns how many there were. Their queued tasks still run."""
        return int(self.commands.call("JDEL", *ids)) if ids else 0

    def pause(self, id: str) -> bool:
        """Stop scheduling a job. Returns False when it was paused already. Raises NotFoundError."""
        return bool(self.commands.call("JPAUSE", id))

    def resume(self, id: str, **options: Any) -> datetime | None:
        """Schedule a paused job again. Returns its next run. Raises NotFoundError."""
        return _as_time(self.commands.call("JRESUME", id, *to_pairs(options, ())))

    def next(
        self, id: str | None = None, *, count: int = 1, now: Any = None, **options: Any
    ) -> Sequence[datetime]:
        """The next `count` runs of a job, or of options given here: `board.next(every="1h", count=3)`.

        Raises NotFoundError, OptionError.
        """
        extra = to_pairs({"now": now} | options)
        return [_time(ms) for ms in self.commands.call("JNEXT", id or "-", "count", count, *extra)]

    # Tasks

    def push(self, runner_or_job: str, payload: Payload | None = None, **options: Any) -> str:
        """Queue a one-off task, `push("shell", "echo hi", at="+10m")`, or run a job now, `push("backup")`.

        Returns the task's id. Raises NotFoundError, OptionError, PayloadError, RunnerError.
        """
        name, arguments = self._push_call(runner_or_job, payload, options)
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
            return self._push_call(target, options.pop("payload", None), options)[1]

        return bulk.stream(self.commands, tasks, arguments, bulk.each("JPUSH"), str)

    def pop(
        self, *queues: str, count: int = 1, lease: float | None = None, worker: str = "", now: Any = None
    ) -> Sequence[Task]:
        """Take up to `count` tasks, each held for `lease` seconds; without a lease, at most once."""
        name, arguments = pop_call(queues, count, lease, worker, now)
        return [as_task(fields) for fields in self.commands.call(name, *arguments)]

    def ack(self, token: str, verb: Verb = "done", **options: Any) -> str:
        """Say what became of a task (delay, note, code). Returns its id. Raises StaleError."""
        pairs = [text for name, value in options.items() for text in (name, to_text(value))]
        return str(self.commands.call("JACK", token, verb, *pairs))

    def beat(self, lease: float, *tokens: str) -> Sequence[bool]:
        """Extend leases to `lease` seconds from now. Returns, for each token, whether it still holds."""
        return [bool(held) for held in self.commands.call("JBEAT", lease, *tokens)]

    def tick(self, limit: int = 500, now: Any = None) -> Tick:
        """Move up to `limit` due occurrences to their queues."""
        moved, due, present = self.commands.call("JTICK", "limit", limit, *to_pairs({"now": now}, ()))
        return Tick(moved, (due - present) / 1000 if due else None)

    def respond(self, queue: str, function: Callable[..., Outcome | str | None], **options: Any) -> None:
        """Run `function` for each task of a queue, until SIGTERM or Ctrl-C.

        A function of one parameter gets the payload, of two the task and its context. It may return an
        Outcome, or a note, or nothing; an exception is a failure. `options` are those of `Worker`.
        """
        from jobs_core.worker import Worker, function_runner

        Worker(self, [function_runner(queue, function)], **options).run_until_signal()

    # The board

    def count(self) -> dict[str, int]:
        """What is on the board now: jobs, scheduled, queued, delayed, leased, dead, and each queue."""
        return _as_dict(self.commands.call("JCOUNT"))

    def stats(self) -> dict[str, int]:
        """The ledger: due, queued, coalesced, succeeded, … since the board was made."""
        return _as_dict(self.commands.call("JSTATS"))

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
        for job in self.list():
            if job.pop("state") == "paused":
                yield job | {"paused": 1}
            else:
                yield {"next": "none"} | job

    def load(self, jobs: Iterable[Mapping[str, Any] | str]) -> Iterator[datetime | JobsError | None]:
        """Put back jobs that `dump` read, as they stood. Yields as `put_many` does."""
        return self.put_many(jobs)

    def init(self, *, functions: bool = False) -> dict[str, str]:
        """Load the commands into Redis, and write the board's `commands` hash. Returns name → SHA.

        With `functions`, load them as a Redis Functions library too.
        """
        shas = self.commands.load()
        if functions:
            self.commands.load_functions()
        return shas

    def register(self, worker: str, runners: Iterable[str]) -> None:
        """Say that a worker serves these runners."""
        self.commands.call("JREGISTER", worker, *runners)

    @property
    def plugins(self) -> Plugins:
        """The plugins that this board validates with."""
        if self._plugins is None:
            self._plugins = Plugins.load()
        return self._plugins

    @cached_property
    def _registered(self) -> set[str]:
        """The runners that workers of this board have served."""
        with translated():
            return {str(name) for name in self.client.hkeys(self.keys.runners)}

    def _job_call(
        self, name: str, id: str, runner: str, payload: Payload, options: Mapping[str, Any]
    ) -> Call:
        raw = _as_raw(payload)
        pairs = to_pairs(options)
        self._check(id, runner, raw, options)
        return name, (id, runner, raw, *pairs)

    def _push_call(self, target: str, payload: Payload | None, options: Mapping[str, Any]) -> Call:
        pairs = to_pairs(options, PUSH_OPTIONS)
        if payload is None:
            return "JPUSH", (target, *pairs)
        raw = _as_raw(payload)
        self._check("push", target, raw, options)
        return "JPUSH", (target, raw, *pairs)

    def _check(self, id: str, runner: str, raw: str, options: Mapping[str, Any]) -> None:
        if not self._validate:
            return
        if runner not in self.plugins.names("runners") and runner not in self._registered:
            try:
                self.plugins.runner(runner)
            except RunnerError as error:
                raise RunnerError(f"{error}; no worker of the board {self.name!r} has served it") from None
        if options.get("policy") is not None:
            self.plugins.policy(str(options["policy"]))
        self.plugins.validate(self.plugins.job(id, runner, raw, dict(options)))


def pop_call(
    queues: Collection[str], count: int, lease: float | None, worker: str = "", now: Any = None
) -> Call:
    """The JPOP that `Board.pop` and workers send."""
    options = to_pairs({"count": count, "lease": lease, "worker": worker or None, "now": now}, POP_OPTIONS)
    return "JPOP", (len(queues), *queues, *options)


def as_task(fields: list[Any]) -> Task:
    """Read one task of a JPOP reply."""
    pairs = dict(zip(fields[::2], fields[1::2], strict=True))
    return Task(
        id=pairs["id"],
        job=pairs["job"],
        runner=pairs["runner"],
        queue=pairs["queue"],
        due=pairs["due"] / 1000,
        attempt=pairs["attempt"],
        raw=pairs["payload"],
        token=pairs["token"],
        options=json.loads(pairs["options"]) if pairs["options"] else {},
        payload=parse_payload(pairs["payload"]),
    )


def _parts(job: Mapping[str, Any]) -> dict[str, Any]:
    """Split `{"id": …, "runner": …, "payload": …, option: value}` into the arguments of a put."""
    options = dict(job)
    try:
        id, runner, payload = (options.pop(name) for name in ("id", "runner", "payload"))
    except KeyError as error:
        raise OptionError(f"a job needs an id, a runner and a payload: {error.args[0]} is missing") from None
    if not isinstance(id, str) or not isinstance(runner, str):
        raise OptionError("the id and the runner of a job are strings")
    return {"id": id, "runner": runner, "payload": payload, "options": options}


def _as_raw(payload: Payload) -> str:
    if isinstance(payload, str):
        return payload
    if isinstance(payload, Mapping):
        return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    raise PayloadError("a payload is a string or a JSON object")


def _as_job(text: str) -> dict[str, Any]:
    """Read a JGET reply, the fields people look for first in front."""
    found: dict[str, Any] = json.loads(text)
    order = ("id", "runner", "payload", "state", "next", *JOB_OPTIONS)
    return {name: found[name] for name in dict.fromkeys(order) if name in found}


def _as_dict(flat: list[Any]) -> dict[str, int]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _as_time(ms: int) -> datetime | None:
    return _time(ms) if ms else None
