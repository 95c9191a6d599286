"""Completion in a shell of names that are on the board."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from jobs_core.errors import JobsError

if TYPE_CHECKING:
    from jobs_core.app import Board

Complete = Callable[[click.Context, click.Parameter, str], list[str]]
"""What click calls to complete a word."""


def completed_by(names: Callable[[Board], Iterable[str]]) -> Complete:
    """Return a function that completes a word with names on the board, if the server answers."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        from jobs_core.app import Board

        url = ctx.params.get("url") or os.environ.get("JOBS_REDIS_URL")
        board_name = ctx.params.get("board_name") or os.environ.get("JOBS_BOARD") or "jobs"
        try:
            with Board(board_name, url, socket_timeout=1, socket_connect_timeout=1) as board:
                return [name for name in names(board) if name.startswith(incomplete)]
        except JobsError:
            return []

    return complete
