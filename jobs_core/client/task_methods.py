"""What a client does with tasks: push, pop, report, list, retry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal, Unpack

from jobs_core.client.base import BoardBase
from jobs_core.client.listing import CHUNK
from jobs_core.client.output import ENDS, read_output
from jobs_core.client.waiting import Waiting
from jobs_core.engine import bulk
from jobs_core.engine.calls import TASK_FILTERS, ack_pairs, pop_call
from jobs_core.engine.commands import translated
from jobs_core.engine.replies import Hold, as_cancelled, as_entry, as_holds, as_listed, as_task
from jobs_core.errors import JobsError, OptionError
from jobs_core.options import Duration, PushOptions, ReportOptions, TaskFilters, TaskState, Time, to_pairs
from jobs_core.types import Payload, Task, Verb


class TaskMethods(BoardBase):
    """Methods of a board about its tasks."""

    def push(self, runner_or_job: str, payload: Payload | None = None, **options: Unpack[PushOptions]) -> str:
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
        self,
        *queues: str,
        count: int = 1,
        lease: Duration | None = None,
        worker: str = "",
        now: Time | None = None,
    ) -> Sequence[Task]:
        """Take up to `count` tasks, each held for `lease` seconds; without a lease, at most once."""
        name, arguments = pop_call(queues, count, lease, worker, now)
        return [as_task(fields) for fields in self.commands.call(name, *arguments)]

    def ack(self, token: str, verb: Verb = "done", **options: Unpack[ReportOptions]) -> str:
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

        def is_there() -> bool:
            return next(self.tasks(task=task), None) is not None

        return read_output(self.commands, task, follow=follow, is_there=is_there)

    def tasks(
        self, state: TaskState | None = None, **filters: Unpack[TaskFilters]
    ) -> Iterator[dict[str, Any]]:
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

    def wait(self, task: str, timeout: float | None = None) -> dict[str, Any]:
        """Wait until a task has ended. Returns how, as `history` says it: `what` is done, dead or cancelled.

        Args:
            task: Its id, as `push` returns it.
            timeout: Seconds to wait at most.

        Raises:
            TimeoutError: It has not ended in time. It goes on.
            NotFoundError: There is no such task, or it ended before the history begins.

        >>> board.wait(board.push("shell", "exit 3", policy="ack"))["code"]
        '3'
        """
        self.commands.require_layout()
        with translated(self.commands.server):
            newest: Any = self.client.xrevrange(self.keys.history, count=1)
        waiting = Waiting(self.name, task, newest, timeout)
        known = next(self.history(task=task), None)
        if known and known["what"] in ENDS:
            return known
        while True:
            is_there = next(self.tasks(task=task), None) is not None
            block = waiting.block if is_there else 1
            with translated(self.commands.server):
                found: Any = self.client.xread({self.keys.history: waiting.last}, count=CHUNK, block=block)
            end = waiting.take(found)
            if end:
                return end
            if not is_there and not found:
                raise waiting.unknown()

    def dead(self, **filters: Unpack[TaskFilters]) -> Iterator[dict[str, Any]]:
        """List dead letters: `tasks` in the state dead, with its filters."""
        return self.tasks("dead", **filters)

    def dead_retry(self, *, all: bool = False, **filters: Unpack[TaskFilters]) -> int:
        """Queue dead letters again, under their ids, as first attempts. Returns how many.

        Filters are those of `tasks`. Raises OptionError when there are none, unless `all` is True.
        """
        return self._take_up("retry", all, filters)

    def dead_purge(self, *, all: bool = False, **filters: Unpack[TaskFilters]) -> int:
        """Drop dead letters for good. Returns how many. Filters, `all` and errors as for `dead_retry`."""
        return self._take_up("purge", all, filters)

    def beat(self, lease: Duration, *tokens: str) -> Sequence[Hold]:
        """Extend leases to `lease` seconds from now.

        Returns, for each token, `held`, `lost`, or `cancelling` (held, but somebody asked to cancel it).
        """
        return as_holds(self.commands.call("JBEAT", lease, *tokens))

    def _take_up(self, verb: Literal["retry", "purge"], everything: bool, filters: Mapping[str, Any]) -> int:
        if not everything and all(value is None for value in filters.values()):
            raise OptionError(f"dead_{verb} without a filter means all dead letters: say all=True")
        tickets = (task["ticket"] for task in list(self.dead(**filters)))
        n = 0
        while chunk := list(islice(tickets, 100)):
            n += int(self.commands.call("JDEAD", verb, *chunk))
        return n
