"""The columns of `jobs list`: one function for each, which takes a job as `Board.list` yields it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs_core.cli.outcomes import outcome_color
from jobs_core.cli.table import Column
from jobs_core.wording import duration_text, from_now, last_text, schedule_text

Job = Mapping[str, Any]

STATE_COLORS = {"scheduled": "green", "waiting": "cyan", "paused": "yellow", "ended": "bright_black"}
"""The colors of states on a terminal. Others have none."""


@dataclass(frozen=True, slots=True)
class JobColumn:
    """A column, and the function that makes its cells."""

    column: Column
    cell: Callable[[Job], Any]


def _id(job: Job) -> str:
    return str(job["id"])


def _state(job: Job) -> str:
    return str(job["state"])


def _last(job: Job) -> str:
    return last_text(job.get("last"), time.time())


def _took(job: Job) -> str:
    return duration_text(job.get("last", {}).get("took"))


def _next(job: Job) -> str:
    return from_now(job.get("next"), time.time())


def _failures(job: Job) -> str:
    return str(job.get("failures") or "")


def _failures_color(cell: str) -> str | None:
    return "red" if cell.isdigit() else None


def _runner(job: Job) -> str:
    return str(job["runner"])


JOB_COLUMNS = (
    JobColumn(Column("id"), _id),
    JobColumn(Column("state", whole=True, color=STATE_COLORS.get), _state),
    JobColumn(Column("last", whole=True, color=outcome_color), _last),
    JobColumn(Column("took", whole=True), _took),
    JobColumn(Column("next", whole=True), _next),
    JobColumn(Column("failures", whole=True, color=_failures_color), _failures),
    JobColumn(Column("schedule", optional=True), schedule_text),
    JobColumn(Column("runner", optional=True), _runner),
)
"""The columns from left to right. A narrow terminal leaves out the optional ones."""

COLUMNS = tuple(one.column for one in JOB_COLUMNS)


def job_row(job: Job) -> Iterable[Any]:
    """Return the cells of a job."""
    return [one.cell(job) for one in JOB_COLUMNS]
