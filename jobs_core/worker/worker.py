"""The worker loop: take tasks under leases, run them, renew the leases, report the outcomes."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from jobs_core.client.board import BoardClient
from jobs_core.contract import Logger, Runner, WorkerInfo
from jobs_core.engine.replies import as_task
from jobs_core.errors import FaultError, JobsError, StaleError
from jobs_core.plugins.payloads import prepare_schemas
from jobs_core.worker.background import in_background
from jobs_core.worker.deadlines import Deadlines
from jobs_core.worker.events import Events
from jobs_core.worker.exchange import Answer
from jobs_core.worker.executor import Executor
from jobs_core.worker.inline import Inline
from jobs_core.worker.link import Link, Message
from jobs_core.worker.options import check_options, unique_name
from jobs_core.worker.run import GRACE, RETURN_DELAY, Run
from jobs_core.worker.served import Served, by_connections, on_boards, share_slots
from jobs_core.worker.shortage import Shortage, raise_file_limit
from jobs_core.worker.signals import on_end_signals
from jobs_core.worker.starter import Starter
from jobs_core.worker.threads import Threads

STALE = "its lease was lost, or it was already reported: the report was rejected"

FEW = 10
"""Reports in one exchange, even if the worker holds few tasks. Smaller exchanges cost more."""


class Worker:
    """Serves runners on a board, or on several, until it is stopped.

    Args:
        board: The board to serve, or several. They share the slots of the worker evenly. Boards of one server
            should share a client, which needs fewer connections and threads.
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
    >>> Worker([board, Board("mail", client=board.client)], [runner]).run_until_signal()
    """

    def __init__(
        self,
        board: BoardClient | Sequence[BoardClient],
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
        self.boards = (board,) if isinstance(board, BoardClient) else tuple(board)
        groups = by_connections(self.boards)
        self.name = "-".join((unique_name() if name is None else name).split())
        self.runners = {runner.name: runner for runner in runners}
        self.queues = tuple(dict.fromkeys((*self.runners, *queues)))
        check_options(self.name, self.queues, lease, drain)
        self.concurrency = concurrency
        self._share = max((concurrency + 1) // 2, min(concurrency, FEW))
        self.drain = drain
        plugins = self.boards[0].plugins
        names = tuple(one.name for one in self.boards)
        settings = plugins.settings()
        served = ",".join(names)
        info = WorkerInfo(self.name, served, tuple(self.runners), concurrency, settings, boards=names)
        self._events = Events(info, loggers, plugins)
        self.info = self._events.worker
        self._emit = self._events.emit
        self._inbox: queue.SimpleQueue[Run | Message | None] = queue.SimpleQueue()
        self._runs: set[Run] = set()
        self._shortage = Shortage(concurrency, self._events.trouble)
        self._suspect: Run | None = None  # the one run among them that may be killing workers
        self._executor = Executor(self.runners, plugins, self._events)
        self._threads = Threads(self._executor.execute, self._inbox.put)
        self._inline = Inline(self._executor.execute, self._handle_ended, self._report_trouble)
        self._deadlines = Deadlines(self._runs, self._report_trouble)
        self._ticked: set[int] = set()  # the links that have ticked since the last event about it
        self._links = [
            Link(
                parts,
                self._events,
                self._runs,
                is_only=sum(map(len, groups)) == 1,
                queues=self.queues,
                lease=lease,
                tick=tick,
                on_tick=partial(self._note_tick, number),
                has_unique_name=name is None,
                has_room=self._has_room,
                send_message=self._inbox.put,
            )
            for number, parts in enumerate(groups)
        ]
        self._link_of = {one: link for link in self._links for one in link.boards}
        self._line = deque(self._link_of)  # the boards, in the order in which they get free slots
        self._starters = {
            one: Starter(self.info, one, self.runners, self._events.of_board(one.name), lease)
            for one in self._line
        }
        self._stops = 0

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
        for board in self.boards:
            board.refresh_zones()
        self._events.open()
        prepare_schemas(self.runners.values())
        try:
            self._begin_presence()
            self._emit(
                "worker.started", note=f"serving {', '.join(self.queues)}{on_boards(self.info.boards)}"
            )
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

    def _begin_presence(self) -> None:
        """Register the worker on all its boards, or on none if one of them rejects it."""
        try:
            for link in self._links:
                link.presence.begin()
        except BaseException:
            for link in self._links:
                link.presence.end()
            raise

    def _serve_until_stopped(self) -> str:
        """Take tasks until `stop`, then drain. Returns how the worker ended."""
        if not all(runner.inline for runner in self.runners.values()):
            self._threads.start(self.concurrency)
        parts = [part for link in self._links for part in link.parts]
        try:
            with in_background(self._deadlines, *parts):
                while not self._stops:
                    self._step(take=True)
                return self._end()
        finally:
            for link in self._links:
                link.close()
            self._threads.stop()

    def _note_tick(self, link: int) -> None:
        """Tell that ticks have succeeded, once those of all links have."""
        self._ticked.add(link)
        if len(self._ticked) == len(self._links):
            self._ticked.clear()
            self._events.note_tick()

    # The loop: one thread exchanges tasks with Redis, and blocks on its inbox

    def _step(self, *, take: bool) -> None:
        """Wait for something to happen, then report, take, and start the taken tasks.

        Send the next exchanges before handling the last answers, so that Redis works in parallel.
        """
        answers = self._wait(take)
        self._collect()
        for link in self._links:
            link.presence.renew(self._runs, is_draining=self._stops > 0)
            if link.has_orphans:
                self._handle_answers(answers)
                answers = []
                link.release_orphans()
        self._send(answers, take)
        self._handle_answers(answers)
        self._begin_suspect()
        self._inline.work()
        if take and self._has_room():
            for link in self._links:
                link.arm()

    def _wait(self, take: bool) -> list[Answer]:
        """Wait for Redis if exchanges are in flight, or else for the inbox. Returns the answers of Redis."""
        waiting = [link for link in self._links if link.exchange.is_under_way]
        if waiting:
            return [answer for link in waiting if (answer := link.receive())]
        if patience := self._patience(take):
            with suppress(queue.Empty):
                self._handle_message(self._inbox.get(timeout=patience))
        return []

    def _patience(self, take: bool) -> float:
        """Return for how many seconds to wait for the inbox."""
        if self._inline:
            return 0.0
        has_room = take and self._free_slots() > 0
        return min(link.idle_seconds(has_room=has_room) for link in self._links)

    def _collect(self) -> None:
        """Handle the messages that threads, the wakers and the listeners have put in the inbox."""
        while not self._inbox.empty():
            self._handle_message(self._inbox.get())

    def _handle_message(self, message: Run | Message | None) -> None:
        if isinstance(message, Run):
            self._handle_ended(message)
        elif message is not None:
            message()

    def _handle_ended(self, run: Run) -> None:
        if run.shortage:
            self._shortage.begin(run.shortage, sum(one.is_running for one in self._runs))
        if run.task.token:
            self._report(run)
        else:
            self._handle_reported(run, None)  # an at-most-once task has no report

    # Exchanges with Redis

    def _report(self, run: Run) -> None:
        self._link_of[run.served].exchange.reports.append(run)

    def _has_room(self) -> bool:
        return len(self._runs) < self._shortage.capacity()

    def _free_slots(self) -> int:
        """Return how many more tasks the worker can hold after the next exchanges."""
        reports = sum(min(self._share, len(link.exchange.reports)) for link in self._links)
        return self._shortage.capacity() - len(self._runs) + reports

    def _send(self, answers: Sequence[Answer], take: bool) -> None:
        """Report ended runs, and take as many tasks as fit beside those in the answers."""
        pops: dict[Link, list[tuple[Served, int]]] = {link: [] for link in self._links}
        if take:
            room = self._free_slots() - sum(len(answer.taken) for answer in answers)
            for served, count in share_slots(room, self._line):
                pops[self._link_of[served]].append((served, count))
        for link, own in pops.items():
            link.send(self._share, own, look=take)

    def _handle_answers(self, answers: Iterable[Answer | None]) -> None:
        """Emit events for the reports, and start the taken tasks."""
        for answer in filter(None, answers):
            for run, reply in answer.reported:
                self._handle_reported(run, reply)
            for served, pair, sent in answer.taken:
                self._take(served, pair, sent)

    def _handle_reported(self, run: Run, reply: Any) -> None:
        self._runs.discard(run)
        if run is self._suspect:
            self._suspect = None
        emit = partial(self._emit, board=run.served.name, trace=run.context.trace)
        if isinstance(reply, StaleError):
            emit("task.stale", run.task, note=STALE)
        elif isinstance(reply, JobsError):
            emit("trouble", run.task, note=str(reply))
        elif self._events.are_wanted(run.task) and (kind := run.kind()):
            seconds = round(time.monotonic() - run.started, 6)
            if kind == "task.released":
                emit(kind, run.task, seconds=seconds, note=run.why_released())
            else:
                emit(kind, run.task, run.outcome, run.decision, seconds=seconds)

    # Tasks

    def _take(self, served: Served, pair: Sequence[str], sent: float) -> None:
        """Start a task that Redis returned. Report an unreadable record, so that Redis sets it aside."""
        try:
            task = as_task(pair)
        except FaultError as error:
            self._emit("trouble", board=served.name, note=str(error))
            with suppress(JobsError):
                served.board.ack(pair[0], "dead")
        else:
            self._start(self._starters[served].new_run(task, sent))

    def _start(self, run: Run) -> None:
        """Start a run. Return it if the worker is stopping or lacks the runner, or if Redis answered late."""
        self._runs.add(run)
        self._link_of[run.served].leases.watch(run)
        self._deadlines.watch(run)
        lacks_runner = self._starters[run.served].lacks_runner
        if (self._stops and run.task.token) or run.is_unproven or lacks_runner(run):
            self._report(run)
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
            self._report(run)

    def _begin_suspect(self) -> None:
        """Start the suspect after all reports are sent, so that a crash loses none."""
        if self._suspect is None or self._suspect.begun or self._stops:
            return
        while link := next((one for one in self._links if one.can_report), None):
            if not link.exchange.is_under_way:
                link.send(self._share, ())
            if link.exchange.is_under_way:
                self._handle_answers([link.receive()])
        if not any(link.exchange.reports for link in self._links):
            self._begin(self._suspect)

    def _begin(self, run: Run) -> None:
        run.begun = True
        runner = self.runners.get(run.task.runner)
        if runner is None or runner.inline:
            self._inline.put(run)
        else:
            self._threads.put(run)

    def _report_trouble(self, run: Run, note: str) -> None:
        self._emit("trouble", run.task, board=run.served.name, trace=run.context.trace, note=note)

    # The end

    def _end(self) -> str:
        """Drain, then return unfinished tasks. Returns the reason for the event."""
        for link in self._links:
            link.waker.stop()
        self._emit("worker.draining", note=f"{len(self._runs)} running; up to {self.drain:g} s")
        if self._suspect and not self._suspect.begun:
            self._report(self._suspect)
        self._drain(time.monotonic() + self.drain, stops=1)
        reported = {run for link in self._links for run in link.exchange.reports}
        for run in self._runs.difference(reported):
            run.tell_to_stop()
        for run in self._inline.take_releasable():
            self._report(run)
        self._drain(time.monotonic() + (GRACE if self._stops == 1 else 1.0), stops=2)
        for link in self._links:
            self._give_back(link)
        return "drained" if self._stops == 1 else "at once"

    def _drain(self, deadline: float, *, stops: int) -> None:
        links = self._links
        while (self._runs or any(link.exchange.is_under_way for link in links)) and self._stops <= stops:
            if time.monotonic() >= deadline:
                return
            self._step(take=False)

    def _give_back(self, link: Link) -> None:
        """Return what the worker still holds, over one link."""
        if link.exchange.is_under_way:
            self._handle_answers([link.receive()])
        link.exchange.reports = [
            run
            for run in self._runs
            if self._link_of[run.served] is link and run.task.token and run.may_give_back()
        ]
        link.send(None, ())
        if link.exchange.is_under_way:
            self._handle_answers([link.receive()])
