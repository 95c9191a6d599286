"""A client works with a newer library: the conformance file, played on a server that has one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from jobs_core import Board
from tests.clients.test_client_conformance import ORDINARY, Player
from tests.engine.conftest import NEWER, load, loaded


@pytest.fixture(scope="module", params=["url", "other_url"], ids=["valkey", "redis"])
def newer_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of each available server, with a newer library."""
    url = str(request.getfixturevalue(request.param))
    with redis.Redis.from_url(url) as client:
        load(client, NEWER)
        yield url
        client.function_flush()


@pytest.mark.parametrize("case", ORDINARY, ids=lambda case: str(case["name"]))
def test_the_client_conforms_with_a_newer_library(newer_url: str, case: dict[str, Any]) -> None:
    with redis.Redis.from_url(newer_url, decode_responses=True) as client:
        board = Board("engine-newer", client=client, validate=False)
        client.delete(*client.keys(f"{board.keys.tag}:*"), "none")
        client.response_callbacks.clear()
        Player(board.commands.call, client.execute_command, board.keys.tag).play(case["steps"])
        assert loaded(client) == NEWER
