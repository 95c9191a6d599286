"""A worker of a board with partitions tells alerts, each once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jobs_core import Board, Context, Outcome, Runner, Task
from jobs_core.engine.partitions.places import place_of
from tests.conftest import REMOVE
from tests.helpers import wait_until, working

COUNT = 4


@pytest.fixture
def spread(board: Board) -> Iterator[Board]:
    """An empty board of four partitions."""
    board.init(partitions=COUNT)
    yield board
    board.client.eval(REMOVE, 0, f"{{{board.name}.*")


def test_jobs_of_all_partitions_and_an_unserved_queue_are_told_once(spread: Board) -> None:
    told: list[dict[str, Any]] = []

    def tell(task: Task, context: Context) -> Outcome:
        assert isinstance(task.payload, dict)
        told.append(task.payload)
        return Outcome.done()

    payload = {"kind": "{alert}", "job": "{job}", "queue": "{queue}"}
    spread.alert_put("failing", "tell", payload, when="failed")
    spread.alert_put("idle", "tell", payload, when="unserved 1s")
    ids = [next(id for n in range(99) if place_of(id := f"j{n}", COUNT) == place) for place in range(COUNT)]
    for id in ids:
        spread.put(id, "fail", "x", every=3600, start="+1d")
        spread.push(id)
    for _ in range(COUNT):
        spread.push("nobody", "x")
    assert [part.count()["queue:nobody"] for part in spread.partitions] == [1] * COUNT

    def has_been_reported(part: Board) -> bool:
        """Whether a partition has found the queue, and its home knows."""
        names = (f"{part.keys.tag}:alerts:reported:unserved", f"{part.keys.tag}:alerting:unserved")
        return bool(part.client.exists(*names)) and not part.client.scard(f"{part.keys.tag}:outgoing")

    with working(spread, Runner("tell", tell), Runner("fail", lambda task, context: Outcome.failed("no"))):
        wait_until(lambda: all(map(has_been_reported, spread.partitions)))
        wait_until(lambda: spread.count().get("queue:tell", 0) == 0 and len(told) >= COUNT + 1)
    assert sorted(one["job"] for one in told if one["kind"] == "failing") == sorted(ids)
    assert [one["queue"] for one in told if one["kind"] == "idle"] == ["nobody"]
    assert [alert.open for alert in spread.alert_list()] == [COUNT, 1]
