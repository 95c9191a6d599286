"""The worker loop: take tasks under leases, have them run, renew the leases, report the outcomes."""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from jobs_core.client.board import BoardClient
from jobs_core.context import Context
from jobs_core.contract import Logger, Runner, WorkerInfo
from jobs_core.engine.replies import as_task
from jobs_core.errors import FaultError, JobsError, OptionError, StaleError
from jobs_core.plugins.payloads import prepare_schemas
from jobs_core.text import without
from jobs_core.types import Task, parse_payload
from jobs_core.worker.clock import LONGEST, Clock
from jobs_core.worker.events import Events
from jobs_core.worker.exchange import Answer, Exchange
from jobs_core.worker.executor import Executor
from jobs_core.worker.inline import Inline
from jobs_core.worker.leases import GRACE, Leases
from jobs_core.worker.output_keeper import OutputKeeper
from jobs_core.worker.run import Run
from jobs_core.worker.threads import Threads
from jobs_core.worker.wake import PAUSE, Listener, Waker

STALE = "its lease was lost, or this was reported before: no newer outcome is overwritten"

FEW = 10
"""Reports that one exchange takes, however few tasks the worker holds: fewer do not pay."""

SHORTEST, LONGEST_WAIT = 0.1, 366 * 86400.0
"""Seconds: no lease is shorter, since it could not be renewed in time, and no lease or drain is longer."""

APART = 1.0
"""Seconds for which a suspect is put off while another runs."""


