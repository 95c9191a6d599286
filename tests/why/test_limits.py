"""Why tasks wait for limits, compared with what the test did."""

from __future__ import annotations

import time

import pytest

from jobs_core import Board
from jobs_core.wording import when
from tests.why.conftest import Ask, Scene, serve


@pytest.fixture
def scene(board: Board) -> Scene:
    """A scene that begins a minute ago."""
    return Scene(board, time.time() // 60 * 60 - 60)


def test_the_rate_of_its_queue_is_used_up(scene: Scene, why: Ask) -> None:
    scene.board.commands.call("JLIMIT", "queue", "echo", "rate", "1/1h", "now", scene.at(-1))
    serve(scene.board, concurrency=8)
    scene.put("other", every=7200)
    scene.tick(0)
    scene.ack(scene.take(1), 2)
    scene.put(at=3, every=7200)
    scene.tick(3)
    assert scene.board.pop("echo", lease=60, now=scene.at(4)) == []
    found = why()
    assert found.reason == "held"
    until = when(scene.at(3601))
    assert f"the queue echo has a limit of 1/1h, and its rate is used up until {until}." in found.text


def test_the_tasks_of_its_queue_fill_its_limit(scene: Scene, why: Ask) -> None:
    """More concurrency of the worker would not help."""
    scene.board.limit("queue", "echo", concurrency=1)
    serve(scene.board, running=1, concurrency=1)
    scene.put("other", every=7200)
    scene.tick(0)
    holder = scene.take(1)
    scene.put(at=2, every=7200)
    scene.tick(2)
    found = why()
    assert found.reason == "held"
    assert found.text.endswith(f"the queue echo has a limit of 1 at once, which {holder.id} fills.")
    assert found.proof[1] == {"kind": "limit", "limit": "queue:echo", "concurrency": 1, "by": [holder.id]}
    scene.ack(holder, 10)
    assert why().reason == "queued"


def test_what_kept_it_is_not_known_if_its_queue_has_a_limit(scene: Scene, why: Ask) -> None:
    scene.board.limit("queue", "echo", concurrency=1)
    scene.put(every=7200)
    scene.tick(0)
    scene.ack(scene.take(30), 31)
    text = why(at=scene.at(0)).text
    assert "What kept it is not recorded, but the queue echo has a limit of 1 at once." in text
    serve(scene.board)
    assert "the queue echo has a limit of 1 at once." in why(at=scene.at(7200)).text


def test_whose_tasks_fill_a_limit_is_read_when_asked(scene: Scene, why: Ask) -> None:
    scene.board.limit("runner", "echo", concurrency=2)
    for id in ("first", "second"):
        scene.put(id, every=7200)
    scene.tick(0)
    first, second = scene.take(1), scene.take(1)
    scene.put(at=2, every=7200)
    scene.tick(2)
    assert scene.board.pop("echo", lease=60, now=scene.at(3)) == []
    scene.ack(first, 4)
    found = why()
    assert found.text.endswith(f", which {second.id} fills.")


def test_a_rate_holds_it(scene: Scene, why: Ask) -> None:
    scene.put(every=60, rate="1/1h")
    scene.tick(0)
    scene.ack(scene.take(0), 1)
    scene.tick(60)
    assert scene.board.pop("echo", lease=60, now=scene.at(60)) == []
    found = why()
    assert found.reason == "held"
    assert found.text == (
        f"It waits: the rate of the job job holds it since {when(scene.at(60))}, "
        f"and is used up until {when(scene.at(3600))}."
    )
