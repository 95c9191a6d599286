"""Commands about the installation: init plugins settings doctor completion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from jobs_core.cli.common import connected, echo_json, echo_table, json_option, open_board
from jobs_core.contract import Check, Finding
from jobs_core.errors import DeniedError, JobsError

SHELL_FUNCTION = """\
jobs() {
  case "${1-}" in
    -h|--help|--version) env jobs "$@" ;;
    ''|-*|%*) builtin jobs "$@" ;;
    *) env jobs "$@" ;;
  esac
}"""

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


@click.command()
@click.option(
    "--functions", is_flag=True, hidden=True, help="Has no effect: the functions are always loaded."
)
@json_option
@connected
def init(functions: bool, as_json: bool, url: str | None, board_name: str) -> None:
    """Load the commands and the time zones into Redis.

    The commands are a library of functions, for FCALL. They are loaded as scripts, too, for clients that
    cannot call functions: the hash {board}:commands has the SHA of each, for EVALSHA. Other commands of
    `jobs` do this by themselves; in a cluster, init makes the board.

    \b
      jobs init
      redis-cli FCALL_RO JNEXT 1 {jobs} tick
    """
    shas = open_board(url, board_name).init()
    if as_json:
        echo_json(shas)
    else:
        echo_table(("command", "SHA"), shas.items())


@click.command()
@json_option
@click.pass_context
def plugins(ctx: click.Context, as_json: bool) -> None:
    """List plugins, and what is wrong with broken ones.

    \b
      jobs plugins --json
    """
    group: Any = ctx.find_root().command
    infos = group.load_plugins().infos
    if as_json:
        for info in infos:
            echo_json(asdict(info))
        return
    rows = (
        (
            info.name,
            f"{info.distribution} {info.version}".strip(),
            info.state,
            "; ".join(f"{kind}: {', '.join(names)}" for kind, names in info.provides.items()),
            "; ".join(filter(None, (info.reason, *info.notes))),
        )
        for info in infos
    )
    echo_table(("plugin", "distribution", "state", "provides", "notes"), rows)


@click.command()
@json_option
@click.pass_context
def settings(ctx: click.Context, as_json: bool) -> None:
    """Show the settings of plugins.

    A setting is an environment variable, JOBS_ and its name, or is written in jobs.toml: the file that
    JOBS_CONFIG names, or one here, or in your configuration directory.

    \b
      [settings]
      hello_greeting = "good morning"

    \b
      jobs settings --json
    """
    group: Any = ctx.find_root().command
    shown = [
        asdict(found) | ({"value": "(secret)"} if found.secret and found.value else {})
        for found in group.load_plugins().setting_values()
    ]
    if as_json:
        for found in shown:
            echo_json(found)
    else:
        names = ("name", "value", "source", "plugin", "summary")
        echo_table(names, ([found[name] for name in names] for found in shown))


@click.command()
@click.option("--ledger", is_flag=True, help="Only prove that every task is accounted for.")
@json_option
@connected
@click.pass_context
def doctor(ctx: click.Context, ledger: bool, as_json: bool, url: str | None, board_name: str) -> None:
    """Check the server, the user's permissions, the clocks, the plugins, the ledger.

    It only reads: a replica and a user who may only read will do. Exits with 1 when it finds a problem.

    \b
      jobs doctor
      jobs doctor --ledger
    """
    board = open_board(url, board_name)
    board.commands.prepare()  # a server that does not answer is one error, not one for each check
    problems = 0
    for check, finding in _findings(board, "ledger" if ledger else None):
        problems += finding.state == "problem"
        if as_json:
            echo_json({"check": check.name} | asdict(finding))
        else:
            mark, colour = MARKS[finding.state]
            advice = f" — {finding.advice}" if finding.advice else ""
            click.echo(f"{click.style(mark, fg=colour)} {check.name}: {finding.note}{advice}")
    ctx.exit(1 if problems else 0)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes your shell know `jobs`.

    That is completion, and a function that tells this `jobs` from the shell's builtin of the same name, which
    goes on listing background processes when it is called alone or with an option. Put it in your .bashrc or
    .zshrc:

    \b
      eval "$(job completion bash)"
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "jobs", "_JOBS_COMPLETE").source())
    click.echo(SHELL_FUNCTION)


def _findings(board: Any, only: str | None) -> Iterator[tuple[Check, Finding]]:
    """Run the checks, permissions first: so what this user is denied is said once, and not by each check."""
    checks = [check for check in board.plugins.checks() if only in (None, check.name)]
    said: set[str] = set()
    for check in sorted(checks, key=lambda check: check.name != "permissions"):
        try:
            finding = _examine(check, board)
        except DeniedError as error:
            if "permissions" in said:
                continue
            finding = Finding("problem", str(error))
        if finding.state == "problem":
            if finding.note in said:
                continue  # another check met the same obstacle
            said |= {check.name, finding.note}
        yield check, finding


def _examine(check: Check, board: Any) -> Finding:
    """Run one check; one that fails is a problem of its own, and keeps none of the others from running.

    Raises DeniedError.
    """
    from jobs_core.engine.commands import translated

    try:
        with translated(board.commands.server):
            return check.run(board)
    except DeniedError:
        raise
    except JobsError as error:
        return Finding("problem", str(error))
    except Exception as error:
        return Finding("problem", f"the check failed: {type(error).__name__}: {error}")
