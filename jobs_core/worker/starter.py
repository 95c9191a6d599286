"""Make runs from taken tasks: parse the payload for the runner, and make its context."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from weakref import ref

from jobs_core.context import Context
from jobs_core.contract import Runner, WorkerInfo
from jobs_core.lease import Lease
from jobs_core.options import PING
from jobs_core.text import redact
from jobs_core.tracing import Trace, trace_of
from jobs_core.types import Task, parse_payload
from jobs_core.worker.alert_messages import message_of
from jobs_core.worker.events import BoardEvents
from jobs_core.worker.run import RETURN_DELAY, Run
from jobs_core.worker.served import Served
from jobs_core.worker.tail import Tail


class Starter:
    """Makes the runs of one worker on one board."""

    def __init__(
        self,
        worker: WorkerInfo,
        served: Served,
        runners: Mapping[str, Runner],
        events: BoardEvents,
        lease: float,
    ) -> None:
        self._worker = worker
        self._served = served
        self._runners = runners
        self._events = events
        self._emit = events.emit
        self._lease = lease
        self._missing: set[str] = set()
        self._lacks_pings = False

    def new_run(self, task: Task, sent: float) -> Run:
        """Make the run of a task.

        Its timeout counts from now, and its lease from when the request for tasks was sent, in seconds of
        `lease_clock`.
        """
        runner = self._runners.get(task.runner)
        if runner is not None and runner.short is not None and isinstance(task.payload, str):
            task = replace(task, payload=parse_payload(task.raw, runner.short))
        if PING in task.options:
            self._require_pings(task)
        timeout = task.options.get("timeout")
        seconds = float(task.options.get("lease", self._lease))
        tail = Tail(task.attempt) if task.token else None

        def trace() -> Trace:
            context = known()
            return context.trace if context is not None else {}

        context = Context(
            self._worker.name,
            timeout=timeout,
            emit=self._line_handler(task, tail, trace, may_wait=runner is not None and not runner.inline),
            settings=self._worker.settings,
            board=self._served.whole,
            trouble=lambda note: self._emit("trouble", task, trace=trace(), note=redact(task.raw, note)),
            lease=Lease(seconds, sent) if task.token else None,
            alert=message_of(task, self._served.whole, self._worker.settings)
            if "alert" in task.options
            else None,
            trace=trace_of(task.options) if task.options else None,
        )
        known = ref(context)  # a cycle of references would leave each run to the garbage collector
        return Run(task, self._served, context, time.monotonic(), timeout, tail=tail)

    def lacks_runner(self, run: Run) -> bool:
        """Return whether to leave a task to a worker that has its runner. The first one is reported.

        A task without a lease cannot be returned, so it fails.
        """
        name = run.task.runner
        if name in self._runners or not run.task.token:
            return False
        if name not in self._missing:
            self._missing.add(name)
            note = f"this worker has no runner {name!r}, and leaves its tasks to others: install its plugin"
            self._emit("trouble", run.task, note=note)
        run.put_off = RETURN_DELAY
        return True

    def _require_pings(self, task: Task) -> None:
        """Report once that this worker pings nobody, if that is so."""
        if not self._lacks_pings and not self._events.has_logger_for(PING):
            self._lacks_pings = True
            note = "this worker does not ping the URLs that jobs have as `ping`: install jobs-http"
            self._emit("trouble", task, note=note)

    def _line_handler(
        self, task: Task, tail: Tail | None, trace: Callable[[], Trace], *, may_wait: bool
    ) -> Callable[[str, str], None] | None:
        """Return the function to call with each printed line, or None if nobody needs the output.

        With `may_wait`, a task that prints faster than its lines are written is held back a little.
        """
        keeps_output = "keep" in task.options
        has_listeners = self._events.are_wanted(task)
        if tail is None and not (keeps_output or has_listeners):
            return None

        def handle_line(text: str, stream: str) -> None:
            if tail is not None:
                tail.add(text, stream)
            if keeps_output:
                self._served.keeper.add(task.token, text, stream, may_wait=may_wait)
            if has_listeners:
                self._events.emit_line(task, text, stream, trace(), may_wait=may_wait)

        return handle_line
