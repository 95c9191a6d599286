"""Forecast what applying a board file would change, on a copy of the board."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

from jobs_core.boardfile.apply import apply_board
from jobs_core.boardfile.crontabs import keep_ids
from jobs_core.boardfile.model import BoardFile, Declarations
from jobs_core.client.apply import read_owners
from jobs_core.client.board import BoardClient
from jobs_core.client.forecasting import read_source, read_span
from jobs_core.forecast import Comparison, Source, make_forecast
from jobs_core.forecast.scratch import put_jobs, put_limits, put_met, scratch_server

if TYPE_CHECKING:
    from jobs_core.client.forecasting import ForecastOptions


def forecast_file(
    board: BoardClient,
    file: BoardFile,
    declared: Declarations,
    days: float = 7,
    **options: Unpack[ForecastOptions],
) -> Comparison:
    """Forecast a board as it is, and with a file applied. The board is only read.

    Args:
        board: The board.
        file: The file.
        declared: What the file declares for the board. Its alerts run nothing, and are left out.
        days: The length of the span.
        options: Those of `Board.forecast`.

    Raises:
        RefusedError: The board would reject a job.
        OptionError: An option is invalid.
        ServerError: No Redis or Valkey is installed here.
    """
    span = read_span(board.commands, days, **options)
    source = read_source(board, options.get("durations"), span.progress)
    jobs = [
        replace(job, payload="", derived=False, implied=frozenset())
        for job in keep_ids(board, declared.jobs, file.owner)
    ]
    with _copy(board, source) as draft:
        apply_board(draft, file, Declarations(jobs), adopt=True)
        applied = replace(source, jobs=read_source(draft, {}).jobs)
    return Comparison(make_forecast(source, span), make_forecast(applied, span))


@contextmanager
def _copy(board: BoardClient, source: Source) -> Iterator[BoardClient]:
    """Yield a copy of a board on a private server, without payloads and tasks."""
    owners: dict[Any, Any] = dict(read_owners(board.commands))
    with scratch_server() as client:
        draft = BoardClient("draft", client=client, validate=False)
        if any("zone" in job for job in source.jobs):
            draft.calls.check_zone({"cron": "@daily", "zone": "UTC"})
        put_limits(draft.commands, source.limits)
        put_jobs(draft.commands, source.jobs)
        put_met(draft.commands, source.met)
        if owners:
            client.hset(draft.keys.owners, mapping=owners)
        yield draft
