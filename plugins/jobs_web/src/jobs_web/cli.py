"""`jobs web`: serve the page and the API."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from jobs_core import OptionError
from jobs_core.plugin_cli import url_option
from jobs_web.access.user import ROLES
from jobs_web.token_cli import token

ROLE = click.Choice(ROLES)


def _boards_of_environment() -> tuple[str, ...]:
    return (os.environ.get("JOBS_BOARD") or "jobs",)


@click.group(invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port.")
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate of the server, in PEM.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Key of the certificate, in PEM.")
@click.option("--open", "is_open", is_flag=True, help="Ask for no login: everybody may use the board.")
@click.option(
    "--open-role", type=ROLE, help="With --open, the role of those who do not log in (default: editor)."
)
@click.option(
    "--host-name", "host_names", multiple=True, metavar="NAME", help="Answer only to this name and to --host."
)
@click.option(
    "--trusted-proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="Believe what this address or network says in X-Forwarded-For and X-Forwarded-Proto.",
)
@click.option("--user-header", metavar="HEADER", help="Header in which a trusted proxy names the user.")
@click.option(
    "--user-role", type=ROLE, help="With --user-header, the role of users without a token (default: none)."
)
@url_option
@click.option(
    "--board",
    "boards",
    multiple=True,
    metavar="NAME",
    default=_boards_of_environment,
    help="A board to show (default: JOBS_BOARD, else jobs). The tokens of the first one count.",
)
@click.pass_context
def web(ctx: click.Context, /, **options: Any) -> None:
    """Serve the page and the REST API of a board.

    Who uses them logs in with a token. While a board has none, a server on a loopback address prints a link
    that logs one browser in, once.

    \b
      jobs web
      jobs web token add ann --role operator
      jobs web --host 0.0.0.0 --port 8443 --tls-cert web.crt --tls-key web.key
      jobs web --board reports --board mail
      jobs web --host 0.0.0.0 --open --open-role viewer
      jobs web --trusted-proxy 10.0.0.1 --user-header X-Forwarded-User --user-role viewer
    """
    if ctx.invoked_subcommand:
        _refuse_options(ctx)
        return
    from jobs_web.serving import Options, serve

    serve(Options(**options))


web.add_command(token)


def _refuse_options(ctx: click.Context) -> None:
    """Refuse options of the server before a subcommand, where they would have no effect."""
    for parameter in ctx.command.params:
        if ctx.get_parameter_source(parameter.name or "") == ParameterSource.COMMANDLINE:
            name = parameter.opts[0]
            raise OptionError(f"{name} goes after the command: jobs web token list {name}")
