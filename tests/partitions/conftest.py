"""Boards of several partitions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from jobs_core import Board
from tests.conftest import REMOVE

_numbers = itertools.count()


@pytest.fixture
def spread_board(url: str) -> Iterator[Board]:
    """An empty board of four partitions that does not check runners. Its keys are removed at the end."""
    with Board(f"spread-{next(_numbers)}", url, validate=False) as board:
        board.init(partitions=4)
        yield board
        for name in (board.name, f"{board.name}.*"):
            board.client.eval(REMOVE, 0, f"{{{name}}}:*")
