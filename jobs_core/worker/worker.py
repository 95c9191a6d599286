"""The worker loop: take tasks under leases, run them, renew the leases, report the outcomes."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from jobs_core.client.board import BoardClient
from jobs_core.contract import Logger, Runner, WorkerInfo
from jobs_core.engine.outage import Outage
from jobs_core.engine.replies import as_task
from jobs_core.errors import FaultError, JobsError, StaleError
from jobs_core.plugins.payloads import prepare_schemas
from jobs_core.worker.background import in_background
from jobs_core.worker.clock import LONGEST, Clock
from jobs_core.worker.deadlines import Deadlines
from jobs_core.worker.events import Events
from jobs_core.worker.exchange import Answer, Exchange
from jobs_core.worker.executor import Executor
from jobs_core.worker.inline import Inline
from jobs_core.worker.leases import Leases, renewal_timeout
from jobs_core.worker.options import check_options, unique_name
from jobs_core.worker.orphans import Orphans
from jobs_core.worker.output_keeper import OutputKeeper
from jobs_core.worker.presence import Presence
from jobs_core.worker.run import GRACE, RETURN_DELAY, Run
from jobs_core.worker.shortage import Shortage, raise_file_limit
from jobs_core.worker.signals import on_end_signals
from jobs_core.worker.starter import Starter
from jobs_core.worker.threads import Threads
from jobs_core.worker.wake import PAUSE, Listener, Waker

STALE = "its lease was lost, or it was already reported: the report was rejected"

FEW = 10
"""Reports in one exchange, even if the worker holds few tasks. Smaller exchanges cost more."""


class Worker:
    """Serves runners on a board until it is stopped.

    Args:
        board: The board to serve.
        runners: The runners. The worker serves the queue named like each runner.
        concurrency: How many tasks to hold at once. Each runs on a thread unless its runner is inline.
        lease: Seconds for which to hold a task without a renewal. The worker renews three times per lease.
        drain: Seconds to wait for running tasks on shutdown before stopping them and returning them to the
            queue.
        queues: Further queues to serve.
        loggers: Loggers that receive the worker's events.
        name: The worker's name. The default is the host name and the process id.
        tick: False to leave due occurrences to the other workers' clocks.

    Raises:
        OptionError: The name of the worker or of a queue, the lease or the drain is invalid.

    >>> Worker(board, [runner], concurrency=20).run_until_signal()
    """

    def __init__(
        self,
        board: BoardClient,
        runners: Iterable[Runner],
        *,
        concurrency: int = 10,
        lease: float = 30.0,
        drain: float = 30.0,
        queues: Iterable[str] = (),
        loggers: Iterable[Logger] = (),
        name: str | None = None,
        tick: bool = True,
    ) -> None:
        self.board = board
        self.name = "-".join((unique_name() if name is None else name).split())
        self.runners = {runner.name: runner for runner in runners}
        self.queues = tuple(dict.fromkeys((*self.runners, *queues)))
        check_options(self.name, self.queues, lease, drain)
        self.concurrency = concurrency
        self._share = max((concurrency + 1) // 2, min(concurrency, FEW))
        self.lease = lease
        self.drain = drain
        plugins = board.plugins
        info = WorkerInfo(self.name, board.name, tuple(self.runners), concurrency, plugins.settings())
        self._events = Events(info, loggers, plugins)
        self.info = self._events.worker
        self._emit = self._events.emit
        self._keeper = OutputKeeper(board.commands)
        commands = board.commands.with_timeout(patience=0)  # the loop itself tries again
        self._renewals = commands.with_timeout(renewal_timeout(board.client, lease), patience=0)
        self._outage = Outage(
            commands.server,
            away=self._events.trouble,
            back=lambda note: self._emit("recovered", note=note, seconds=self._outage.seconds),
        )
        self._clock = Clock(commands, outage=self._outage, on_tick=self._events.note_tick) if tick else None
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._runs: set[Run] = set()
        self._shortage = Shortage(concurrency, self._events.trouble)
        self._suspect: Run | None = None  # the one run among them that may be killing workers
        self._starter = Starter(self.info, board, self.runners, self._events, self._keeper, lease)
        self._executor = Executor(self.runners, plugins, self._events, self._keeper)
        self._threads = Threads(self._executor.execute, self._inbox.put)
        self._inline = Inline(self._executor.execute, self._handle_ended, self._report_trouble)
        self._exchange = Exchange(commands, self.queues, lease, self.name)
        self._leases = Leases(self._renewals, self._runs, lease)
        self._presence = Presence(commands, self.info, self.queues, ticks=tick)
        self._orphans = Orphans(board, self.name, self._runs, has_unique_name=name is None)
        self._deadlines = Deadlines(self._runs, self._report_trouble)
        self._waker = Waker(commands, self.queues, self._inbox)
        self._listener = Listener(commands, self.name, self._inbox)
        self._more = True  # whether the queues may hold tasks
        self._stops = 0
        self._troubled = False

    def run_until_signal(self) -> None:
        """Run until SIGTERM or SIGINT. The first signal drains, and the second stops at once.

        Call this on the main thread. Raises the errors of `run`.
        """
        with on_end_signals(self.stop):
            self.run()

    def run(self) -> None:
        """Run until `stop`.

        Raises:
            ServerError: Redis cannot be reached at the start.
            OptionError: A logger has an invalid setting, or the system does not allow enough threads.
            PluginError: A logger did not open.
        """
        self.board.refresh_zones()
        self._events.open()
        prepare_schemas(self.runners.values())
        try:
            self._presence.begin()
            self._emit("worker.started", note=f"serving {', '.join(self.queues)}")
            self._events.observe("jobs_startup", context=self.info)
            if warning := raise_file_limit(self.concurrency):
                self._emit("trouble", note=warning)
            reason = self._serve_until_stopped()
            self._events.observe("jobs_shutdown", context=self.info, reason=reason)
            self._emit("worker.stopped", note=f"({reason})")
        finally:
            self._events.close()

    def stop(self) -> None:
        """Take no more tasks, and drain. A second call stops at once.

        Safe to call from signal handlers and other threads.
        """
        self._stops += 1
        self._inbox.put(None)

    def _serve_until_stopped(self) -> str:
        """Take tasks until `stop`, then drain. Returns how the worker ended."""
        if not all(runner.inline for runner in self.runners.values()):
            self._threads.start(self.concurrency)
        try:
            with in_background(self._leases, self._deadlines, self._waker, self._listener, self._clock):
                while not self._stops:
                    self._step(take=True)
                return self._end()
        finally:
            self._keeper.stop()
            self._exchange.close()
            self._presence.end()
            self._renewals.forget_connections()
            self._threads.stop()

    # The loop: one thread exchanges tasks with Redis, and blocks on its inbox

    def _step(self, *, take: bool) -> None:
        """Wait for something to happen, then report, take, and start the taken tasks.

        Send the next exchange before handling the last answer, so that Redis works in parallel.
        """
        answer = self._wait(take)
        self._collect()
        self._presence.renew(len(self._runs), is_draining=self._stops > 0)
        if self._orphans.are_possible:
            self._handle_answer(answer)
            self._release_orphans()
        else:
            self._send(answer, take)
            self._handle_answer(answer)
        self._begin_suspect()
        self._inline.work()
        self._arm(take)

    def _wait(self, take: bool) -> Answer | None:
        """Wait for Redis if an exchange is in flight, or else for the inbox."""
        if self._exchange.is_under_way:
            return self._receive()
        is_busy = bool(self._exchange.reports or (take and self._more and self._free_slots() > 0))
        patience = LONGEST
        if self._inline:
            patience = 0.0
        elif is_busy:
            patience = PAUSE if self._troubled else 0.0
        if patience:
            with suppress(queue.Empty):
                self._handle_message(self._inbox.get(timeout=patience))
        return None

    def _collect(self) -> None:
        """Handle the messages that threads, the waker and the listener have put in the inbox."""
        while not self._inbox.empty():
            self._handle_message(self._inbox.get())

    def _handle_message(self, message: Run | str | bool | None) -> None:
        if isinstance(message, Run):
            self._handle_ended(message)
        elif isinstance(message, str):
            self._cancel(message)
        elif message is not None:
            self._more = True

    def _handle_ended(self, run: Run) -> None:
        if run.shortage:
            self._shortage.begin(run.shortage, sum(one.is_running for one in self._runs))
        if run.task.token:
            self._exchange.reports.append(run)
        else:
            self._handle_reported(run, None)  # an at-most-once task has no report

    def _cancel(self, token: str) -> None:
        """Stop the run with this token, because a user cancelled the task."""
        for run in self._runs:
            if run.task.token == token:
                run.cancel()

    # Exchanges with Redis

    def _free_slots(self) -> int:
        """Return how many more tasks the worker can hold after the next exchange."""
        return self._shortage.capacity() - len(self._runs) + min(self._share, len(self._exchange.reports))

    def _send(self, answer: Answer | None, take: bool) -> None:
        """Report ended runs, and take as many tasks as fit beside those in the answer."""
        if self._exchange.is_under_way or (answer and answer.trouble):
            return
        room = self._free_slots() - (len(answer.taken) if answer else 0)
        try:
            self._exchange.send(self._share, room if take and self._more and room > 0 else 0)
        except FaultError as error:
            self._trouble(error)

    def _release_orphans(self) -> None:
        try:
            self._orphans.release()
        except FaultError as error:
            self._trouble(error)

    def _receive(self) -> Answer | None:
        """Read the answer of Redis. Returns None if the connection broke: the reports are then sent again."""
        try:
            answer = self._exchange.receive()
        except FaultError as error:
            self._trouble(error)
            if self._exchange.asked_for_tasks:
                self._orphans.suspect()
            return None
        self._runs.difference_update(run for run, _ in answer.reported)
        if answer.more is not None:
            self._more = answer.more
        return answer

    def _handle_answer(self, answer: Answer | None) -> None:
        """Emit events for the reports, and start the taken tasks."""
        if answer is None:
            return
        for run, reply in answer.reported:
            self._handle_reported(run, reply)
        for pair in answer.taken:
            self._take(pair, answer.sent)
        if answer.trouble:
            self._trouble(answer.trouble)
        else:
            self._recovered()

    def _handle_reported(self, run: Run, reply: Any) -> None:
        self._runs.discard(run)
        if run is self._suspect:
            self._suspect = None
        trace = run.context.trace
        if isinstance(reply, StaleError):
            self._emit("task.stale", run.task, trace=trace, note=STALE)
        elif isinstance(reply, JobsError):
            self._emit("trouble", run.task, trace=trace, note=str(reply))
        elif self._events.are_wanted(run.task) and (kind := run.kind()):
            seconds = round(time.monotonic() - run.started, 6)
            if kind == "task.released":
                self._emit(kind, run.task, trace=trace, seconds=seconds, note=run.why_released())
            else:
                self._emit(kind, run.task, run.outcome, run.decision, trace=trace, seconds=seconds)

    def _arm(self, take: bool) -> None:
        """Arm the waker if there is room for a task, because a worker that takes a token must take a task."""
        is_idle = not self._more and not self._exchange.is_under_way
        if take and is_idle and len(self._runs) < self._shortage.capacity():
            self._waker.arm()

    # Tasks

    def _take(self, pair: Sequence[str], sent: float) -> None:
        """Start a task that Redis returned. Report an unreadable record, so that Redis sets it aside."""
        try:
            task = as_task(pair)
        except FaultError as error:
            self._emit("trouble", note=str(error))
            with suppress(JobsError):
                self.board.ack(pair[0], "dead")
        else:
            self._start(self._starter.new_run(task, sent))

    def _start(self, run: Run) -> None:
        """Start a run. Return it if the worker is stopping or lacks the runner, or if Redis answered late."""
        self._runs.add(run)
        self._leases.watch(run)
        self._deadlines.watch(run)
        if (self._stops and run.task.token) or run.is_unproven or self._starter.lacks_runner(run):
            self._exchange.reports.append(run)
        elif run.is_suspect:
            self._hold_suspect(run)
        else:
            self._begin(run)

    def _hold_suspect(self, run: Run) -> None:
        """Hold one suspect at a time, and return the others, so that a crash affects no other suspect."""
        if self._suspect is None:
            self._suspect = run
        else:
            run.put_off = RETURN_DELAY
            self._exchange.reports.append(run)

    def _begin_suspect(self) -> None:
        """Start the suspect after all reports are sent, so that a crash loses none."""
        if self._suspect is None or self._suspect.begun or self._stops:
            return
        while not self._troubled and (self._exchange.is_under_way or self._exchange.reports):
            self._send(None, take=False)
            if self._exchange.is_under_way:
                self._handle_answer(self._receive())
        if not self._troubled:
            self._begin(self._suspect)

    def _begin(self, run: Run) -> None:
        run.begun = True
        runner = self.runners.get(run.task.runner)
        if runner is None or runner.inline:
            self._inline.put(run)
        else:
            self._threads.put(run)

    def _report_trouble(self, run: Run, note: str) -> None:
        self._emit("trouble", run.task, trace=run.context.trace, note=note)

    # The end

    def _end(self) -> str:
        """Drain, then return unfinished tasks. Returns the reason for the event."""
        self._waker.stop()
        self._emit("worker.draining", note=f"{len(self._runs)} running; up to {self.drain:g} s")
        if self._suspect and not self._suspect.begun:
            self._exchange.reports.append(self._suspect)
        self._drain(time.monotonic() + self.drain, stops=1)
        for run in self._runs.difference(self._exchange.reports):
            run.tell_to_stop()
        self._exchange.reports += self._inline.take_releasable()
        self._drain(time.monotonic() + (GRACE if self._stops == 1 else 1.0), stops=2)
        self._give_back()
        return "drained" if self._stops == 1 else "at once"

    def _drain(self, deadline: float, *, stops: int) -> None:
        while (self._runs or self._exchange.is_under_way) and self._stops <= stops:
            if time.monotonic() >= deadline:
                return
            self._step(take=False)

    def _give_back(self) -> None:
        if self._exchange.is_under_way:
            self._handle_answer(self._receive())
        self._exchange.reports = [run for run in self._runs if run.task.token and run.may_give_back()]
        try:
            self._exchange.send(None, 0)
        except FaultError as error:
            self._trouble(error)
        if self._exchange.is_under_way:
            self._handle_answer(self._receive())

    def _trouble(self, error: JobsError) -> None:
        self._troubled = True
        self._outage.begin("worker", error)

    def _recovered(self) -> None:
        self._troubled = False
        self._outage.end("worker")
