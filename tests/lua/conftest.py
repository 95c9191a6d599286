"""Test the Lua commands on every available server: the embedded Valkey, and redis-server if on PATH."""

from __future__ import annotations

import pytest

from jobs_core import Board
from jobs_core.engine.build import LIBRARY_VERSION, commands
from jobs_core.engine.loader import VERSION
from tests.lua.helpers import Lua


@pytest.fixture(scope="session", params=["valkey", "redis"])
def url(request: pytest.FixtureRequest, url: str) -> str:
    """The URL of a private server: the shared one, then one of redis-server."""
    return url if request.param == "valkey" else str(request.getfixturevalue("other_url"))


@pytest.fixture(scope="session")
def scripts(url: str) -> None:
    """Load the scripts, for calls by SHA."""
    Board("scripts", url, validate=False).commands.load()


@pytest.fixture
def lua(board: Board, scripts: None) -> Lua:
    """The commands of an empty board, as methods."""
    # Like `load`, but without sending every script for each test. Tests that need zones load them.
    shas = {name: command.sha for name, command in commands().items()}
    board.client.hset(board.keys.commands, mapping={**shas, "version": LIBRARY_VERSION})
    board.client.set(board.keys.layout, VERSION)
    return Lua(board)
