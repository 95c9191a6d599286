"""`jobs plugin`: create a plugin."""

from __future__ import annotations

from pathlib import Path

import click

from jobs_core.cli.common import (
    echo,
    echo_json,
    json_option,
)
from jobs_core.scaffold import KINDS


@click.group()
def plugin() -> None:
    """Write a plugin of your own.

    \b
      jobs plugin new slack
      jobs plugins                # what is installed
    """


@plugin.command()
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(KINDS), default="runner", show_default=True, help="What the plugin provides."
)
@click.option(
    "--in",
    "where",
    type=click.Path(path_type=Path),
    default=".",
    help="The folder to create it in (default: the current one).",
)
@json_option
def new(name: str, kind: str, where: Path, as_json: bool) -> None:
    """Create a plugin: a working package with tests, ready to publish.

    \b
      jobs plugin new slack
      cd jobs-slack && pip install -e . --group dev && python -m pytest
    """
    from jobs_core import scaffold

    files = scaffold.new(name, kind, where)
    if as_json:
        echo_json({"files": [str(path) for path in files]})
        return
    for path in files:
        echo(path)
    folder = where / f"jobs-{name}"
    echo(f"\nTry it: cd {folder} && pip install -e . --group dev && python -m pytest")
