"""The client mirrors the command line: each command uses a method of `Board`."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from jobs_core import Board
from jobs_core.cli import cli

METHODS = {
    "alert digest": "alert_digest",
    "alert list": "alert_list",
    "alert open": "alert_open",
    "alert put": "alert_put",
    "alert remove": "alert_remove",
    "alert show": "alert_show",
    "alert test": "alert_test",
    "backfill cancel": "backfill_cancel",
    "backfill list": "backfill_list",
    "backfill start": "backfill",
    "backfill watch": "backfill_watch",
    "board apply": "apply",
    "board check": "plan",
    "board diff": "plan",
    "board export": "list",
    "dead list": "dead",
    "dead purge": "dead_purge",
    "dead retry": "dead_retry",
    "dead show": "dead",
    "export crontab": "list",
    "import crontab": "apply",
}
"""Commands whose method has another name."""

WITHOUT = {
    "acl": "asks for no more than the version of the server",
    "board schema": "calls no Redis",
    "completion": "calls no Redis",
    "doctor": "runs the checks of plugins on a board",
    "explain": "calls no Redis",
    "plugin new": "calls no Redis",
    "plugins": "calls no Redis",
    "run": "is a Worker",
    "service install": "calls no Redis",
    "service remove": "calls no Redis",
    "settings": "calls no Redis",
    "up": "is an EmbeddedServer and a Worker",
}
"""Commands without a method, with the reason."""


def commands(group: click.Group, before: str = "") -> Iterator[str]:
    """Return the built-in commands, without those of plugins that other tests may have loaded."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        elif getattr(command.callback, "__module__", "").startswith("jobs_core."):
            yield before + name


OWN = [name for name in commands(cli) if name not in WITHOUT]


@pytest.mark.parametrize("name", OWN)
def test_every_command_has_a_method(name: str) -> None:
    assert callable(getattr(Board, METHODS.get(name, name), None)), name


def test_the_lists_name_existing_commands() -> None:
    assert {*METHODS, *WITHOUT} <= set(commands(cli))
