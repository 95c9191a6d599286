"""What is wrong with the jobs of a board file, as runners and Redis see it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from jobs_core.apply import plan
from jobs_core.boards.model import BoardFile, Declared, Problem
from jobs_core.calls import as_raw
from jobs_core.errors import JobsError, PayloadError

if TYPE_CHECKING:
    from jobs_core.board import Board
    from jobs_core.plugins import Plugins


def check_with(
    board: Board, read: BoardFile, declared: list[Declared], advance: Callable[[int], None]
) -> list[Problem]:
    """Ask a board about jobs: runners about payloads, Redis about options and cycles. Changes nothing."""
    jobs = [job.arguments for job in declared]
    refused = plan(board, jobs, read.owner, prune=False, adopt=True, advance=advance).refused
    return [placed(declared[place], error) for place, error in sorted(refused.items())]


def check_alone(plugins: Plugins, declared: list[Declared]) -> list[Problem]:
    """Ask the runners of this machine alone, where no server is at hand."""
    found = []
    for job in declared:
        if job.runner in plugins.names("runners"):
            try:
                plugins.validate(
                    plugins.job(
                        job.id,
                        job.runner,
                        as_raw(job.payload),
                        dict(job.options),
                    )
                )
            except JobsError as error:
                found.append(placed(job, error))
    return found


def placed(job: Declared, error: JobsError) -> Problem:
    """An error at the option that its sentence is about, or else where the job begins."""
    sentence = str(error)
    words = ["payload"] if isinstance(error, PayloadError) else re.findall(r"[\w-]+", sentence)
    where = next((job.places[word] for word in words if word in job.places), job.where)
    return Problem(where, sentence if repr(job.id) in sentence else f"{sentence} (job {job.id!r})")
