"""What plugins with commands import: shared options, and output in the style of `jobs`.

    from jobs_core.plugin_cli import connected, echo_json, json_option, open_board, redis_errors

Importing it imports neither redis nor rich: `jobs --help` loads every plugin.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jobs_core.cli.bulk import stdin_lines
from jobs_core.cli.common import (
    connected,
    echo,
    echo_json,
    echo_table,
    given,
    json_option,
    open_board,
    stdin_option,
    url_option,
)
from jobs_core.cli.worker import serve, worker_options
from jobs_core.wording import when
from jobs_core.worker.signals import on_end_signals

__all__ = [
    "connected",
    "echo",
    "echo_json",
    "echo_table",
    "given",
    "json_option",
    "on_end_signals",
    "open_board",
    "redis_errors",
    "serve",
    "stdin_lines",
    "stdin_option",
    "url_option",
    "when",
    "worker_options",
]


@contextmanager
def redis_errors() -> Iterator[None]:
    """Translate errors of `board.client` into errors of Jobs: one sentence and an exit code.

    >>> with redis_errors():
    ...     open_board(url, board_name).client.hgetall(key)
    """
    from jobs_core.engine.redis_errors import translated

    with translated():
        yield
