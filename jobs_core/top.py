"""A look at a board: what runs, what waits, and who works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A task in the hands of a worker. Times are in epoch seconds; None is unknown.

    Args:
        task: The task's id.
        job: The id of its job.
        state: `leased`, or `accepted` if the work goes on elsewhere.
        until: When its lease ends.
        since: When the attempt began.
        worker: Who runs it.
        runner: The name of its runner.
        queue: The queue it came from.
        attempt: The number of the attempt.
        timeout: How many seconds the attempt may take.
        progress: In percent, as last reported.
        note: What was last reported.
    """

    task: str
    job: str
    state: str
    until: float
    since: float | None = None
    worker: str | None = None
    runner: str | None = None
    queue: str | None = None
    attempt: int | None = None
    timeout: float | None = None
    progress: float | None = None
    note: str | None = None

    @property
    def ends(self) -> float | None:
        """When the attempt times out. None without a timeout."""
        return None if self.since is None or self.timeout is None else self.since + self.timeout


@dataclass(frozen=True, slots=True)
class WaitingQueue:
    """A queue, how many tasks wait in it, and when the next one was due (epoch seconds)."""

    queue: str
    length: int
    oldest: float | None = None


@dataclass(frozen=True, slots=True)
class Top:
    """A board at one moment, as `Board.top` returns it. Times are in epoch seconds.

    Args:
        time: The moment, by Redis's clock.
        jobs: How many jobs there are.
        scheduled: How many of them have a next run.
        overdue: How many are due, but not queued yet.
        overdue_since: When the first of these was due. None if none is overdue.
        failing: How many jobs' last runs failed.
        queued: How many tasks wait in queues.
        held: How many tasks wait for a limit.
        delayed: How many tasks wait for their time.
        leased: How many tasks run.
        dead: How many dead letters there are.
        queues: How many queues there are.
        workers: How many workers were seen lately.
        partial: Whether there are too many queues or limits to count all their tasks.
        ticked: When somebody ticked last: to the second while tasks run, else to 10 seconds. None if nobody
            has.
        ledger: Counters since the board was made: due, queued, coalesced, skipped, done, dead, cancelled,
            unleased, retried, failed and lost.
        running_tasks: Those whose leases end first.
        waiting_queues: The longest queues.
        seen_workers: Workers, as `Board.workers` yields them.
    """

    time: float
    jobs: int
    scheduled: int
    overdue: int
    failing: int
    queued: int
    held: int
    delayed: int
    leased: int
    dead: int
    queues: int
    workers: int
    ledger: Mapping[str, int]
    running_tasks: tuple[RunningTask, ...] = ()
    waiting_queues: tuple[WaitingQueue, ...] = ()
    seen_workers: tuple[Mapping[str, Any], ...] = ()
    overdue_since: float | None = None
    partial: bool = False
    ticked: float | None = None

    @property
    def late(self) -> float:
        """Seconds since the first overdue job was due, or 0."""
        return 0.0 if self.overdue_since is None else round(max(0.0, self.time - self.overdue_since), 3)

    @property
    def waited(self) -> float:
        """Seconds since the first of the queued tasks was due, or 0. Only queues that are shown count."""
        dues = [queue.oldest for queue in self.waiting_queues if queue.oldest is not None]
        return round(max(0.0, self.time - min(dues)), 3) if dues else 0.0

    def rates_since(self, earlier: Top) -> dict[str, float]:
        """Return how much each counter of the ledger has grown per second since an earlier look.

        All are 0 if that look is not earlier.

        >>> board.top().rates_since(before)["done"]
        11.5
        """
        seconds = self.time - earlier.time
        grown = {name: count - earlier.ledger.get(name, 0) for name, count in self.ledger.items()}
        return {name: max(0.0, n / seconds) if seconds > 0 else 0.0 for name, n in grown.items()}
