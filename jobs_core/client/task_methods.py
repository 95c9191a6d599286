"""The methods of a board about tasks: push, pop, report, list, retry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal, Unpack

from jobs_core.client.author import signature
from jobs_core.client.base import BoardBase
from jobs_core.client.history import plan_back
from jobs_core.client.listing import CHUNK, find_ids, plan_find
from jobs_core.client.output import ENDS, read_output
from jobs_core.client.steps import lists
from jobs_core.client.waiting import Waiting
from jobs_core.engine import bulk
from jobs_core.engine.calls import TASK_FILTERS, ack_pairs, pop_call, push_parts, release_calls
from jobs_core.engine.replies import (
    Hold,
    as_cancelled,
    as_cancelled_counts,
    as_entry,
    as_listed,
    as_task,
    entry_filter,
    lease_states,
)
from jobs_core.errors import JobsError, OptionError, UnconfirmedError
from jobs_core.options import (
    Duration,
    Labels,
    PushOptions,
    ReportOptions,
    TaskFilters,
    TaskState,
    Time,
    to_pairs,
)
from jobs_core.types import Payload, Task, Verb


class TaskMethods(BoardBase):
    """The methods of a board about tasks."""

    def push(self, runner_or_job: str, payload: Payload | None = None, **options: Unpack[PushOptions]) -> str:
        """Queue a one-off task, `push("shell", "echo hi", at="+10m")`, or run a job now, `push("backup")`.

        Args:
            runner_or_job: With a payload, the name of a runner. Without one, the id of a job.
            payload: A string, or a mapping to store as JSON.
            options: Options of a task, such as `in_="10m"`, `attempts` or `keep`. Durations are seconds,
                `1h30m` or timedeltas.

        Returns:
            The task's id.

        Raises:
            NotFoundError: There is no such job.
            OptionError: An option is invalid.
            PayloadError: The payload is too large, or its runner rejects it.
            RunnerError: No plugin or worker provides the runner or the policy.
        """
        with self.pushes.begin(runner_or_job, payload, options) as push:
            name, arguments = self.calls.push(runner_or_job, payload, push.options)
            return push.succeeded(str(self.commands.call(name, *arguments, *self._signed_push(payload))))

    def push_many(self, tasks: Iterable[Mapping[str, Any] | str]) -> Iterator[str | JobsError]:
        """Push any number of tasks in few round trips.

        Nothing is sent until you iterate over the results.

        Args:
            tasks: Mappings `{"runner": …, "payload": …, option: value}` or `{"id": job}`, or their JSON.

        Yields:
            For each task, in order, its id, or the error that rejected it.
        """

        def arguments(task: Mapping[str, Any]) -> Sequence[Any]:
            target, payload, options = push_parts(task)
            with self.pushes.begin(target, payload, options, is_bulk=True) as push:
                return (*self.calls.push(target, payload, push.options)[1], *self._signed_push(payload))

        return bulk.stream(self.commands, tasks, arguments, bulk.call_each("JPUSH"), str)

    def _signed_push(self, payload: Payload | None) -> tuple[str, ...]:
        """Return who pushes, for a job. One-off tasks are not recorded as changes."""
        return signature(self.by) if payload is None else ()

    def pop(
        self,
        *queues: str,
        count: int = 1,
        lease: Duration | None = None,
        worker: str = "",
        now: Time | None = None,
    ) -> Sequence[Task]:
        """Take tasks from queues.

        Args:
            queues: The names of the queues, in the order to look at them.
            count: How many tasks to take at most (1 to 500).
            lease: How long to hold each task; a number is seconds. Without a lease, a task runs at most
                once: it is not returned to its queue if the caller fails.
            worker: The name of the caller, for `tasks`.
            now: The current time, for tests. The default is the clock of Redis.

        Returns:
            The tasks, each with the token for `ack` and `beat`.

        Raises:
            UnconfirmedError: The board is durable, and replicas have not confirmed that the tasks are held.
                They are given back.
        """
        name, arguments = pop_call(queues, count, lease, worker, now)
        try:
            return [as_task(fields) for fields in self.commands.call(name, *arguments)]
        except UnconfirmedError as error:
            self.commands.batch(release_calls(error.reply))
            raise

    def ack(self, token: str, verb: Verb = "done", **options: Unpack[ReportOptions]) -> str:
        """Report the outcome or the progress of a task.

        Args:
            token: The task's token, from `pop`.
            verb: `done` and `failed` end the attempt, and the policy decides what follows a failure. `update`
                reports progress.
            options: `note`, `code`, `data` (a mapping), `progress` (percent), and the other options of JACK.

        Returns:
            The task's id.

        Raises:
            StaleError: The token no longer holds the task.

        >>> board.ack(token, "update", progress=40, note="2 of 5 files")
        """
        return str(self.commands.call("JACK", token, verb, *ack_pairs(options)))

    def cancel(self, id: str, *, because: str | None = None) -> Literal["cancelled", "cancelling"]:
        """Cancel a task.

        Args:
            id: The task's id.
            because: Why, for `changes`.

        Returns:
            `cancelled`, or `cancelling` if the task is running. Its worker is told to stop it.

        Raises:
            NotFoundError: No task with this id is queued, delayed or running.
        """
        return as_cancelled(list(self._cancel(id, *signature(self.by, because))), id, self.name)

    def cancel_job(
        self, job: str | None = None, *, label: Labels | None = None, because: str | None = None
    ) -> dict[str, int]:
        """Cancel all waiting and running tasks of a job, or with labels. Jobs stay: pause them first.

        Args:
            job: The job's id.
            label: `"team=payments"`, a list of these or a mapping: only tasks with all of these labels. A
                task has the labels that its job had when the task was queued.
            because: Why, for `changes`.

        Returns:
            How many tasks are `cancelled`, and how many are `cancelling`: their workers are told to stop.

        Raises:
            OptionError: There is neither a job nor a label, or a label is invalid.
        """
        filters = to_pairs({"job": job, "label": label}, TASK_FILTERS)
        return as_cancelled_counts(self._cancel("-", *filters, *signature(self.by, because)))

    def _cancel(self, id: str, *options: str) -> Iterator[str]:
        """Yield what became of each task that JCANCEL finds."""
        cursor = "0"
        while True:
            cursor, done = self.commands.call("JCANCEL", id, cursor, *options)
            yield from done
            if cursor == "0":
                return

    def output(self, task: str, *, follow: bool = False) -> Iterator[dict[str, Any]]:
        """Read what a task printed, and how its attempts ended.

        The board keeps the output of tasks with the option `keep`.

        Args:
            task: The task's id.
            follow: Continue until the task ends.

        Yields:
            Lines, `{"stream": …, "line": …}`, and states, `{"attempt": 1, "what": …}`. `{"missing": 120}`
            stands where that many lines were left out, because the task printed too much.

        Raises:
            NotFoundError: No output of the task is kept.
        """
        return read_output(
            self.commands, self.name, task, follow=follow, is_there=lambda: self._has_task(task)
        )

    def tasks(
        self, state: TaskState | None = None, **filters: Unpack[TaskFilters]
    ) -> Iterator[dict[str, Any]]:
        """List tasks that have not ended, or dead letters.

        Args:
            state: Only tasks in this state: queued, held, delayed, leased, accepted or dead. By default, all
                but dead ones.
            filters: `task`, `job`, `runner`, `queue` and `worker` are names. `label` is what `put` takes: a
                task has the labels that its job had when the task was queued. `older_than` is a duration; a
                number is seconds. `payload=True` includes payloads.

        Yields:
            Tasks. Their `history` has the earlier attempts.
        """
        pairs = to_pairs({"state": state} | filters, TASK_FILTERS)
        cursor = "0"
        while True:
            cursor, page = self.commands.call("JTASKS", cursor, *pairs)
            yield from map(as_listed, page)
            if cursor == "0":
                return

    def history(
        self, *, task: str | None = None, job: str | None = None, label: Labels | None = None
    ) -> Iterator[dict[str, Any]]:
        """Read what happened to tasks, newest first. The board keeps about the last 10,000 entries.

        Args:
            task: Only entries of this task.
            job: Only entries of this job's tasks.
            label: Only entries of jobs that have all of these labels now. Their ids are held in memory.

        Yields:
            Entries with time (epoch seconds), task, attempt, what, note, code, data, progress, and the worker
            of lost attempts.
        """
        self.commands.require_layout()
        fits = entry_filter(task, job, None if label is None else set(self._labeled(label)))
        for page in lists(plan_back(task, job, None, CHUNK), self.commands):
            for id, _, fields in page:
                entry = as_entry(id, fields)
                if fits(entry):
                    yield entry

    def _labeled(self, label: Labels) -> Iterator[str]:
        """Yield the ids of the jobs that have these labels."""
        return find_ids(self.commands, plan_find(None, None, None, {"label": label}))

    def wait(self, task: str, timeout: float | None = None) -> dict[str, Any]:
        """Wait until a task ends.

        Args:
            task: The task's id, as `push` returns it.
            timeout: Seconds to wait at most. The default is no limit.

        Returns:
            The last entry of its `history`. Its `what` is done, dead or cancelled.

        Raises:
            TimeoutError: The task has not ended in time. It continues.
            NotFoundError: There is no such task, or it ended before the history begins.

        >>> board.wait(board.push("shell", "exit 3", policy="ack"))["code"]
        '3'
        """
        self.commands.require_layout()
        part = self.commands.part_of_task(task)
        newest: Any = part.read_keys(lambda client, keys: client.xrevrange(keys.history, count=1))
        waiting = Waiting(self.name, task, newest, timeout)
        known = next(self.history(task=task), None)
        if known and known["what"] in ENDS:
            return known
        while True:
            last, block = waiting.last, waiting.block
            with part.suppress_outage():
                if waiting.needs_check:
                    waiting.note_presence(self._has_task(task))
                found = part.blocking.xread({part.keys.history: last}, count=CHUNK, block=block)
                end = waiting.take(found)
                if end:
                    return end

    def _has_task(self, task: str) -> bool:
        """Whether a task waits or runs. It may look at all tasks of the board."""
        return next(self.tasks(task=task), None) is not None

    def dead(self, **filters: Unpack[TaskFilters]) -> Iterator[dict[str, Any]]:
        """List dead letters.

        Args:
            filters: The filters of `tasks`.

        Yields:
            Tasks, as `tasks` yields them.
        """
        return self.tasks("dead", **filters)

    def dead_retry(
        self,
        *,
        all: bool = False,
        tickets: Iterable[str] = (),
        because: str | None = None,
        **filters: Unpack[TaskFilters],
    ) -> int:
        """Queue dead letters again, under their ids, as first attempts.

        Args:
            all: Retry all dead letters if there is no filter.
            tickets: Retry those with these tickets, as `dead` yields them. Filters are then ignored.
            because: Why, for `changes`.
            filters: The filters of `tasks`.

        Returns:
            How many dead letters were queued.

        Raises:
            OptionError: There is no filter, and `all` is False.
        """
        return self._change_dead("retry", all, list(tickets), filters, because)

    def dead_purge(
        self,
        *,
        all: bool = False,
        tickets: Iterable[str] = (),
        because: str | None = None,
        **filters: Unpack[TaskFilters],
    ) -> int:
        """Delete dead letters.

        Args:
            all: Delete all dead letters if there is no filter.
            tickets: Delete those with these tickets, as `dead` yields them. Filters are then ignored.
            because: Why, for `changes`.
            filters: The filters of `tasks`.

        Returns:
            How many dead letters were deleted.

        Raises:
            OptionError: There is no filter, and `all` is False.
        """
        return self._change_dead("purge", all, list(tickets), filters, because)

    def beat(self, lease: Duration, *tokens: str) -> Sequence[Hold]:
        """Extend leases.

        Args:
            lease: How long to hold the tasks from now; a number is seconds.
            tokens: The tokens of the tasks.

        Returns:
            For each token, `leased`, `lost`, or `cancelling` (still leased, but to be cancelled).
        """
        return lease_states(self.commands.call("JBEAT", lease, *tokens))

    def _change_dead(
        self,
        verb: Literal["retry", "purge"],
        everything: bool,
        tickets: Sequence[str],
        filters: Mapping[str, Any],
        because: str | None,
    ) -> int:
        if not (everything or tickets) and all(value is None for value in filters.values()):
            raise OptionError(f"dead_{verb} without a filter affects all dead letters. Pass all=True.")
        remaining = iter(tickets or [task["ticket"] for task in self.dead(**filters)])
        n = 0
        while chunk := list(islice(remaining, 100)):
            n += int(self.commands.call("JDEAD", verb, *chunk, "-", *signature(self.by, because)))
        return n
