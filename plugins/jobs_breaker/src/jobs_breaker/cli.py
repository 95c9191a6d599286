"""`jobs breaker`: list and close circuits."""

from __future__ import annotations

from dataclasses import asdict

import click

from jobs_core import NotFoundError
from jobs_core.plugin_cli import (
    connected,
    echo,
    echo_json,
    echo_table,
    json_option,
    open_board,
    redis_errors,
    when,
)


@click.group()
def breaker() -> None:
    """Manage the circuits of failing targets.

    \b
      jobs breaker list
      jobs breaker close 'http example.com'
    """


@breaker.command(name="list")
@json_option
@connected
def list_circuits(as_json: bool, url: str | None, board_name: str) -> None:
    """List the circuits with failures.

    \b
      jobs breaker list --json
    """
    from jobs_breaker.circuits import Circuits

    with redis_errors():
        found = sorted(Circuits(open_board(url, board_name)).all(), key=lambda circuit: circuit.name)
    if as_json:
        for circuit in found:
            echo_json(asdict(circuit))
    else:
        rows = ((circuit.name, circuit.state, circuit.failures, when(circuit.until)) for circuit in found)
        echo_table(("circuit", "state", "failures", "next trial"), rows)


@breaker.command()
@click.argument("circuit")
@connected
def close(circuit: str, url: str | None, board_name: str) -> None:
    """Close a circuit now.

    \b
      jobs breaker close 'http example.com'
    """
    from jobs_breaker.circuits import Circuits

    with redis_errors():
        if not Circuits(open_board(url, board_name)).close(circuit):
            raise NotFoundError(f"there is no circuit {circuit!r} with failures: see `jobs breaker list`")
    echo(f"{circuit} is closed")
