"""Run the benchmarks: `scripts/bench`, or `scripts/bench --only tick --jobs 1000000`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from bench import (
    alerts,
    boards,
    cost,
    cron,
    forecast,
    growth,
    history,
    idle,
    late,
    lists,
    many_boards,
    memory,
    partitions,
    plugins,
    put,
    runs,
    script_cost,
    shell,
    tick,
    web,
    webhooks,
    work,
)
from bench.harness import Result, open_board
from bench.peers.report import compare
from jobs_core import Board
from jobs_core.cli.common import echo_json, echo_table
from jobs_core.embedded import EmbeddedServer

Measurement = Callable[[Board, int, str], Iterator[Result]]

MEASUREMENTS: dict[str, Measurement] = {
    "put": lambda board, jobs, url: put.measure(board, jobs),
    "memory": lambda board, jobs, url: memory.measure(board, jobs),
    "tick": lambda board, jobs, url: tick.measure(board, jobs),
    "cron": lambda board, jobs, url: cron.measure(board, jobs),
    "alerts": lambda board, jobs, url: alerts.measure(board, jobs),
    "boards": lambda board, jobs, url: boards.measure(board),
    "forecast": lambda board, jobs, url: forecast.measure(board),
    "lists": lists.measure,
    "cost": lambda board, jobs, url: cost.measure(board, jobs),
    "scripts": lambda board, jobs, url: script_cost.measure(board),
    "history": history.measure,
    "runs": lambda board, jobs, url: runs.measure(board, jobs),
    "work": work.measure,
    "idle": idle.measure,
    "many-boards": lambda board, jobs, url: many_boards.measure(board, url),
    "partitions": partitions.measure,
    "late": lambda board, jobs, url: late.measure(board, jobs),
    "webhooks": webhooks.measure,
    "web": web.measure,
    "shell": shell.measure,
    "plugins": lambda board, jobs, url: plugins.measure(),
    "growth": lambda board, jobs, url: growth.measure(jobs),
    "growth-primaries": lambda board, jobs, url: growth.measure_primaries(jobs),
}


@click.command()
@click.option(
    "--jobs", type=click.IntRange(min=1000), default=100000, show_default=True, help="Jobs on the board."
)
@click.option(
    "--only", "names", multiple=True, type=click.Choice(list(MEASUREMENTS)), help="Run only this measurement."
)
@click.option("--peers", is_flag=True, help="Compare Jobs with other systems instead: about 20 minutes.")
@click.option(
    "--peer", "peer_names", multiple=True, metavar="NAME", help="Only systems whose name contains NAME."
)
@click.option(
    "--url", metavar="URL", help="An empty server to use; it is emptied afterwards. Default: a private one."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def main(
    jobs: int,
    names: tuple[str, ...],
    peers: bool,
    peer_names: tuple[str, ...],
    url: str | None,
    as_json: bool,
) -> None:
    """Compare Jobs with a raw floor, on a server with its append-only file on. No result is a failure.

    With --peers, compare it with other systems: acknowledged tasks per second, with one worker process and
    with four, at a concurrency of 50 each. See docs/numbers.md.
    """
    with _server(url) as found:
        board = open_board(found)
        if peers or peer_names:
            compare(board, found, jobs, peer_names, as_json)
            _empty_and_close(board)
            return
        results: list[Result] = []
        for name in names or MEASUREMENTS:
            click.echo(f"measuring {name} ...", err=True)
            results += MEASUREMENTS[name](board, jobs, found)
        _empty_and_close(board)
    if as_json:
        for result in results:
            echo_json(asdict(result) | {"ratio": result.ratio})
    else:
        echo_table(("", "measured", "unit", "floor", "ratio", "target"), map(_row, results))


@contextmanager
def _server(url: str | None) -> Iterator[str]:
    """Yield the URL of a private server, or of the named one if it is empty. It is emptied afterwards."""
    if url is None:
        with tempfile.TemporaryDirectory() as data, EmbeddedServer(Path(data)) as server:
            yield server.url
        return
    if open_board(url).client.info("keyspace"):
        raise click.UsageError(f"the server at {url} holds data, which the benchmarks would delete")
    yield url


def _empty_and_close(board: Board) -> None:
    board.client.flushall()
    board.client.close()


def _row(result: Result) -> tuple[str, ...]:
    floor = "" if result.floor is None else _figure(result.floor)
    ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
    return result.name, _figure(result.value), result.unit, floor, ratio, result.target


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


if __name__ == "__main__":
    main()
