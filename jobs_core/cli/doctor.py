"""`jobs doctor`: check a board and this machine."""

from __future__ import annotations

from dataclasses import asdict

import click

from jobs_core.cli.common import connected, echo_json, json_option, open_board
from jobs_core.contract import Check, Finding
from jobs_core.text import visible

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


@click.command()
@click.option("--ledger", is_flag=True, help="Only prove that every task is accounted for.")
@json_option
@connected
@click.pass_context
def doctor(ctx: click.Context, ledger: bool, as_json: bool, url: str | None, board_name: str) -> None:
    """Check the server, your permissions, the clocks, the plugins and the ledger.

    The checks only read, so they also run on a replica or as a read-only user. Exits with 1 if a check finds
    a problem.

    \b
      jobs doctor
      jobs doctor --ledger
    """
    from jobs_core.client.diagnose import run_checks

    board = open_board(url, board_name)
    board.commands.prepare()  # without a server, report one error, not one for each check
    problems = 0
    for check, finding in run_checks(board, "ledger" if ledger else None):
        problems += finding.state == "problem"
        _print(check, finding, as_json)
    ctx.exit(1 if problems else 0)


def _print(check: Check, finding: Finding, as_json: bool) -> None:
    if as_json:
        echo_json({"check": check.name} | asdict(finding))
        return
    mark, color = MARKS[finding.state]
    advice = f" — {finding.advice}" if finding.advice else ""
    click.echo(f"{click.style(mark, fg=color)} {visible(f'{check.name}: {finding.note}{advice}')}")
