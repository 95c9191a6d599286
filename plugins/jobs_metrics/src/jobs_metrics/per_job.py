"""The metrics of single jobs, for those who ask for them: at most those of `JOBS` jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from prometheus_client.metrics_core import Metric

from jobs_core import AgainError, JobsError, NotFoundError
from jobs_metrics.families import Families, Samples
from jobs_metrics.labels import JOBS

if TYPE_CHECKING:
    from jobs_core import Board

SUMMARIES = 500
"""Jobs that one call summarizes."""


def read_jobs(board: Board) -> Iterator[Metric]:
    """Yield the metrics of the first jobs in the order of Redis. Raises the errors of the board's methods."""
    ids = tuple(islice(board.find(), JOBS))
    families = Families(board.name)
    summary = "Jobs that have no metrics of their own, because there are too many."
    yield families.gauge("jobs_left_out_jobs", summary, max(0, board.count()["jobs"] - len(ids)))
    yield families.counters(
        "jobs_job_tasks", "Tasks of a job that ended.", ("job", "outcome"), _endings(read_ledgers(board, ids))
    )
    yield from run_metrics(families, read_summaries(board, ids))


def read_ledgers(board: Board, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return the counters of jobs, by id. Jobs that are removed meanwhile are left out."""
    calls = [("JSTATS", ["job", id]) for id in ids]
    found = {}
    for id, call, reply in zip(ids, calls, board.commands.stream(calls), strict=True):
        if isinstance(reply, AgainError):  # a board file is being put in place
            reply = board.commands.call(call[0], *call[1])
        if isinstance(reply, NotFoundError):
            continue
        if isinstance(reply, JobsError):
            raise reply
        found[id] = dict(zip(reply[::2], reply[1::2], strict=True))
    return found


def read_summaries(board: Board, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return how the last runs of jobs ended, by id. Jobs that have not run are left out."""
    found = {}
    for first in range(0, len(ids), SUMMARIES):
        some = ids[first : first + SUMMARIES]
        for id, text in zip(some, board.commands.call("JSUMMARY", *some, "-", "only", "last"), strict=True):
            if text is not None:
                found[id] = json.loads(text)
    return found


def _endings(ledgers: Mapping[str, Mapping[str, int]]) -> Samples:
    for id, counted in ledgers.items():
        for outcome in ("done", "cancelled", "unleased"):
            yield (id, outcome), counted[outcome]
        yield (id, "dead"), counted["dead"] + counted["revived"]


def run_metrics(families: Families, summaries: Mapping[str, Mapping[str, Any]]) -> Iterator[Metric]:
    """Yield how the last runs of jobs ended."""

    def gauge(name: str, summary: str, value: Callable[[Mapping[str, Any]], float | None]) -> Metric:
        values = ((id, value(found)) for id, found in summaries.items())
        samples = (((id,), number) for id, number in values if number is not None)
        return families.gauges(name, summary, ("job",), samples)

    yield gauge(
        "jobs_job_failures", "Runs of a job in a row that have died.", lambda found: found["failures"]
    )
    yield gauge(
        "jobs_job_last_done_timestamp_seconds",
        "When a run of a job was last done.",
        lambda found: found.get("last_done"),
    )
    yield gauge(
        "jobs_job_last_end_timestamp_seconds",
        "When a run of a job last ended.",
        lambda found: found.get("last", {}).get("ended"),
    )
    yield gauge(
        "jobs_job_last_duration_seconds",
        "How long the last attempt of a job's last run took.",
        lambda found: _duration(found.get("last", {})),
    )


def _duration(run: Mapping[str, Any]) -> float | None:
    started, ended = run.get("started"), run.get("ended")
    return None if started is None or ended is None else max(0.0, round(ended - started, 3))
