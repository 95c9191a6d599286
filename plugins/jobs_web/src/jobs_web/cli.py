"""`jobs web`: serve the page."""

from __future__ import annotations

import click

from jobs_core.plugin_cli import connected, open_board


@click.group(invoke_without_command=True)
@connected
def web(url: str | None, board_name: str) -> None:
    """Serve the page of a board."""
    import uvicorn

    from jobs_web.application import app

    uvicorn.run(app(open_board(url, board_name)), port=8080)
