"""`jobs metrics`: the metrics of a board, once or over HTTP."""

from __future__ import annotations

from contextlib import closing
from queue import SimpleQueue
from typing import TYPE_CHECKING

import click

from jobs_core import ServerError
from jobs_core.plugin_cli import connected, echo, on_end_signals, open_board

if TYPE_CHECKING:
    from jobs_core import Board


@click.command()
@click.option("--listen", metavar="[HOST:]PORT", help="Serve them here, at /metrics, until Ctrl-C.")
@click.option("--per-job", is_flag=True, help="Add metrics of single jobs, of the first 1,000.")
@connected
def metrics(listen: str | None, per_job: bool, url: str | None, board_name: str) -> None:
    """Print the metrics of the whole board in the format OpenMetrics.

    They come from Redis, so one place to scrape them is enough: this command, or the page of jobs-web. What a
    worker does itself is served by `jobs run --metrics`.

    \b
      jobs metrics
      jobs metrics --listen 9465
      jobs metrics --listen 0.0.0.0:9465 --per-job
    """
    from jobs_metrics.exposition import Exposition

    board = open_board(url, board_name)
    if listen is not None:
        _serve(board, listen, per_job)
        return
    _, text = Exposition(board).read(per_job)
    echo(text.decode().rstrip("\n"))


def _serve(board: Board, where: str, per_job: bool) -> None:
    from jobs_metrics.exposition import BoardCollector
    from jobs_metrics.listener import Listener, read_address

    collector = BoardCollector(board, per_job=per_job)
    ended: SimpleQueue[None] = SimpleQueue()  # a signal handler may put into it at any moment
    with (
        closing(Listener(read_address("listen", where), collector)) as listener,
        on_end_signals(lambda: ended.put(None)),
    ):
        try:
            collector.collect()
        except ServerError as error:
            echo(f"{error}\nUntil then, scrapes are answered with 503.", err=True)
        echo(listener.url)
        ended.get()