class Worker:
    """Serves runners on a board until it is stopped.

    `concurrency` is how many tasks the worker holds at once, each on a thread unless its runner is inline.
    `lease` is for how many seconds a task is held before it must be renewed; it is renewed three times in
    that time. `drain` is how many seconds a stop waits for running tasks before it tells them to end and
    gives them back. `queues` are served beside the runners' own. With `tick=False` somebody else must tick.

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
        self.name = "-".join((name or f"{socket.gethostname()}-{os.getpid()}").split())
        self.runners = {runner.name: runner for runner in runners}
        self.queues = tuple(dict.fromkeys((*self.runners, *queues)))
        for queue_name in self.queues:
            if [queue_name] != queue_name.split():
                raise OptionError(
                    f"queue: expected a name without spaces, got {queue_name!r}", option="queue"
                )
        _check_seconds("lease", lease, SHORTEST)
        _check_seconds("drain", drain, 0)
        self.concurrency = concurrency
        self._share = max((concurrency + 1) // 2, min(concurrency, FEW))
        self.lease = lease
        self.drain = drain
        plugins = board.plugins
        self._settings = plugins.settings()
        self.info = WorkerInfo(self.name, board.name, tuple(self.runners), concurrency, self._settings)
        self._events = Events(self.info, loggers, plugins)
        self._emit = self._events.emit
        self._keeper = OutputKeeper(board.commands)
        self._clock = (
            Clock(board.commands, trouble=lambda note: self._emit("trouble", note=note)) if tick else None
        )
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._runs: set[Run] = set()
        self._suspect: Run | None = None  # of those, the one that may be what kills workers
        self._executor = Executor(self.runners, plugins, self._events, self._keeper)
        self._threads = Threads(self._executor.carry_out, self._inbox.put)
        self._inline = Inline(self._executor.carry_out, self._ended, self._complain)
        self._exchange = Exchange(board.commands, self.queues, lease, self.name)
        self._leases = Leases(board.commands, self._runs, lease)
        self._waker = Waker(board.commands, self.queues, self._inbox)
        self._listener = Listener(board.commands, self.name, self._inbox)
        self._more = True  # whether the queues may hold tasks: look there as soon as there is room
        self._stops = 0
        self._troubled = False

    def run_until_signal(self) -> None:
        """Run until SIGTERM or SIGINT: the first drains, the second stops at once. Main thread only."""
        previous = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            self.run()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def run(self) -> None:
        """Run until `stop`.

        Raises ServerError if Redis cannot be reached at the start, OptionError or PluginError for a logger
        that cannot be opened, and OptionError for more threads than the system starts.
        """
        self.board.register(self.name, self.runners)
        self.board.refresh_zones()
        self._events.open()
        prepare_schemas(self.runners.values())
        try:
            self._emit("worker.started", note=f"serving {', '.join(self.queues)}")
            self._events.observe("jobs_startup", context=self.info)
            reason = self._serve_until_stopped()
            self._events.observe("jobs_shutdown", context=self.info, reason=reason)
            self._emit("worker.stopped", note=f"({reason})")
        finally:
            self._events.close()

    def stop(self) -> None:
        """Take no more tasks and drain; called again, stop at once. Safe in signal handlers and threads."""
        self._stops += 1
        self._inbox.put(None)

    def _serve_until_stopped(self) -> str:
        """Take tasks until `stop`, then drain. Returns how it ended."""
        if not all(runner.inline for runner in self.runners.values()):
            self._threads.start(self.concurrency)
        background = [self._waker.run, self._listener.run, *([self._clock.run] if self._clock else [])]
        for function in background:
            threading.Thread(target=function, daemon=True).start()
        try:
            while not self._stops:
                self._step(take=True)
            return self._end()
        finally:
            self._waker.stop()
            self._listener.stop()
            self._keeper.stop()
            self._exchange.close()
            if self._clock:
                self._clock.stop()
            self._threads.stop()

    # The loop: one thread talks to Redis about tasks, and sleeps in its inbox

    def _step(self, *, take: bool) -> None:
        """Wait until something happens, then report, renew, take, and begin what was taken.

        The next exchange is sent before the answer to the last is worked on: Redis works meanwhile.
        """
        answer = self._wait(take)
        self._collect()
        self._renew()
        self._send(answer, take)
        self._handle(answer)
        self._begin_suspect()
        self._inline.work(self._leases.next_beat)
        self._arm(take)

    def _wait(self, take: bool) -> Answer | None:
        """Wait for Redis if it owes an answer, or else for the inbox."""
        if self._exchange.is_under_way:
            return self._receive()
        is_busy = bool(self._exchange.reports or (take and self._more and self._room() > 0))
        patience = min(LONGEST, max(0.0, self._leases.next_beat - time.monotonic()))
        if self._inline:
            patience = 0.0
        elif is_busy:
            patience = PAUSE if self._troubled else 0.0
        if patience:
            with suppress(queue.Empty):
                self._sort(self._inbox.get(timeout=patience))
        return None

    def _collect(self) -> None:
        """Sort what threads, the waker and the listener have put in the inbox."""
        while not self._inbox.empty():
            self._sort(self._inbox.get())

    def _sort(self, message: Run | str | bool | None) -> None:
        if isinstance(message, Run):
            self._ended(message)
        elif isinstance(message, str):
            self._cancel(message)
        elif message is not None:
            self._more = True

    def _ended(self, run: Run) -> None:
        if run.task.token:
            self._exchange.reports.append(run)
        else:
            self._reported(run, None)  # at most once: nobody waits for a report

    def _cancel(self, token: str) -> None:
        """Somebody asked to cancel the task of this token: tell its run to stop."""
        for run in self._runs:
            if run.task.token == token:
                run.cancel()

    def _renew(self) -> None:
        try:
            self._leases.renew()
        except FaultError as error:
            self._trouble(error)

    # Exchanges with Redis

    def _room(self) -> int:
        """For how many more tasks there is room, once what has ended is reported."""
        return self.concurrency - len(self._runs) + min(self._share, len(self._exchange.reports))

    def _send(self, answer: Answer | None, take: bool) -> None:
        """Report what has ended, and take as many tasks as there is room for beside those that just came."""
        if self._exchange.is_under_way or (answer and answer.trouble):
            return
        room = self._room() - (len(answer.taken) if answer else 0)
        try:
            self._exchange.send(self._share, room if take and self._more and room > 0 else 0)
        except FaultError as error:
            self._trouble(error)

    def _receive(self) -> Answer | None:
        """Read what Redis answers. None when the connection broke: the reports are then made again."""
        try:
            answer = self._exchange.receive()
        except FaultError as error:
            self._trouble(error)
            return None
        self._runs.difference_update(run for run, _ in answer.reported)
        if answer.more is not None:
            self._more = answer.more
        return answer

    def _handle(self, answer: Answer | None) -> None:
        """Say how reports fared, and begin what was taken."""
        if answer is None:
            return
        for run, reply in answer.reported:
            self._reported(run, reply)
        for pair in answer.taken:
            self._take(pair)
        if answer.trouble:
            self._trouble(answer.trouble)
        else:
            self._troubled = False

    def _reported(self, run: Run, reply: Any) -> None:
        self._runs.discard(run)
        if run is self._suspect:
            self._suspect = None
        if isinstance(reply, StaleError):
            self._emit("task.stale", run.task, note=STALE)
        elif isinstance(reply, JobsError):
            self._emit("trouble", run.task, note=str(reply))
        elif self._events.are_heard and (kind := run.kind()):
            seconds = round(time.monotonic() - run.started, 6)
            self._emit(kind, run.task, run.outcome, run.decision, seconds=seconds)

    def _arm(self, take: bool) -> None:
        """Ask to be woken, but only with room for a task: a wake token that is taken must be used."""
        is_idle = not self._more and not self._exchange.is_under_way
        if take and is_idle and len(self._runs) < self.concurrency:
            self._waker.arm()

    # Tasks

    def _take(self, pair: Sequence[str]) -> None:
        """Begin a task that Redis gave; let it set aside what is none."""
        try:
            task = as_task(pair)
        except FaultError as error:
            self._emit("trouble", note=str(error))
            with suppress(JobsError):
                self.board.ack(pair[0], "dead")
        else:
            self._start(task)

    def _start(self, task: Task) -> None:
        """Begin a task that was taken; after a stop, give it back."""
        runner = self.runners.get(task.runner)
        if runner is not None and runner.short is not None and isinstance(task.payload, str):
            task = replace(task, payload=parse_payload(task.raw, runner.short))
        timeout = task.options.get("timeout")
        context = Context(
            self.name,
            timeout=timeout,
            emit=self._line_handler(task),
            settings=self._settings,
            board=self.board,
            trouble=lambda note: self._emit("trouble", task, note=without(task.raw, note)),
        )
        run = Run(task, context, time.monotonic(), timeout)
        self._runs.add(run)
        self._leases.watch(run)
        if self._stops and task.token:
            self._exchange.reports.append(run)
        elif run.is_suspect:
            self._admit(run)
        else:
            self._begin(run)

    def _line_handler(self, task: Task) -> Callable[[str, str], None] | None:
        """What is called with each line that a task prints, if anybody cares."""
        is_kept = "keep" in task.options
        if not (is_kept or self._events.are_heard):
            return None

        def handle_line(text: str, stream: str) -> None:
            if is_kept:
                self._keeper.add(task.token, text, stream)
            self._emit("task.line", task, line=text, stream=stream)

        return handle_line

    def _admit(self, run: Run) -> None:
        """Hold one suspect at a time: the others go back first, that the one at fault takes none along."""
        if self._suspect is None:
            self._suspect = run
        else:
            run.put_off = APART
            self._exchange.reports.append(run)

    def _begin_suspect(self) -> None:
        """Begin the suspect once nothing is left that its end could undo."""
        if self._suspect is None or self._suspect.begun or self._stops:
            return
        while not self._troubled and (self._exchange.is_under_way or self._exchange.reports):
            self._send(None, take=False)
            if self._exchange.is_under_way:
                self._handle(self._receive())
        if not self._troubled:
            self._begin(self._suspect)

    def _begin(self, run: Run) -> None:
        run.begun = True
        runner = self.runners.get(run.task.runner)
        if runner is None or runner.inline:
            self._inline.put(run)
        else:
            self._threads.put(run)

    def _complain(self, run: Run) -> None:
        note = f"the runner {run.task.runner!r} is inline and not quick: it holds up every other task"
        self._emit("trouble", run.task, note=note)

    # The end

    def _end(self) -> str:
        """Drain, then give back what did not finish. Returns the reason for the event."""
        self._waker.stop()
        self._emit("worker.draining", note=f"{len(self._runs)} running; up to {self.drain:g} s")
        if self._suspect and not self._suspect.begun:
            self._exchange.reports.append(self._suspect)
        self._drain(time.monotonic() + self.drain, stops=1)
        for run in self._runs.difference(self._exchange.reports):
            run.tell_to_stop()
        self._exchange.reports += self._inline.leave()
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
            self._handle(self._receive())
        self._exchange.reports = [run for run in self._runs if run.task.token and not run.lost]
        try:
            self._exchange.send(None, 0)
        except FaultError as error:
            self._trouble(error)
        if self._exchange.is_under_way:
            self._handle(self._receive())

    def _clock_trouble(self, note: str) -> None:
        self._emit("trouble", note=note)

    def _trouble(self, error: JobsError) -> None:
        if not self._troubled:
            self._emit("trouble", note=str(error))
        self._troubled = True

    def _on_signal(self, number: int, frame: Any) -> None:
        self.stop()


def _check_seconds(name: str, seconds: float, least: float) -> None:
    if not least <= seconds <= LONGEST_WAIT:
        raise OptionError(
            f"{name}: expected {least:g} to {LONGEST_WAIT:.0f} seconds, got {seconds:g}", option=name
        )
