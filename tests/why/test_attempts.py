"""Why runs were late, lost or cancelled, compared with what the test did."""

from __future__ import annotations

from jobs_core.wording import when
from tests.why.conftest import Ask, Scene


def test_the_worker_that_was_lost_is_named(scene: Scene, why: Ask) -> None:
    scene.put(every=7200)
    scene.tick(0)
    scene.take(1, "crashed", lease=5)
    scene.lose(20)
    task = scene.take(30)
    scene.ack(task, 38)
    found = why(at=scene.at(0))
    assert found.reason == "ran"
    assert "was done at attempt 2 after 8s. Attempt 1 was lost with its worker crashed, " in found.text
    assert found.text.endswith(f"It was due at {when(scene.at(0))}, 30s before.")
    assert any(fact.get("worker") == "crashed" for fact in found.proof if fact["kind"] == "history")


def test_a_run_waited_by_the_rule_overlap_queue(scene: Scene, why: Ask) -> None:
    scene.put(every=60, overlap="queue")
    scene.tick(0)
    first = scene.take(0)
    scene.tick(60)
    assert scene.board.pop("echo", lease=60, worker="w2", now=scene.at(61)) == []
    scene.ack(first, 90)
    scene.ack(scene.take(90), 91)
    assert f"by the rule overlap queue it waited for the run before from {when(scene.at(61))} on" in (
        why(at=scene.at(60)).text
    )


def test_a_run_was_cancelled_by_the_rule_overlap_replace(scene: Scene, why: Ask) -> None:
    scene.put(every=60, overlap="replace")
    scene.tick(0)
    first = scene.take(0)
    scene.tick(60)
    scene.ack(first, 61, "cancelled")
    found = why(at=scene.at(0))
    assert found.reason == "cancelled"
    assert "the job has the rule overlap replace" in found.text
