"""A cluster and a watched primary, on Valkey and on redis-server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.many.servers import Pair, Watched
from torture.nodes import Cluster


@pytest.fixture(scope="module")
def cluster(binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three primaries, each with a replica. Tests leave all of them alive."""
    with Cluster(binary, tmp_path_factory.mktemp("cluster"), replicas=1) as found:
        yield found


@pytest.fixture
def pair(binary: str, tmp_path: Path) -> Iterator[Pair]:
    """A primary and a replica."""
    with Pair(binary, tmp_path) as found:
        yield found


@pytest.fixture
def watched(binary: str, tmp_path: Path) -> Iterator[Watched]:
    """A primary, a replica and three Sentinels."""
    with Watched(binary, tmp_path) as found:
        yield found
