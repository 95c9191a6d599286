"""Commands about the installation: init plugins settings completion."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from jobs_core.cli.common import (
    connected,
    echo,
    echo_json,
    echo_table,
    installed_plugins,
    json_option,
    open_board,
)
from jobs_core.wording import counted

SHELL_FUNCTION = """\
jobs() {
  case "${1-}" in
    -h|--help|--version) env jobs "$@" ;;
    ''|-*|%*) builtin jobs "$@" ;;
    *) env jobs "$@" ;;
  esac
}"""


@click.command()
@click.option(
    "--partitions",
    type=int,
    metavar="N",
    help="Spread a new board over N partitions, which a cluster may have on several nodes. N never changes.",
)
@click.option("--functions", is_flag=True, hidden=True, help="No effect: init always loads the functions.")
@json_option
@connected
def init(partitions: int | None, functions: bool, as_json: bool, url: str | None, board_name: str) -> None:
    """Load the commands and the time zones into Redis.

    The commands are a library of functions, for FCALL. They are also loaded as scripts, for clients that
    cannot call functions: the hash {board}:commands has the SHA of each, for EVALSHA.

    You rarely need it: the other commands of `jobs` load what they use. In a cluster, it creates the board.

    \b
      jobs init
      jobs init --url redis+cluster://node-1,node-2 --partitions 16
      redis-cli FCALL_RO JNEXT 1 {jobs} tick
    """
    board = open_board(url, board_name)
    shas = board.init(partitions=partitions)
    if as_json:
        echo_json(shas)
        return
    echo_table(("command", "SHA"), shas.items())
    if partitions is not None:
        echo(f"\nThe board {board_name!r} has {counted(len(board.partitions), 'partition')}.")


@click.command()
@json_option
def plugins(as_json: bool) -> None:
    """List plugins, and why broken ones fail.

    \b
      jobs plugins --json
    """
    infos = installed_plugins().infos
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
def settings(as_json: bool) -> None:
    """Show the settings of plugins.

    Set one with an environment variable, JOBS_ and its name, or in jobs.toml. That file is the one that
    JOBS_CONFIG names, else the one in the current directory, else the one in your configuration directory.

    \b
      [settings]
      hello_greeting = "good morning"
      [settings.notify]
      ops = ["mailto:ops@example.com"]

    \b
      jobs settings --json
    """
    shown = [
        asdict(setting) | ({"value": _hidden(setting.value)} if setting.secret and setting.value else {})
        for setting in installed_plugins().setting_values()
    ]
    if as_json:
        for setting in shown:
            echo_json(setting)
    else:
        names = ("name", "value", "source", "plugin", "summary")
        echo_table(names, ([_shown(setting[name]) for name in names] for setting in shown))


def _hidden(value: Any) -> Any:
    """Return what stands for a secret. The names of a table's entries are shown."""
    return dict.fromkeys(value, "(secret)") if isinstance(value, dict) else "(secret)"


def _shown(value: Any) -> Any:
    return ", ".join(f"{name}: {item}" for name, item in value.items()) if isinstance(value, dict) else value


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print shell code for completion.

    It also defines a function that tells this program from the shell's builtin `jobs`. The builtin still
    lists background processes when you call it alone or with an option. Put this line in your .bashrc or
    .zshrc:

    \b
      eval "$(job completion bash)"
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "jobs", "_JOBS_COMPLETE").source())
    click.echo(SHELL_FUNCTION)
