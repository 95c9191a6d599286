"""A page and a REST API for Jobs: see a board and steer it, in a browser.

import jobs_web
from jobs_core import Board

app = jobs_web.app(Board("jobs"))      # an ASGI application, to serve or to mount in another
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs_core import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["app"]


def __getattr__(name: str) -> Any:
    """Import the application on first use: `jobs --help` loads this plugin, and needs no web server."""
    if name == "app":
        from jobs_web.application import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@hookimpl
def jobs_commands(cli: click.Group) -> None:
    """Add `jobs web`."""
    from jobs_web.cli import web

    cli.add_command(web)
