"""A job's partition follows from the CRC16 by which Redis finds slots: in Python, and in the engine."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs_core.engine.loader import VERSION
from jobs_core.engine.partitions.places import MOST, Places, place_of
from tests.lua.helpers import Lua
from tests.many.servers import Servers, free_port

SLOTS = 16384

NAMES = ["a", "report", "123456789", "queue:shell", "runner:http", "é€😀", "a" * 200, "nightly/export.v2"]


@pytest.fixture(scope="module")
def slots(binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    """A server that answers CLUSTER KEYSLOT."""
    with Servers(binary, tmp_path_factory.mktemp("slots")) as servers:
        yield servers.add("--cluster-enabled", "yes", "--cluster-port", str(free_port())).client


@given(name=st.one_of(st.sampled_from(NAMES), st.text(st.characters(codec="utf-8", exclude_characters="{}"))))
@settings(max_examples=200, deadline=None)
def test_places_are_remainders_of_slots(slots: redis.Redis, name: str) -> None:
    slot = slots.cluster("KEYSLOT", name)
    assert place_of(name, SLOTS) == slot
    for count in (1, 2, 16, MOST):
        assert Places(count).of_job(f"job-{name}") == place_of(f"job-{name}", SLOTS) % count


@pytest.mark.parametrize("name", [*NAMES, *(f"job-{number}" for number in range(50))])
def test_the_engine_finds_the_same_places(slots: redis.Redis, name: str, lua: Lua) -> None:
    place = slots.cluster("KEYSLOT", name) % MOST
    other = lua.board.keys.partitions(MOST)[0 if place else 1]
    lua.client.set(other.layout, f"{VERSION} {0 if place else 1}/{MOST}")
    with pytest.raises(redis.ResponseError) as raised:
        lua.client.fcall("JSET", 1, other.tag, name, "echo", "x")
    said = re.search(r"belongs to the partition \{.*\.(\d+)\}", str(raised.value))
    lua.client.delete(other.layout)
    assert said and int(said[1]) == place
