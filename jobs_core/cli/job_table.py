"""The columns of `jobs list`: one function for each, which takes a job as `Board.list` yields it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs_core.cli.table import Column
from jobs_core.wording import from_now, schedule_text

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


def _next(job: Job) -> str:
    return from_now(job.get("next"), time.time())


def _runner(job: Job) -> str:
    return str(job["runner"])


JOB_COLUMNS = (
    JobColumn(Column("id"), _id),
    JobColumn(Column("state", whole=True, color=STATE_COLORS.get), _state),
    JobColumn(Column("next", whole=True), _next),
    JobColumn(Column("runner"), _runner),
    JobColumn(Column("schedule"), schedule_text),
)
"""The columns from left to right. On a terminal, those that are not whole are cut to fit."""

COLUMNS = tuple(one.column for one in JOB_COLUMNS)


def job_row(job: Job) -> Iterable[Any]:
    """Return the cells of a job."""
    return [one.cell(job) for one in JOB_COLUMNS]
