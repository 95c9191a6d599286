"""The option `--label`, and its completion in a shell."""

from __future__ import annotations

from typing import Any

import click

from jobs_core.cli.completion import completed_by


def as_list(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> list[str] | None:
    """Return the values of an option that repeats, or None if it is not given."""
    return list(value) or None


LABEL: dict[str, Any] = {
    "multiple": True,
    "callback": as_list,
    "shell_complete": completed_by(lambda board: board.labels()),
    "metavar": "NAME=VALUE",
}
"""What every option `--label` has: it repeats, and is None if it is not given."""

label_option = click.option("--label", **LABEL, help="Only jobs with this label. Repeatable: all must match.")
task_label_option = click.option(
    "--label", **LABEL, help="Only tasks whose job had this label. Repeatable: all must match."
)
