"""Exchanges of a worker with Redis: it reports tasks and takes new ones in one round trip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby, islice
from math import inf
from typing import Any

from jobs_core.engine import bulk
from jobs_core.engine.calls import pop_call
from jobs_core.engine.commands import Commands
from jobs_core.engine.together import BoardCall, Together
from jobs_core.engine.wire import pack, read_replies
from jobs_core.errors import AgainError, JobsError, LayoutError, ServerError, UnconfirmedError
from jobs_core.lease import lease_clock
from jobs_core.worker.run import Run
from jobs_core.worker.served import Served


@dataclass(slots=True)
class Answer:
    """The replies to one exchange.

    `reported` has each reported run with its reply. `taken` has tasks in the form `as_task` reads, with their
    board, and when they were asked for, in seconds of `lease_clock`: long ago if they must not start, because
    replicas have not confirmed that they were taken. `more` tells of each board that was asked for tasks
    whether it may hold more, and `troubles` has errors that are worth a retry.
    """

    reported: list[tuple[Run, Any]] = field(default_factory=list)
    taken: list[tuple[Served, Any, float]] = field(default_factory=list)
    more: dict[Served, bool] = field(default_factory=dict)
    troubles: dict[Served, JobsError] = field(default_factory=dict)


class Exchange:
    """Sends reports and takes tasks in one round trip. The worker continues while Redis works.

    One exchange is in flight at a time, for all boards that share connections. A report is kept until Redis
    has replied to it, and is sent again if the connection breaks. If Redis had received it, it rejects the
    second one as stale.
    """

    def __init__(self, commands: Commands, lease: float, worker: str) -> None:
        self.reports: list[Run] = []
        """The runs to report, in the order they ended."""
        self.asked: list[Served] = []
        """The boards that the last exchange asked for tasks."""
        self._commands = commands
        self._lease = lease
        self._worker = worker
        self._checkout: ExitStack | None = None  # returns the connection to the pool
        self._connection: Any = None
        self._together = Together(())
        self._sent: list[Run] = []
        self._sizes: list[int] = []  # reports in each call
        self._rooms: list[int] = []
        self._looks: Sequence[Served] = ()
        self._tokens = 0  # calls that take wake tokens
        self._sent_at = 0.0

    @property
    def is_under_way(self) -> bool:
        """Whether an exchange was sent and its reply was not read."""
        return self._checkout is not None

    def send(
        self, most: int | None, pops: Iterable[tuple[Served, int]], looks: Sequence[Served] = ()
    ) -> None:
        """Send reports, and take tasks. Raises FaultError.

        Args:
            most: How many reports to send: the first ones. None also sends those of boards that are paused.
            pops: The boards to take tasks from, and how many.
            looks: The boards whose wake tokens to look for.
        """
        self._choose_reports(most)
        calls: list[BoardCall] = []
        self._sizes = []
        for served, runs in groupby(self._sent, key=lambda run: run.served):
            for call, members in bulk.group_calls("JMACK")((run.report() for run in runs), 1):
                calls.append((served.commands, call))
                self._sizes.append(len(members))
        raw = [("EXISTS", *served.wake_keys) for served in looks]
        self.asked, self._rooms, self._looks = [], [], looks
        for served, room in pops:
            served.queues.rotate()  # a busy queue must not starve the others
            calls.append((served.commands, pop_call(served.queues, room, self._lease, self._worker)))
            self.asked.append(served)
            self._rooms.append(room)
            if served.has_token:
                raw.append(("DEL", *served.wake_keys))
                served.has_token = False
        self._tokens = len(raw) - len(looks)
        if calls or raw:
            self._send(raw, calls)

    def _choose_reports(self, most: int | None) -> None:
        """Choose the reports to send: of boards that are not paused, those of each board side by side."""
        if most is None:
            chosen, self.reports = self.reports, []
        else:
            waiting = [run for run in self.reports if run.served.pause_left]
            ready = [run for run in self.reports if not run.served.pause_left] if waiting else self.reports
            chosen, self.reports = ready[:most], ready[most:] + waiting
        self._sent = sorted(chosen, key=lambda run: id(run.served))  # stable: in the order they ended

    def _send(self, raw: Sequence[tuple[Any, ...]], calls: Sequence[BoardCall]) -> None:
        self._together = Together(calls)
        self._sent_at = lease_clock()
        try:
            with ExitStack() as checkout:
                self._connection = checkout.enter_context(self._commands.connection())
                if raw:
                    self._connection.send_packed_command(pack(self._connection, raw))
                self._together.send(self._connection)
                self._checkout = checkout.pop_all()
        except BaseException:
            self._requeue_reports()
            raise

    def receive(self) -> Answer:
        """Wait for the reply to the exchange, and read it. Raises FaultError."""
        assert self._checkout is not None
        checkout, self._checkout = self._checkout, None
        try:
            with checkout:
                found = read_replies(self._connection, self._looks)
                read_replies(self._connection, range(self._tokens))
                replies = self._together.receive(self._connection)
        except BaseException:
            self._requeue_reports()
            raise
        for served, tokens in zip(self._looks, found, strict=True):
            served.has_token = isinstance(tokens, int) and tokens > 0
            served.may_have_tasks |= served.has_token
        answer = Answer()
        self._read_taken(replies[len(self._sizes) :], answer)
        self._read_reported(replies[: len(self._sizes)], answer)
        return answer

    def close(self) -> None:
        """Close the connection if an exchange is in flight."""
        if self._checkout is not None:
            checkout, self._checkout = self._checkout, None
            self._connection.disconnect()
            checkout.close()

    def _requeue_reports(self) -> None:
        """Queue the reports again that Redis may not have received."""
        self.reports = self._sent + self.reports
        self._sent = []

    def _read_taken(self, replies: Iterable[Any], answer: Answer) -> None:
        for served, room, reply in zip(self.asked, self._rooms, replies, strict=True):
            sent = self._sent_at
            if isinstance(reply, UnconfirmedError):
                answer.troubles[served], sent = reply, -inf
                # What has no lease cannot be given back: it may have run, as far as a promoted replica knows.
                pairs: Any = reply.reply
                reply = pairs if isinstance(pairs, JobsError) else [pair for pair in pairs if pair[0]]
            if isinstance(reply, JobsError):
                answer.troubles[served] = reply
            else:
                answer.taken += [(served, pair, sent) for pair in reply]
                answer.more[served] = len(reply) == room

    def _read_reported(self, replies: Iterable[Any], answer: Answer) -> None:
        """Pair runs with their replies. Reports that the board could not accept are queued again."""
        sent, self._sent = iter(self._sent), []
        again = []
        for reply, size in zip(replies, self._sizes, strict=True):
            runs = list(islice(sent, size))
            if isinstance(reply, UnconfirmedError):  # if a failover undoes the report, the task runs again
                answer.troubles[runs[0].served] = reply
                reply = reply.reply
            for run, one in zip(runs, bulk.expand_reply(reply, size), strict=True):
                if isinstance(one, ServerError | AgainError | LayoutError):
                    again.append(run)
                    answer.troubles[run.served] = one
                else:
                    answer.reported.append((run, one))
        self.reports = again + self.reports
