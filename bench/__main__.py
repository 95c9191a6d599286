"""Run the benchmarks: `scripts/bench`, or `scripts/bench --only tick --jobs 1000000`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import click

from bench import idle, put, tick, work
from bench.harness import Result
from jobs_core import Board
from jobs_core.cli.common import echo_table
from jobs_core.server import EmbeddedServer

Measurement = Callable[[Board, int, str], Iterator[Result]]

MEASUREMENTS: dict[str, Measurement] = {
    "put": lambda board, jobs, url: put.measure(board, jobs),
    "tick": lambda board, jobs, url: tick.measure(board, jobs),
    "work": lambda board, jobs, url: work.measure(board, min(jobs, 50000), url),
    "idle": lambda board, jobs, url: idle.measure(board, jobs, url),
}


@click.command()
@click.option(
    "--jobs", type=click.IntRange(min=1000), default=100000, show_default=True, help="Jobs on the board."
)
@click.option("--only", "names", multiple=True, type=click.Choice(list(MEASUREMENTS)), help="Just this.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def main(jobs: int, names: tuple[str, ...], as_json: bool) -> None:
    """Measure Jobs on a private server with its append-only file on. Nothing is asserted."""
    with tempfile.TemporaryDirectory() as data, EmbeddedServer(Path(data)) as server:
        board = Board("bench", server.url, validate=False)
        results = []
        for name in names or MEASUREMENTS:
            click.echo(f"measuring {name} ...", err=True)
            results += MEASUREMENTS[name](board, jobs, server.url)
        board.client.close()
    if as_json:
        for result in results:
            click.echo(json.dumps(asdict(result) | {"ratio": result.ratio}))
    else:
        echo_table(("", "measured", "unit", "floor", "ratio", "target"), map(_row, results))


def _row(result: Result) -> tuple[str, ...]:
    floor = "" if result.floor is None else f"{result.floor:,.0f}"
    ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
    value = f"{result.value:,.0f}" if result.value >= 100 else f"{result.value:.2f}"
    return result.name, value, result.unit, floor, ratio, result.target


if __name__ == "__main__":
    main()
