"""`jobs web token`: who may log in."""

from __future__ import annotations

import click

from jobs_core.plugin_cli import connected, echo, echo_json, echo_table, json_option, open_board, when
from jobs_web.access.user import ROLES, Role


@click.group()
def token() -> None:
    """Manage the tokens with which people and programs use the page and the API.

    \b
      jobs web token add ann --role operator
      jobs web token list
      jobs web token remove ann
    """


@token.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default="viewer",
    show_default=True,
    help="viewer reads; operator also runs, pauses, cancels and retries; editor also changes jobs.",
)
@connected
def add(name: str, role: Role, url: str | None, board_name: str) -> None:
    """Add a token and print it, this once.

    NAME says whose it is. `jobs changes` shows it beside what they change.

    \b
      jobs web token add ann --role operator
    """
    from jobs_web.access.tokens import Tokens

    secret = Tokens(open_board(url, board_name)).add(name, role)
    echo(secret)
    echo("Keep the token: it is not shown again.", err=True)


@token.command(name="list")
@json_option
@connected
def list_tokens(as_json: bool, url: str | None, board_name: str) -> None:
    """List the tokens: their names and roles.

    \b
      jobs web token list --json
    """
    from jobs_web.access.tokens import Tokens

    found = sorted(Tokens(open_board(url, board_name)).all().values(), key=lambda token: token.name)
    if as_json:
        for one in found:
            echo_json({"name": one.name, "role": one.role, "added": one.added})
    else:
        echo_table(("name", "role", "added"), ((one.name, one.role, when(one.added)) for one in found))


@token.command()
@click.argument("name")
@connected
def remove(name: str, url: str | None, board_name: str) -> None:
    """Remove a token. Its logins end within seconds.

    \b
      jobs web token remove ann
    """
    from jobs_web.access.tokens import Tokens

    Tokens(open_board(url, board_name)).remove(name)
    echo(f"{name} may not log in any more")
