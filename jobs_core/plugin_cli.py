"""What plugins with subcommands import: options that all commands share, and how `jobs` prints.

    from jobs_core.plugin_cli import connected, echo_json, json_option, open_board, redis_errors

Importing it imports neither redis nor rich: `jobs --help` loads every plugin.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jobs_core.cli.common import (
    connected,
    echo_json,
    echo_table,
    given,
    json_option,
    open_board,
    stdin_lines,
    stdin_option,
    when,
)
from jobs_core.cli.run import serve, worker_options

__all__ = [
    "connected",
    "echo_json",
    "echo_table",
    "given",
    "json_option",
    "open_board",
    "redis_errors",
    "serve",
    "stdin_lines",
    "stdin_option",
    "when",
    "worker_options",
]


@contextmanager
def redis_errors() -> Iterator[None]:
    """Raise the errors of `board.client` as those of Jobs: one sentence, and the exit code that goes with it.

    >>> with redis_errors():
    ...     open_board(url, board_name).client.hgetall(key)
    """
    from jobs_core.engine.redis_errors import translated

    with translated():
        yield
