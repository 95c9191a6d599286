"""The option `--label`, and its completion in a shell."""

from __future__ import annotations

import os
from typing import Any

import click

from jobs_core.errors import JobsError


def complete_label(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the labels on the board that begin with a text, for completion in a shell."""
    from jobs_core.app import Board

    url = ctx.params.get("url") or os.environ.get("JOBS_REDIS_URL")
    name = ctx.params.get("board_name") or os.environ.get("JOBS_BOARD") or "jobs"
    try:
        with Board(name, url, socket_timeout=1, socket_connect_timeout=1) as board:
            return [label for label in board.labels() if label.startswith(incomplete)]
    except JobsError:
        return []


def _as_list(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> list[str] | None:
    return list(value) or None


LABEL: dict[str, Any] = {
    "multiple": True,
    "callback": _as_list,
    "shell_complete": complete_label,
    "metavar": "NAME=VALUE",
}
"""What every option `--label` has: it repeats, and is None if it is not given."""

label_option = click.option("--label", **LABEL, help="Only jobs with this label. Repeatable: all must match.")
task_label_option = click.option(
    "--label", **LABEL, help="Only tasks whose job had this label. Repeatable: all must match."
)
