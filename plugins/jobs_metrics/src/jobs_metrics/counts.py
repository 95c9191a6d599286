"""What a worker counts: how its tasks ended, how long they took, and how late they started."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from jobs_core import Event, Task, WorkerInfo, __version__
from jobs_metrics.labels import PAIRS, Bounded

BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)
"""The upper bounds of histograms in seconds, from what a function takes to what a nightly report takes."""

OUTCOMES = frozenset(("done", "dead", "cancelled", "unleased"))
"""How a task ends, in the words of the ledger. Whatever else happens to a task is an event."""

DECISIONS = {"done": "done", "dead": "dead", "retry": "retried", "release": "released"}
REPORTS = {
    "task.cancelled": "cancelled",
    "task.released": "released",
    "task.accepted": "accepted",
    "task.stale": "stale",
}
"""What a decision makes of a task, and what events say that come without one, in the same words."""

PAIR = ("board", "runner", "queue")


class Counts:
    """Counts the events of a worker in a registry of its own."""

    def __init__(self, worker: WorkerInfo) -> None:
        self.registry = CollectorRegistry()
        self._only_board = worker.board if len(worker.boards) == 1 else ""
        self._pairs = Bounded(PAIRS)
        self._tasks = self._counter("jobs_tasks", "Tasks that this worker ended.", *PAIR, "outcome")
        self._events = self._counter(
            "jobs_task_events", "What else happened to tasks on this worker.", *PAIR, "event"
        )
        self._durations = self._histogram(
            "jobs_task_duration_seconds", "How long the attempts took that ended on this worker."
        )
        self._lateness = self._histogram(
            "jobs_start_lateness_seconds", "How long after a task was due its first attempt started here."
        )
        self._troubles = self._counter("jobs_troubles", "Problems that this worker reported.", "board")
        self._begin_at_zero(worker)
        self._describe(worker)

    def count(self, event: Event) -> None:
        """Count an event."""
        if event.kind == "trouble":
            self._troubles.labels(event.board or self._only_board).inc()
        elif event.task is not None:
            self._count_task(event, event.task)

    def _count_task(self, event: Event, task: Task) -> None:
        pair = self._labels(event.board or self._only_board, task.runner, task.queue)
        if event.kind == "task.started":
            self._events.labels(*pair, "started").inc()
            if task.attempt == 1:
                self._lateness.labels(*pair).observe(max(0.0, event.time - task.due))
        elif event.kind == "task.finished" and "seconds" in event.data:
            self._durations.labels(*pair).observe(event.data["seconds"])
        if word := word_for(event, task):
            (self._tasks if word in OUTCOMES else self._events).labels(*pair, word).inc()

    def _labels(self, board: str, runner: str, queue: str) -> tuple[str, ...]:
        return board, *self._pairs.labels(runner, queue)

    def _begin_at_zero(self, worker: WorkerInfo) -> None:
        """Show that there were none yet, so that rates see the first one."""
        for board in worker.boards:
            self._troubles.labels(board)
            for runner in worker.runners:
                for outcome in sorted(OUTCOMES):
                    self._tasks.labels(*self._labels(board, runner, runner), outcome)

    def _describe(self, worker: WorkerInfo) -> None:
        """Add what does not change, and the process as the operating system sees it."""
        slots = Gauge(
            "jobs_worker_concurrency",
            "Tasks that this worker holds at most, in all of its boards together.",
            ("board",),
            registry=self.registry,
        )
        info = Info("jobs_worker", "This worker.", ("board",), registry=self.registry)
        for board in worker.boards:
            slots.labels(board).set(worker.concurrency)
            info.labels(board).info({"worker": worker.name})
        build = Info("jobs_build", "The version of Jobs.", registry=self.registry)
        build.info({"version": __version__})
        ProcessCollector(registry=self.registry)

    def _counter(self, name: str, summary: str, *labels: str) -> Counter:
        return Counter(name, summary, labels, registry=self.registry)

    def _histogram(self, name: str, summary: str) -> Histogram:
        return Histogram(name, summary, PAIR, unit="seconds", registry=self.registry, buckets=BUCKETS)


def word_for(event: Event, task: Task) -> str | None:
    """Return what an event makes of its task, in the words of the ledger; None if the task goes on."""
    if event.kind in REPORTS:
        return REPORTS[event.kind] if task.token else "unleased"
    if event.kind not in ("task.finished", "task.lost"):
        return None
    if not task.token:
        return "unleased"
    if event.decision is None:
        return "failed"  # the worker that takes it next decides
    verb = event.decision.verb
    if "seconds" not in event.data:  # about the attempt before, which another worker began
        if verb == "retry" and not event.decision.delay:
            return None  # the next attempt starts at once
        verb = "retry" if verb == "release" else verb
    return DECISIONS[verb]
