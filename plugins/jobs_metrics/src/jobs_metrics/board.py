"""The metrics of a whole board. They cost a few calls, however large the board is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from prometheus_client.metrics_core import Metric

from jobs_metrics.families import Families, Samples, build_info
from jobs_metrics.labels import OTHER, QUEUES

if TYPE_CHECKING:
    from jobs_core import Board, Top, WaitingQueue

ROWS = 100
"""Queues that a look at a board reads at most."""

WORKER_STATES = ("serving", "draining", "silent", "unknown")

EVENTS = (
    *("pushed", "backfilled", "leased", "retried", "failed", "lost", "released", "revived"),
    *("purged", "trimmed", "stale"),
)
"""Counters of the ledger that only grow. `doubled` is taken back for a task that did not start."""

SKIPPED = "skipped:"
"""How the counters of skipped occurrences begin, before the reason."""

REASONS = ("late", "overlap", "full", "parents", "paused", "changed", "removed", "unreadable")
"""Why occurrences are skipped. They are counted from 0 on, so that rates see the first one."""


def read_board(board: Board) -> Iterator[Metric]:
    """Yield the metrics of a board. Raises the errors of its methods."""
    top, stats, workers = board.top(ROWS), board.stats(), list(board.workers())
    families = Families(board.name)
    yield build_info()
    yield from ledger_metrics(families, stats)
    yield from task_metrics(families, top, stats)
    yield from job_metrics(families, top)
    yield from queue_metrics(families, top, served_by(workers))
    yield from worker_metrics(families, workers)


def ledger_metrics(families: Families, stats: Mapping[str, int]) -> Iterator[Metric]:
    """Yield what the ledger counts, and whether it adds up."""
    yield families.counters(
        "jobs_occurrences",
        "Occurrences that were due, pushes included: queued, or why they were not.",
        ("outcome", "reason"),
        occurrences(stats),
    )
    yield families.counters(
        "jobs_ledger_tasks", "Tasks that ended on any worker.", ("outcome",), endings(stats)
    )
    yield families.counters(
        "jobs_ledger_events",
        "What else happened to tasks.",
        ("event",),
        (((name,), stats[name]) for name in EVENTS),
    )
    yield families.gauges(
        "jobs_ledger_imbalance",
        "How much a sum of the ledger is off. Always 0, unless Jobs has a bug.",
        ("sum",),
        imbalance(stats),
    )


def occurrences(stats: Mapping[str, int]) -> Samples:
    """Yield how many occurrences were queued, coalesced, and skipped for each reason.

    What was skipped before the ledger knew reasons has the reason `unknown`.
    """
    counted = {name.removeprefix(SKIPPED): n for name, n in stats.items() if name.startswith(SKIPPED)}
    reasons = dict.fromkeys(REASONS, 0) | counted
    yield ("queued", ""), stats["queued"]
    yield ("coalesced", "late"), stats["coalesced"]
    for reason, n in reasons.items():
        yield ("skipped", reason), n
    if unknown := stats["skipped"] - sum(reasons.values()):
        yield ("skipped", "unknown"), unknown


def endings(stats: Mapping[str, int]) -> Samples:
    """Yield how many tasks ended in each way. Revived dead letters stay counted: no counter falls."""
    for outcome in ("done", "cancelled", "unleased"):
        yield (outcome,), stats[outcome]
    yield ("dead",), stats["dead"] + stats["revived"]


def imbalance(stats: Mapping[str, int]) -> Samples:
    """Yield how much larger each total is than its parts."""
    ended = sum(stats[name] for name in ("done", "dead", "cancelled", "unleased", "in_flight"))
    yield ("due",), stats["due"] - sum(stats[name] for name in ("queued", "coalesced", "skipped"))
    yield ("queued",), stats["queued"] - ended


def task_metrics(families: Families, top: Top, stats: Mapping[str, int]) -> Iterator[Metric]:
    """Yield where tasks are."""
    states = {"queued": top.queued, "held": top.held, "delayed": top.delayed, "leased": top.leased}
    yield families.gauges(
        "jobs_open_tasks",
        "Tasks that have not ended, by where they are.",
        ("state",),
        (((state,), n) for state, n in states.items()),
    )
    yield families.gauge("jobs_dead_letters", "Dead letters that are kept.", top.dead)
    waiting = stats["waiting"]
    yield families.gauge("jobs_waiting_occurrences", "Occurrences that wait for other jobs.", waiting)


def job_metrics(families: Families, top: Top) -> Iterator[Metric]:
    """Yield how many jobs there are, and how late the board is."""
    yield families.gauge("jobs_jobs", "Jobs on the board.", top.jobs)
    yield families.gauge("jobs_scheduled_jobs", "Jobs that have a next run.", top.scheduled)
    yield families.gauge("jobs_failing_jobs", "Jobs whose last run died.", top.failing)
    yield families.gauge("jobs_overdue_jobs", "Jobs that are due, but not queued yet.", top.overdue)
    summary = "How long ago the first job was due that is not queued yet; 0 if there is none."
    yield families.gauge("jobs_overdue_seconds", summary, top.late)
    age = None if top.ticked is None else max(0.0, round(top.time - top.ticked, 3))
    summary = "How long ago somebody ticked. Up to 10 on an idle board. Missing if nobody ever has."
    yield families.gauge("jobs_tick_age_seconds", summary, age)


def served_by(workers: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """Return how many living workers serve each queue."""
    living = (worker for worker in workers if worker["state"] != "silent")
    return Counter(queue for worker in living for queue in worker["queues"])


def queue_metrics(families: Families, top: Top, served: Mapping[str, int]) -> Iterator[Metric]:
    """Yield how much waits in queues, for how long, and who serves them.

    The longest queues have metrics of their own. `other` has what waits in all others.
    """
    seen = {queue.queue: queue for queue in top.waiting_queues}
    names = list(dict.fromkeys((*seen, *sorted(served))))[:QUEUES]
    lengths = {name: seen[name].length if name in seen else 0 for name in names}
    ages = {name: waited(top, seen.get(name)) for name in names}
    if rest := top.queued - sum(lengths.values()):
        lengths[OTHER] = lengths.get(OTHER, 0) + rest
    yield families.gauges("jobs_queue_tasks", "Tasks that wait in a queue.", ("queue",), by_label(lengths))
    yield families.gauges(
        "jobs_queue_oldest_seconds",
        "How long ago the next task of a queue was due; 0 if none waits.",
        ("queue",),
        by_label({name: age for name, age in ages.items() if age is not None}),
    )
    yield families.gauges(
        "jobs_queue_workers",
        "Living workers that serve a queue.",
        ("queue",),
        by_label({name: served.get(name, 0) for name in names}),
    )


def waited(top: Top, queue: WaitingQueue | None) -> float | None:
    """Return how many seconds ago the next task of a queue was due; None if it was not read."""
    if queue is None or not queue.length:
        return 0.0
    return None if queue.oldest is None else max(0.0, round(top.time - queue.oldest, 3))


def by_label(numbers: Mapping[str, float]) -> Samples:
    """Yield samples with one label."""
    return (((name,), number) for name, number in numbers.items())


def worker_metrics(families: Families, workers: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    """Yield how many workers there are, and how much they can run."""
    states = Counter(worker["state"] for worker in workers)
    yield families.gauges(
        "jobs_workers",
        "Workers by state. Silent ones have not reported for 30 seconds.",
        ("state",),
        (((state,), states[state]) for state in WORKER_STATES),
    )
    serving = sum(worker.get("concurrency", 0) for worker in workers if worker["state"] == "serving")
    yield families.gauge("jobs_slots", "Tasks that all serving workers can hold at once.", serving)
