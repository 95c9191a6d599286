"""Test the Lua commands on every available server: the embedded Valkey, and redis-server if on PATH."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs_core import Board
from jobs_core.engine.keys import Keys
from tests.lua.helpers import Lua


@pytest.fixture(scope="session", params=["valkey", "redis"])
def url(request: pytest.FixtureRequest, url: str) -> str:
    """The URL of a private server: the shared one, then one of redis-server."""
    return url if request.param == "valkey" else str(request.getfixturevalue("other_url"))


@pytest.fixture(scope="session")
def scripts(url: str) -> Iterator[Keys]:
    """Load the scripts, for calls by SHA. Returns the keys of a board that has them."""
    board = Board("scripts", url, validate=False)
    board.commands.load()
    yield board.keys
    board.client.close()


@pytest.fixture
def lua(board: Board, scripts: Keys) -> Lua:
    """The commands of an empty board, as methods."""
    # Like `load`, without writing the SHA of every script for each test. Tests that need zones load them.
    board.client.copy(scripts.commands, board.keys.commands)
    board.client.copy(scripts.layout, board.keys.layout)
    return Lua(board)
