"""Metrics of workers and boards, for Prometheus and whatever else reads OpenMetrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from jobs_core import Logger, Setting, WorkerInfo, hookimpl

if TYPE_CHECKING:
    import click

    from jobs_core import Board
    from jobs_metrics.exposition import Exposition


@hookimpl
def jobs_settings() -> Iterator[Setting]:
    """Declare where a worker serves its metrics."""
    yield Setting("metrics", "", "Where a worker serves its metrics, as [HOST:]PORT; empty: nowhere")


@hookimpl
def jobs_observers(worker: WorkerInfo) -> Iterator[Logger]:
    """Count what a worker does, if it has an address to serve that at."""
    if where := worker.settings.get("metrics"):
        from jobs_metrics.worker import metrics_logger

        yield metrics_logger(worker, where)


@hookimpl
def jobs_exposition(board: Board) -> Callable[[bool], tuple[str, bytes]]:
    """Provide the metrics of a board."""

    @cache
    def exposition() -> Exposition:
        from jobs_metrics.exposition import Exposition

        return Exposition(board)

    return lambda per_job: exposition().read(per_job)


@hookimpl
def jobs_commands(cli: click.Group) -> None:
    """Add `jobs metrics`."""
    from jobs_metrics.cli import metrics

    cli.add_command(metrics)
