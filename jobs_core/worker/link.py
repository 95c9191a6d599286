"""A worker's connections to one server, and what it does over them for its boards there."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from jobs_core.engine.outage import concerns_server
from jobs_core.errors import FaultError, JobsError
from jobs_core.worker import background
from jobs_core.worker.clock import LONGEST, Clock
from jobs_core.worker.events import Events
from jobs_core.worker.exchange import Answer, Exchange
from jobs_core.worker.leases import Leases, renewal_timeout
from jobs_core.worker.orphans import Orphans
from jobs_core.worker.presence import Presence
from jobs_core.worker.run import Run
from jobs_core.worker.served import Part, Served
from jobs_core.worker.wake import PAUSE, Listener, Waker

LOOKS = 10
"""Boards without tasks whose wake tokens a busy worker looks for in one exchange."""

LOOK_EVERY = 1.0
"""Seconds after which a worker without free slots looks for wake tokens, even if it has nothing to send."""

Message = Callable[[], object]
"""What a thread lets the worker's loop do."""


class Link:
    """The boards of a worker that share connections: exchanges with them, their clock, waking and leases.

    The boards of a cluster share none, since Redis blocks on the keys of one slot only.

    Args:
        parts: The boards, or partitions of boards.
        is_only: Whether the worker serves nothing else.
        events: The events of the worker.
        runs: All runs that the worker holds. What Redis has taken a report of is removed.
        queues: The queues that it serves.
        lease: Seconds for which to hold a task without a lease option.
        tick: Whether to tick.
        on_tick: Called after ticks of all these boards that succeeded.
        has_unique_name: Whether no other process has the worker's name.
        has_room: Whether the worker has room for a task.
        send_message: Lets the worker's loop call a function.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        events: Events,
        runs: set[Run],
        *,
        is_only: bool,
        queues: Sequence[str],
        lease: float,
        tick: bool,
        on_tick: Callable[[], None],
        has_unique_name: bool,
        has_room: Callable[[], bool],
        send_message: Callable[[Message], None],
    ) -> None:
        first, worker = parts[0].board, events.worker
        self._runs = runs
        commands = first.commands.with_timeout(patience=0)  # the loop itself tries again
        self._renewals = commands.with_timeout(renewal_timeout(first.client, lease), patience=0)
        names = list(dict.fromkeys(part.whole.name for part in parts))
        find_outage = events.outages.find
        self._outage = find_outage(names, commands.server, f"server of {first.keys.board}")
        self.boards = [
            Served(
                part.board,
                part.whole,
                commands if part.board is first else commands.for_board(part.board.commands),
                queues,
                find_outage(
                    [part.whole.name],
                    commands.server if len(worker.boards) == 1 else f"the board {part.whole.name!r}",
                    part.board.keys.board,
                ),
            )
            for part in parts
        ]
        self._looks: deque[Served] = deque(() if is_only else self.boards)
        self._look_at = 0.0
        self._failing: set[Served] = set()  # boards with trouble of their own
        self.exchange = Exchange(commands, lease, worker.name)
        self.presence = Presence(commands, self.boards, worker, queues, ticks=tick)
        self._orphans = {
            one: Orphans(one.board, worker.name, runs, has_unique_name=has_unique_name) for one in self.boards
        }
        self.leases = Leases(
            {
                one: self._renewals if one.board is first else self._renewals.for_board(one.board.commands)
                for one in self.boards
            },
            runs,
            lease,
        )
        self.clock: Clock | None = None
        if tick:
            self.clock = Clock(
                [one.commands for one in self.boards],
                outage=self._outage,
                board_outages=[one.outage for one in self.boards],
                deliver=[part.deliver for part in parts],
                on_tick=on_tick,
            )
        by_key = {key: one for one in self.boards for key in one.wake_keys}
        self.waker = Waker(
            commands,
            by_key,
            has_room,
            lambda keys: send_message(lambda: _note_tasks(by_key[key] for key in keys)),
        )
        inboxes = {one.board.keys.inbox(worker.name): one for one in self.boards}
        self._listener = Listener(
            commands, inboxes, lambda key, token: send_message(lambda: self._cancel(inboxes[key], token))
        )

    @property
    def parts(self) -> tuple[background.Part | None, ...]:
        """What runs in the background."""
        return self.leases, self.waker, self._listener, self.clock

    # Exchanges

    def idle_seconds(self, *, has_room: bool) -> float:
        """Return for how many seconds there is nothing to send, as far as is known."""
        waiting = {run.served for run in self.exchange.reports}
        if has_room:
            waiting.update(one for one in self.boards if one.may_have_tasks)
        return min((one.pause_left for one in waiting), default=LONGEST)

    @property
    def can_report(self) -> bool:
        """Whether reports wait that may be sent now, or for their reply."""
        reports = self.exchange.reports
        return self.exchange.is_under_way or any(not run.served.pause_left for run in reports)

    def send(self, most: int | None, pops: Sequence[tuple[Served, int]], *, look: bool = False) -> None:
        """Send reports, the first `most`, and take tasks. With `look`, also look for wake tokens.

        While a board is busy, the worker does not block on wake keys. So it looks at the other boards, or it
        would forget them.
        """
        try:
            self.exchange.send(most, pops, self._next_looks() if look else ())
        except FaultError as error:
            self._begin_trouble(error)

    def receive(self) -> Answer | None:
        """Read the answer of Redis. Returns None if the connection broke: the reports are then sent again."""
        try:
            answer = self.exchange.receive()
        except FaultError as error:
            self._begin_trouble(error)
            for served in self.exchange.asked:
                self._orphans[served].suspect()
            return None
        self._runs.difference_update(run for run, _ in answer.reported)
        for served, more in answer.more.items():
            served.may_have_tasks = more
        self._note_troubles(answer)
        return answer

    def _next_looks(self) -> list[Served]:
        """Return some boards to look at: those that seem to have no tasks take turns."""
        now = time.monotonic()
        is_idle = not self.exchange.reports and not any(one.may_have_tasks for one in self.boards)
        if not self._looks or self.waker.is_armed or (is_idle and now < self._look_at):
            return []
        self._look_at = now + LOOK_EVERY
        found = [one for one in self._looks if not one.may_have_tasks and not one.pause_left][:LOOKS]
        for one in found:
            self._looks.remove(one)
        self._looks.extend(found)
        return found

    # Trouble

    def _note_troubles(self, answer: Answer) -> None:
        """Note which boards Redis serves. If it serves none, that is trouble of the server."""
        for error in answer.troubles.values():
            if len(self.boards) == 1 or concerns_server(error):
                self._begin_trouble(error)
                return
        self._outage.end("worker")
        for served, error in answer.troubles.items():
            self._failing.add(served)
            served.pause(PAUSE)
            served.outage.begin("worker", error)
        if self._failing:
            served_now = {*answer.more, *(run.served for run, _ in answer.reported)} - answer.troubles.keys()
            for served in self._failing & served_now:
                self._failing.discard(served)
                served.outage.end("worker")

    def _begin_trouble(self, error: JobsError) -> None:
        for one in self.boards:
            one.pause(PAUSE)
        self._outage.begin("worker", error)

    @property
    def has_orphans(self) -> bool:
        """Whether to look for orphans now."""
        return any(found.are_possible and not one.pause_left for one, found in self._orphans.items())

    def release_orphans(self) -> None:
        """Return the tasks that the worker holds without knowing it to their queues."""
        for found in self._orphans.values():
            if found.are_possible:
                try:
                    found.release()
                except FaultError as error:
                    self._begin_trouble(error)
                    return

    # Waking

    def arm(self) -> None:
        """Block on the wake keys if there is nothing to take now. The worker must have room for a task."""
        if not self.exchange.is_under_way and not any(
            one.may_have_tasks and not one.pause_left for one in self.boards
        ):
            self.waker.arm()

    def _cancel(self, served: Served, token: str) -> None:
        """Stop the run with this token, because a user cancelled the task."""
        for run in self._runs:
            if run.task.token == token and run.served is served:
                run.cancel()

    # The end

    def close(self) -> None:
        """Close the connections of its own, and say that the worker has ended."""
        for one in self.boards:
            one.keeper.stop()
        self.exchange.close()
        self.presence.end()
        self._renewals.forget_connections()


def _note_tasks(boards: Iterable[Served]) -> None:
    for one in boards:
        one.may_have_tasks = True
