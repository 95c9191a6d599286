"""Exchanges of a worker with Redis: it reports tasks and takes new ones in one round trip."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import inf
from typing import Any

from jobs_core.engine import bulk
from jobs_core.engine.calls import pop_call
from jobs_core.engine.commands import Call, Commands
from jobs_core.errors import AgainError, JobsError, LayoutError, ServerError, UnconfirmedError
from jobs_core.lease import lease_clock
from jobs_core.worker.run import Run


@dataclass(slots=True)
class Answer:
    """The replies to one exchange.

    `reported` has each reported run with its reply. `taken` has tasks in the form `as_task` reads. `more`
    tells whether the queues may hold more tasks, and is None if none were requested. `trouble` is an error
    that is worth a retry. `sent` is when the exchange was sent, in seconds of `lease_clock`: long ago if the
    tasks must not start, because replicas have not confirmed that they were taken.
    """

    sent: float

    reported: list[tuple[Run, Any]] = field(default_factory=list)
    taken: list[Any] = field(default_factory=list)
    more: bool | None = None
    trouble: JobsError | None = None


class Exchange:
    """Sends reports and takes tasks in one round trip. The worker continues while Redis works.

    One exchange is in flight at a time. A report is kept until Redis has replied to it, and is sent again if
    the connection breaks. If Redis had received it, it rejects the second one as stale.
    """

    def __init__(self, commands: Commands, queues: Iterable[str], lease: float, worker: str) -> None:
        self.reports: list[Run] = []
        """The runs to report, in the order they ended."""
        self._commands = commands
        self._queues = deque(queues)
        self._lease = lease
        self._worker = worker
        self._checkout: ExitStack | None = None  # returns the connection to the pool
        self._connection: Any = None
        self._calls: list[Call] = []
        self._sent: list[Run] = []
        self._sizes: list[int] = []
        self._room = 0
        self._sent_at = 0.0

    @property
    def is_under_way(self) -> bool:
        """Whether an exchange was sent and its reply was not read."""
        return self._checkout is not None

    @property
    def asked_for_tasks(self) -> bool:
        """Whether the last exchange asked for tasks."""
        return self._room > 0

    def send(self, most: int | None, room: int) -> None:
        """Send the first `most` reports (all if None), and take up to `room` tasks. Raises FaultError."""
        count = len(self.reports) if most is None else most
        self._sent, self.reports = self.reports[:count], self.reports[count:]
        groups = list(bulk.group_calls("JMACK")(run.report() for run in self._sent))
        self._calls = [call for call, _ in groups]
        self._sizes = [len(members) for _, members in groups]
        self._room = room
        if room:
            self._queues.rotate()  # a busy queue must not starve the others
            self._calls.append(pop_call(self._queues, room, self._lease, self._worker))
        if self._calls:
            self._sent_at = lease_clock()
            try:
                with ExitStack() as checkout:
                    self._connection = checkout.enter_context(self._commands.connection())
                    self._commands.send(self._connection, self._calls)
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
                replies = self._commands.receive(self._connection, self._calls)
        except BaseException:
            self._requeue_reports()
            raise
        answer = Answer(self._sent_at)
        if self._room:
            self._read_taken(replies.pop(), answer)
        self._read_reported(replies, answer)
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

    def _read_taken(self, reply: Any, answer: Answer) -> None:
        if isinstance(reply, UnconfirmedError):
            answer.trouble, answer.sent = reply, -inf
            # What has no lease cannot be given back: it may have run, as far as a promoted replica knows.
            reply = [pair for pair in reply.reply if pair[0]]
        if isinstance(reply, JobsError):
            answer.trouble = reply
        else:
            answer.taken, answer.more = reply, len(reply) == self._room

    def _confirmed(self, reply: Any, answer: Answer) -> Any:
        """Return a reply, even an unconfirmed one: if a failover undoes the report, the task runs again."""
        if not isinstance(reply, UnconfirmedError):
            return reply
        answer.trouble = reply
        return reply.reply

    def _read_reported(self, replies: list[Any], answer: Answer) -> None:
        """Pair runs with their replies. Reports that the board could not accept are queued again."""
        expanded = (
            one
            for reply, size in zip(replies, self._sizes, strict=True)
            for one in bulk.expand_reply(self._confirmed(reply, answer), size)
        )
        sent, self._sent = self._sent, []
        again = []
        for run, reply in zip(sent, expanded, strict=True):
            if isinstance(reply, ServerError | AgainError | LayoutError):
                again.append(run)
                answer.trouble = reply
            else:
                answer.reported.append((run, reply))
        self.reports = again + self.reports
