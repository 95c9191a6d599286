"""`jobs acl`: the Redis permissions of viewers, clients, workers and admins."""

from __future__ import annotations

import click

from jobs_core.cli.common import (
    connected,
    echo,
    echo_json,
    json_option,
    open_board,
)
from jobs_core.engine.roles import (
    PLACEHOLDER,
    ROLE_NAMES,
    Role,
    acl_line,
    acl_rules,
    as_version,
    role,
)
from jobs_core.errors import OptionError


@click.command()
@click.argument("role_name", metavar="ROLE", type=click.Choice(ROLE_NAMES))
@click.option("--user", metavar="NAME", help="Name of the user (default: BOARD-ROLE).")
@click.option(
    "--server-version",
    metavar="VERSION",
    help="Print the line for this version of Redis, such as 7.0, without asking a server.",
)
@click.option(
    "--partitions",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --server-version: print the line for a board that has partitions.",
)
@json_option
@connected
def acl(
    role_name: str,
    user: str | None,
    server_version: str | None,
    partitions: int | None,
    as_json: bool,
    url: str | None,
    board_name: str,
) -> None:
    """Print the ACL line of a role.

    ROLE is viewer (reads), client (also puts, pushes, pauses and cancels), worker (also takes, runs and
    reports tasks) or admin (does everything, and loads the functions).

    The line is for one board, with its partitions if it has some, and for the version of the server.
    Replace PASSWORD, and pass the line to redis-cli. Standard error lists what the role cannot forbid.

    \b
      jobs acl viewer
      jobs acl worker --board reports --user worker-1
      jobs acl client --server-version 7.0
      jobs acl viewer | sed "s/PASSWORD/$password/" | redis-cli
    """
    name = f"{board_name}-{role_name}" if user is None else user
    if not name:
        raise OptionError("user: expected a name, got an empty one", option="user")
    if " " in name or not name.isprintable():
        what = "expected a name without spaces and control characters"
        raise OptionError(f"user: {what}, got {name!r}", option="user")
    version, has_partitions = server_version, partitions is not None
    if version is None:
        version, has_partitions = _ask_server(url, board_name)
    found = role(role_name)
    rules = acl_rules(found, board_name, as_version(version), has_partitions=has_partitions)
    line = acl_line(name, rules)
    if as_json:
        echo_json(_role_fields(found, name, board_name, version) | {"rules": rules, "line": line})
        return
    echo(line)
    echo(f"Replace {PLACEHOLDER[1:]}. A {role_name} {found.summary}.", err=True)
    for caveat in found.caveats:
        echo(f"Not forbidden: {caveat}.", err=True)


def _role_fields(found: Role, user: str, board_name: str, version: str) -> dict[str, object]:
    return {
        "role": found.name,
        "user": user,
        "board": board_name,
        "server_version": version,
        "cannot_forbid": list(found.caveats),
    }


def _ask_server(url: str | None, board_name: str) -> tuple[str, bool]:
    """Return the server's version, and whether the board has partitions."""
    from jobs_core.client.diagnose import server_version

    board = open_board(url, board_name)
    return server_version(board), board.commands.spread is not None
