"""A fresh board for each test, on one private server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs_core import Board
from jobs_core.testing import private_board


@pytest.fixture(scope="module")
def server() -> Iterator[Board]:
    with private_board() as board:
        yield board


@pytest.fixture
def board(server: Board) -> Iterator[Board]:
    yield server
    server.client.flushall()
