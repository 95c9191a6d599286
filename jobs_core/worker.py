"""The worker loop: take tasks under leases, run them on threads, renew the leases, report the outcomes."""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from jobs_core.board import Board
from jobs_core.calls import pop_call
from jobs_core.clock import LONGEST, Clock
from jobs_core.errors import FaultError, JobsError, ServerError, StaleError
from jobs_core.events import Events
from jobs_core.exchange import Exchange
from jobs_core.executor import Executor
from jobs_core.model import Context, Logger, Runner, Task, WorkerInfo, parse_payload
from jobs_core.output import OutputKeeper
from jobs_core.replies import as_task
from jobs_core.run import Run
from jobs_core.wake import PAUSE, Listener, Waker

STALE = "its lease was lost, or this was reported before: no newer outcome is overwritten"

GRACE = 15.0
"""Seconds that a runner has to return after it was told to stop."""

SLOW = 0.1
"""Seconds that inline runs may take together before the loop sees to leases and reports again."""

APART = 1.0
"""Seconds for which a suspect is put off while another runs."""


class Worker:
    """Serves runners on a board until it is stopped.

    `concurrency` is how many tasks run at once, each on a thread. `lease` is for how many seconds a task is
    held before it must be renewed; it is renewed three times in that time. `drain` is how many seconds a stop
    waits for running tasks before it tells them to end and gives them back. `queues` are served beside the
    runners' own. With `tick=False` somebody else must tick.

    >>> Worker(board, [runner], concurrency=20).run_until_signal()
    """

    def __init__(
        self,
        board: Board,
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
        self.queues = deque(dict.fromkeys((*self.runners, *queues)))
        self.concurrency = concurrency
        self.lease = lease
        self.drain = drain
        self._plugins = board.plugins
        self._settings = self._plugins.settings()
        self.info = WorkerInfo(self.name, board.name, tuple(self.runners), concurrency, self._settings)
        self._events = Events(self.info, loggers, self._plugins)
        self._emit = self._events.emit
        self._keeper = OutputKeeper(board)
        self._clock = Clock(board, trouble=lambda note: self._emit("trouble", note=note)) if tick else None
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._work: queue.SimpleQueue[Run | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._runs: set[Run] = set()
        self._suspect: Run | None = None  # of those, the one that may be what kills workers
        self._reports: list[Run] = []
        self._inline: deque[Run] = deque()  # quick runs, to be run by the loop itself
        self._slow: set[str] = set()  # runners that are inline and were not quick
        self._exchange = Exchange(board.commands)
        self._room = 0  # tasks that the exchange under way asks for
        self._executor = Executor(self.runners, self._plugins, self._events, self._keeper)
        self._waker = Waker(board, self.queues, self._inbox)
        self._listener = Listener(board, self.name, self._inbox)
        self._more = True  # whether the queues may hold tasks: look there as soon as there is room
        self._stops = 0
        self._next_beat = time.monotonic() + lease / 3
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
        """Run until `stop`. Raises ServerError if Redis cannot be reached at the start, OptionError or
        PluginError for a logger that cannot be opened."""
        self.board.register(self.name, self.runners)
        self.board.refresh_zones()
        self._events.open()
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
            if self._clock:
                self._clock.stop()
            for _ in self._threads:
                self._work.put(None)

    # The loop: one thread talks to Redis about tasks, and sleeps in its inbox

    def _step(self, *, take: bool) -> None:
        """Sleep until something happens, then report, take, run inline and renew what there is."""
        self._listen(take)
        self._renew()
        self._run_inline()
        if self._exchange.is_under_way and not self._inline:
            self._finish_exchange(take)
        if not self._exchange.is_under_way:
            self._start_exchange(take)

    def _listen(self, take: bool) -> None:
        """Collect what threads and the waker put in the inbox; sleep if there is nothing to do before."""
        room = take and self._more and len(self._runs) < self.concurrency
        at_hand = self._exchange.is_under_way or bool(self._inline)
        if at_hand:
            pause = 0.0
        elif room or self._reports:
            pause = PAUSE if self._troubled else 0.0
        else:
            pause = min(LONGEST, max(0.0, self._next_beat - time.monotonic()))
        try:
            self._receive(self._inbox.get(timeout=pause) if pause else self._inbox.get_nowait())
            while True:
                self._receive(self._inbox.get_nowait())
        except queue.Empty:
            pass

    def _receive(self, message: Run | str | bool | None) -> None:
        if isinstance(message, Run):
            self._ended(message)
        elif isinstance(message, str):
            self._cancel(message)
        elif message is not None:
            self._more = True

    def _ended(self, run: Run) -> None:
        if run.task.token:
            self._reports.append(run)
        else:
            self._reported(run, None)  # at most once: nobody waits for a report

    def _cancel(self, token: str) -> None:
        """Somebody asked to cancel the task of this token: tell its run to stop."""
        for run in self._runs:
            if run.task.token == token:
                run.asked_to_cancel = True
                run.context.cancelled.set()

    def _run_inline(self) -> None:
        """Run quick tasks here, half of those that may be held: Redis works on the other half meanwhile."""
        started = time.monotonic()
        for _ in range(max(1, self.concurrency // 2)):
            if not self._inline:
                return
            run = self._inline.popleft()
            self._executor.carry_out(run)
            self._ended(run)
            if time.monotonic() - started > SLOW:
                self._complain_of_inline(run)
                return  # leases are to be renewed in time

    def _complain_of_inline(self, run: Run) -> None:
        if run.task.runner not in self._slow:
            self._slow.add(run.task.runner)
            note = f"the runner {run.task.runner!r} is inline and not quick: it holds up every other task"
            self._emit("trouble", run.task, note=note)

    # The exchange with Redis

    def _start_exchange(self, take: bool) -> None:
        """Send what is to be reported, and take new tasks where there is room."""
        room = self.concurrency - len(self._runs) + len(self._reports)
        self._room = room if take and self._more and room > 0 else 0
        if not (self._room or self._reports):
            self._arm(take)
            return
        pop = None
        if self._room:
            self.queues.rotate()  # so that no busy queue starves another
            pop = pop_call(self.queues, self._room, self.lease, self.name)
        reports, self._reports = self._reports, []
        try:
            self._exchange.start(reports, pop)
        except FaultError as error:
            self._reports = reports + self._reports
            self._trouble(str(error))

    def _finish_exchange(self, take: bool) -> None:
        """Read what Redis says to the reports, and begin what was taken."""
        reports = self._exchange.reports
        try:
            replies, popped = self._exchange.finish()
        except FaultError as error:
            self._reports = reports + self._reports
            self._trouble(str(error))
            return
        trouble = self._handle_replies(reports, replies)
        if isinstance(popped, JobsError):
            trouble = trouble or popped
        elif self._room:
            self._more = len(popped) == self._room
            for pair in popped:
                self._start(as_task(pair))
        if trouble is not None:
            self._trouble(str(trouble))
            return
        self._troubled = False
        self._begin_suspect()
        self._arm(take)

    def _handle_replies(self, reports: list[Run], replies: list[Any]) -> JobsError | None:
        """What became of the reports. Those that the server could not take are made again; answers why."""
        trouble = None
        for run, reply in zip(reports, replies, strict=True):
            if isinstance(reply, ServerError):
                self._reports.append(run)
                trouble = reply
            else:
                self._reported(run, reply)
        return trouble

    def _arm(self, take: bool) -> None:
        """Ask to be woken, but only with room for a task: a wake token that is taken must be used."""
        if take and not self._more and len(self._runs) < self.concurrency:
            self._waker.arm()

    def _start(self, task: Task) -> None:
        timeout = task.options.get("timeout")
        runner = self.runners.get(task.runner)
        if runner is not None and runner.short is not None and isinstance(task.payload, str):
            task = replace(task, payload=parse_payload(task.raw, runner.short))
        context = Context(
            self.name,
            timeout=timeout,
            emit=self._line_handler(task),
            settings=self._settings,
            board=self.board,
        )
        run = Run(task, context, time.monotonic(), timeout)
        self._runs.add(run)
        self._next_beat = min(self._next_beat, self._beat_by(run, run.started))
        if run.is_suspect:
            self._admit(run)
        else:
            self._begin(run)

    def _line_handler(self, task: Task) -> Callable[[str, str], None] | None:
        """What is called with each line that a task prints, if anybody cares."""
        is_kept = "keep" in task.options
        if not (is_kept or self._events.are_heard):
            return None

        def handle(text: str, stream: str) -> None:
            if is_kept:
                self._keeper.add(task.token, text, stream)
            self._emit("task.line", task, line=text, stream=stream)

        return handle

    def _admit(self, run: Run) -> None:
        """Hold one suspect at a time: the others go back first, that the one at fault takes none along."""
        if self._suspect is None:
            self._suspect = run
        else:
            run.put_off = APART
            self._reports.append(run)

    def _begin_suspect(self) -> None:
        """Begin the suspect once nothing is left that its end could undo."""
        settled = not self._reports and not self._exchange.is_under_way
        if self._suspect is not None and not self._suspect.begun and settled:
            self._begin(self._suspect)

    def _begin(self, run: Run) -> None:
        run.begun = True
        runner = self.runners.get(run.task.runner)
        if runner is not None and runner.inline:
            self._inline.append(run)
            return
        if len(self._runs) > len(self._threads):
            thread = threading.Thread(target=self._serve, name=f"jobs-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._work.put(run)

    def _serve(self) -> None:
        """One thread: run tasks one after the other."""
        while (run := self._work.get()) is not None:
            self._executor.carry_out(run)
            self._inbox.put(run)

    def _reported(self, run: Run, reply: Any) -> None:
        self._runs.discard(run)
        if run is self._suspect:
            self._suspect = None
        if isinstance(reply, StaleError):
            self._emit("task.stale", run.task, note=STALE)
        elif isinstance(reply, JobsError):
            self._emit("trouble", run.task, note=str(reply))
        elif kind := run.kind():
            seconds = round(time.monotonic() - run.started, 6)
            self._emit(kind, run.task, run.outcome, run.decision, seconds=seconds)

    # Leases and timeouts

    def _lease_of(self, run: Run) -> float:
        return float(run.task.options.get("lease", self.lease))

    def _beat_by(self, run: Run, now: float) -> float:
        """When this run must be looked at: its lease renewed, or its timeout enforced."""
        beat = now + self._lease_of(run) / 3
        ends = run.started + (run.timeout or 0)
        return min(beat, ends) if ends > now else beat

    def _renew(self) -> None:
        """Renew the leases of running tasks, and tell those to stop that have lost theirs or their time."""
        now = time.monotonic()
        if now < self._next_beat:
            return
        leases: dict[float, list[Run]] = {}
        for run in self._runs:
            if self._in_time(run, now) and run.task.token and not run.lost:
                leases.setdefault(self._lease_of(run), []).append(run)
        self._next_beat = min((self._beat_by(run, now) for run in self._runs), default=now + self.lease)
        try:
            for lease, runs in leases.items():
                held = self.board.beat(lease, *(run.task.token for run in runs))
                for run, holds in zip(runs, held, strict=True):
                    if holds == "lost":
                        run.lost = True
                        run.context.cancelled.set()
                    elif holds == "cancelling":
                        self._cancel(run.task.token)
        except FaultError as error:
            self._trouble(str(error))

    def _in_time(self, run: Run, now: float) -> bool:
        """Tell a run past its timeout to stop. One that goes on all the same loses its lease in the end."""
        if run.timeout is None or now < run.started + run.timeout:
            return True
        if not run.context.cancelled.is_set():
            run.timed_out = True
            run.context.cancelled.set()
        return now < run.started + run.timeout + GRACE

    # The end

    def _end(self) -> str:
        """Drain, then give back what did not finish. Returns the reason for the event."""
        self._waker.stop()
        self._emit("worker.draining", note=f"{len(self._runs)} running; up to {self.drain:g} s")
        self._drain(time.monotonic() + self.drain, stops=1)
        self._settle_exchange()
        unfinished = [run for run in self._runs if run not in self._reports]
        for run in unfinished:
            run.context.cancelled.set()
        self._drain(time.monotonic() + (GRACE if self._stops == 1 else 1.0), stops=2)
        self._give_back()
        return "drained" if self._stops == 1 else "at once"

    def _drain(self, deadline: float, *, stops: int) -> None:
        while self._runs and self._stops <= stops and time.monotonic() < deadline:
            self._step(take=False)

    def _settle_exchange(self) -> None:
        if self._exchange.is_under_way:
            self._finish_exchange(take=False)

    def _give_back(self) -> None:
        self._settle_exchange()
        self._reports = [run for run in self._runs if run.task.token and not run.lost]
        self._start_exchange(take=False)
        self._settle_exchange()

    def _trouble(self, note: str) -> None:
        if not self._troubled:
            self._emit("trouble", note=note)
        self._troubled = True

    def _on_signal(self, number: int, frame: Any) -> None:
        self.stop()
