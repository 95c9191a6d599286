"""Helpers for engine tests: a server without functions, and clients of several versions of Jobs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

import pytest
import redis

from jobs_core import Board
from jobs_core.engine import build

OLDER, OWN, NEWER = build.LIBRARY_VERSION - 1, build.LIBRARY_VERSION, build.LIBRARY_VERSION + 1

_numbers = itertools.count()

Version = Callable[[int], AbstractContextManager[None]]
"""Within `with version(5):`, clients in this process have that version of Jobs."""

NewBoard = Callable[..., Board]
"""Makes a fresh client of the board: `new_board()`, or `new_board(url)` as another user."""


@cache
def library(version: int) -> str:
    """Return the library of another version of Jobs: the same functions under its version number."""
    return build.build_library(
        build.read_sources(build.resources.files("jobs_core").joinpath("lua")), version
    )


@pytest.fixture(params=["url", "other_url"], ids=["valkey", "redis"])
def server(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """Each available server, without functions before and after the test."""
    url = str(request.getfixturevalue(request.param))
    with redis.Redis.from_url(url, decode_responses=True) as client:
        client.function_flush()
        yield client
        client.function_flush()


@pytest.fixture
def server_url(server: redis.Redis) -> str:
    """The URL of that server."""
    return f"unix://{server.connection_pool.connection_kwargs['path']}"


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch) -> Version:
    """Give clients in this process another version of Jobs for a while."""

    @contextmanager
    def become(number: int) -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(build, "LIBRARY_VERSION", number)
            patch.setattr(build, "library", lambda: library(number))
            yield

    return become


def loaded(server: redis.Redis) -> int | None:
    """Return the version of the library on a server."""
    try:
        return int(server.fcall_ro("JVERSION", 0)[0])
    except redis.ResponseError:
        return None


def load(server: redis.Redis, number: int) -> None:
    """Load the library of a version unconditionally, like a delayed client."""
    server.function_load(library(number), replace=True)


@pytest.fixture
def new_board(server_url: str) -> Iterator[NewBoard]:
    """Make clients of one empty board, each like a newly started one."""
    made: list[Board] = []
    name = f"engine-{next(_numbers)}"

    def make(url: str = server_url) -> Board:
        made.append(Board(name, url, validate=False))
        return made[-1]

    yield make
    for board in made:
        board.client.close()
