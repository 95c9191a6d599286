"""A page and a REST API for Jobs: see a board and steer it, in a browser.

import jobs_web
from jobs_core import Board

app = jobs_web.app(Board("jobs"))      # an ASGI application, to serve or to mount in another
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from jobs_core import hookimpl

if TYPE_CHECKING:
    import click

    from jobs_core import Board

__all__ = ["Access", "User", "app"]

_MODULES = {
    "Access": "jobs_web.access.configuration",
    "User": "jobs_web.access.user",
    "app": "jobs_web.application",
}


def __getattr__(name: str) -> Any:
    """Import the application on first use: `jobs --help` loads this plugin, and needs no web server."""
    from importlib import import_module

    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@hookimpl
def jobs_commands(cli: click.Group) -> None:
    """Add `jobs web`."""
    from jobs_web.cli import web

    cli.add_command(web)


@hookimpl
def jobs_services(board: Board, options: Mapping[str, Any]) -> Iterator[AbstractContextManager[str]]:
    """Serve the page beside `jobs up`."""
    if options["web"]:
        from jobs_web.serving import page_of_up

        yield page_of_up(board, options["web_port"])
