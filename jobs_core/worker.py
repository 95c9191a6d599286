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

from jobs_core import bulk
from jobs_core.board import Board
from jobs_core.calls import as_data, pop_call
from jobs_core.clock import LONGEST, Clock
from jobs_core.errors import FaultError, JobsError, ServerError, StaleError
from jobs_core.events import Events
from jobs_core.model import (
    Context,
    Decision,
    Logger,
    Outcome,
    Runner,
    Task,
    WorkerInfo,
    parse_payload,
)
from jobs_core.output import OutputKeeper
from jobs_core.policies import default_policy
from jobs_core.replies import as_task
from jobs_core.run import Run, check_decision, unheard
from jobs_core.text import described, without
from jobs_core.wake import PAUSE, Listener, Waker

STALE = "its lease was lost, or this was reported before: no newer outcome is overwritten"

GRACE = 15.0
"""Seconds that a runner has to return after it was told to stop."""

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
        """Sleep until something happens, then report, take and renew what there is."""
        self._listen(take)
        self._renew()
        self._exchange(take)

    def _listen(self, take: bool) -> None:
        """Collect what threads and the waker put in the inbox; sleep if there is nothing to do before."""
        room = take and self._more and len(self._runs) < self.concurrency
        busy = room or bool(self._reports)
        pause = PAUSE if self._troubled else 0.0
        patience = min(LONGEST, max(0.0, self._next_beat - time.monotonic()))
        try:
            self._receive(self._inbox.get(timeout=pause if busy else patience))
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

    def _exchange(self, take: bool) -> None:
        """Report what has ended and take new tasks, in one round trip."""
        room = self.concurrency - len(self._runs) + len(self._reports)
        taking = take and self._more and room > 0
        reports = list(bulk.grouped("JMACK")(run.report() for run in self._reports))
        calls = [call for call, _ in reports]
        if taking:
            self.queues.rotate()  # so that no busy queue starves another
            calls.append(pop_call(self.queues, room, self.lease, self.name))
        if not calls:
            self._arm(take)
            return
        try:
            replies = self.board.commands.batch(calls)
        except FaultError as error:
            self._trouble(str(error))
            return
        popped = replies.pop() if taking else []
        sizes = [len(stands_for) for _, stands_for in reports]
        heard = [one for reply, size in zip(replies, sizes, strict=True) for one in bulk.spread(reply, size)]
        trouble = self._hear(heard) or (popped if isinstance(popped, JobsError) else None)
        if taking and not isinstance(popped, JobsError):
            self._more = len(popped) == room
            for fields in popped:
                self._start(as_task(fields))
        if trouble is not None:
            self._trouble(str(trouble))
            return
        self._troubled = False
        self._begin_suspect()
        self._arm(take)

    def _hear(self, replies: list[Any]) -> ServerError | None:
        """What became of the reports. Those that the server could not take are made again; answers why."""
        reports, self._reports = self._reports, []
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
            self.name, timeout=timeout, emit=self._hearer(task), settings=self._settings, board=self.board
        )
        run = Run(task, context, time.monotonic(), timeout)
        self._runs.add(run)
        self._next_beat = min(self._next_beat, self._beat_by(run, run.started))
        if run.is_suspect:
            self._admit(run)
        else:
            self._begin(run)

    def _hearer(self, task: Task) -> Callable[[str, str], None] | None:
        """What is called with each line that a task prints, if anybody cares."""
        is_kept = "keep" in task.options
        if not (is_kept or self._events.are_heard):
            return None

        def hear(text: str, stream: str) -> None:
            if is_kept:
                self._keeper.add(task.token, text, stream)
            self._emit("task.line", task, line=text, stream=stream)

        return hear

    def _admit(self, run: Run) -> None:
        """Hold one suspect at a time: the others go back first, that the one at fault takes none along."""
        if self._suspect is None:
            self._suspect = run
        else:
            run.put_off = APART
            self._reports.append(run)

    def _begin_suspect(self) -> None:
        """Begin the suspect once nothing is left that its end could undo."""
        if self._suspect is not None and not self._suspect.begun and not self._reports:
            self._begin(self._suspect)

    def _begin(self, run: Run) -> None:
        run.begun = True
        if len(self._runs) > len(self._threads):
            thread = threading.Thread(target=self._serve, name=f"jobs-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._work.put(run)

    def _serve(self) -> None:
        """One thread: run tasks one after the other."""
        while (run := self._work.get()) is not None:
            try:
                self._carry_out(run)
            except BaseException as error:  # else the thread ends, and its task never does
                run.outcome = Outcome.failed(without(run.task.raw, described(error)), code="fault")
            self._inbox.put(run)

    def _carry_out(self, run: Run) -> None:
        if not self._may_start(run):
            return
        self._emit("task.started", run.task)
        outcome = self._run(run)
        self._keeper.end(run.task.token)
        if not run.is_open(outcome):
            run.decision = self._decide(run.task, outcome)
        run.outcome = outcome  # last: whoever sees it may report the run

    def _may_start(self, run: Run) -> bool:
        """Ask the policy about the attempt before, if that ended where no policy was at hand.

        Another attempt may start at once; or else that it waits, or is given up, is what is reported.
        """
        before = run.task.history[-1] if run.task.history else None
        if before is None or before.decided:
            return True
        task = replace(run.task, attempt=run.task.attempt - 1, history=run.task.history[:-1])
        outcome = unheard(before)
        decision = self._decide(task, outcome)
        self._emit("task.lost" if outcome.status == "lost" else "task.finished", task, outcome, decision)
        if decision.verb == "retry" and not decision.delay:
            return True
        run.decision, run.unstarted = decision, True
        run.outcome = outcome
        return False

    def _run(self, run: Run) -> Outcome:
        runner = self.runners.get(run.task.runner)
        if runner is None:
            return Outcome.failed(f"this worker has no runner {run.task.runner!r}", code="no-runner")
        try:
            outcome = self._plugins.manager.hook.jobs_execute(
                task=run.task, runner=runner, context=run.context
            )
        except BaseException as error:  # sys.exit(), too: it would end the thread, and the task with it never
            return Outcome.failed(without(run.task.raw, described(error)), code=type(error).__name__)
        if not isinstance(outcome, Outcome):
            return Outcome.failed(f"the runner {runner.name!r} returned no Outcome", code="no-outcome")
        if run.timed_out and outcome.status == "cancelled":
            return Outcome.failed(f"timed out after {run.timeout:g} s", code="timeout")
        return self._with_data(run, outcome)

    def _with_data(self, run: Run, outcome: Outcome) -> Outcome:
        """An outcome whose data can be kept: what was done is done, even if that is not."""
        if outcome.data == {}:
            return outcome
        try:
            as_data(outcome.data)
        except (TypeError, ValueError) as error:
            self._emit("trouble", run.task, note=f"its data is no JSON, and is left out: {error}")
            return replace(outcome, data={})
        return outcome

    def _decide(self, task: Task, outcome: Outcome) -> Decision:
        decision: Decision
        try:
            policy = self._plugins.policy(str(task.options.get("policy") or default_policy(task)))
            decision = self._plugins.manager.hook.jobs_decide(task=task, outcome=outcome, policy=policy)
            check_decision(decision)
        except BaseException as error:
            self._emit("trouble", task, note=f"its policy failed: {described(error)}")
            return Decision.dead()
        return decision

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
        unfinished = [run for run in self._runs if run not in self._reports]
        for run in unfinished:
            run.context.cancelled.set()
        self._drain(time.monotonic() + (GRACE if self._stops == 1 else 1.0), stops=2)
        self._give_back()
        return "drained" if self._stops == 1 else "at once"

    def _drain(self, deadline: float, *, stops: int) -> None:
        while self._runs and self._stops <= stops and time.monotonic() < deadline:
            self._step(take=False)

    def _give_back(self) -> None:
        self._reports = [run for run in self._runs if run.task.token and not run.lost]
        self._exchange(take=False)

    def _trouble(self, note: str) -> None:
        if not self._troubled:
            self._emit("trouble", note=note)
        self._troubled = True

    def _on_signal(self, number: int, frame: Any) -> None:
        self.stop()
