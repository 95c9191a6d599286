"""A board with partitions, of whose nodes one is away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs_core import Board, Outcome, ServerError
from jobs_core.client.diagnose import run_checks
from tests.helpers import Jobs, runner, wait_until, working
from torture.nodes import HOST, Cluster, Node

pytestmark = pytest.mark.timeout(180)

COUNT = 8


@pytest.fixture(params=["no"])
def cluster(binary: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Three primaries without replicas. Those left serve their slots, unless the parameter is yes."""
    words = ("--cluster-require-full-coverage", request.param, "--appendonly", "yes")
    with Cluster(binary, tmp_path, words=words) as found:
        yield found


@pytest.fixture
def spread(cluster: Cluster) -> Iterator[Board]:
    """A board on all three, whose client has used them."""
    with Board("spread", cluster.url, validate=False) as found:
        found.init(partitions=COUNT)
        for part in found.partitions:
            part.push("echo", "x")
        yield found


def numbers_on(spread: Board, node: Node) -> list[int]:
    """The partitions that a node has."""
    place = f"{HOST}:{node.port}"
    return [number for number, part in enumerate(spread.partitions) if part.commands.node == place]


def test_errors_and_doctor_name_the_node_that_is_away(cluster: Cluster, spread: Board, jobs: Jobs) -> None:
    away = cluster.nodes[1]
    lost = numbers_on(spread, away)
    away.kill()
    with pytest.raises(
        ServerError, match=f"{HOST}:{away.port}, a node of the cluster|says that the cluster is down"
    ):
        spread.count()
    found = {check.name: finding for check, finding in run_checks(spread)}
    assert found["primaries"].note == f"primaries that do not answer: {HOST}:{away.port}"
    assert found["partitions"].state == "problem"
    ranges = ", ".join(map(str, lost))
    assert f"of {COUNT} partitions, these cannot be used: {ranges}. " in found["partitions"].note


def test_tasks_elsewhere_are_waited_for(cluster: Cluster, spread: Board) -> None:
    """Partitions on other nodes go on: their tasks are run, and those who wait for them are told."""
    away = cluster.nodes[1]
    lost = numbers_on(spread, away)
    gate = threading.Event()
    one = next(part for number, part in enumerate(spread.partitions) if number not in lost)

    def run(task: object, context: object) -> Outcome:
        gate.wait(60)
        return Outcome.done()

    with working(spread, runner(run, "slow")):
        task = one.push("slow", "x", keep="1h")
        lines: list[dict[str, object]] = []
        follower = threading.Thread(target=lambda: lines.extend(spread.output(task, follow=True)))
        follower.start()
        wait_until(lambda: one.count()["leased"] == 1)
        away.kill()
        cluster.nodes.remove(away)
        wait_until(
            lambda: all("cluster_slots_fail:0" not in node.call("CLUSTER", "INFO") for node in cluster.nodes)
        )
        gate.set()
        assert spread.wait(task, 60)["what"] == "done"
        follower.join(60)
        assert lines[-1]["what"] == "done"
        away.start()
        cluster.nodes.append(away)


def test_a_worker_says_once_that_a_node_is_away_and_back(cluster: Cluster, spread: Board) -> None:
    away = cluster.nodes[1]
    lost = [spread.partitions[number] for number in numbers_on(spread, away)]
    assert len(lost) > 1
    with working(spread, runner(lambda task, context: Outcome.done())) as (_, log):
        wait_until(lambda: all(list(part.workers()) for part in lost))
        away.kill()
        log.wait_for("trouble")
        away.start()
        log.wait_for("recovered")
        (trouble,) = log.of("trouble")
        assert f"{HOST}:{away.port}, a node of the cluster" in trouble.data["note"]
        assert len(log.of("recovered")) == 1


@pytest.mark.parametrize("cluster", ["yes"], indirect=True)
def test_who_waits_goes_on_after_the_whole_cluster_was_down(
    cluster: Cluster, spread: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one of its nodes, this cluster serves nothing: longer than a call is tried again."""
    monkeypatch.setattr("jobs_core.client.output.LOOKS", 0.1)
    for part in (spread, *spread.partitions):
        part.commands.patience = 0.1
    refused = threading.Event()
    has_task = spread._has_task

    def look(task: str) -> bool:
        try:
            return has_task(task)
        except ServerError:
            refused.set()
            raise

    monkeypatch.setattr(spread, "_has_task", look)
    lost = numbers_on(spread, cluster.nodes[1])
    one = next(part for number, part in enumerate(spread.partitions) if number not in lost)
    task = one.push("slow", "x", keep="1h")
    (taken,) = one.pop("slow", lease=600)
    lines: list[dict[str, object]] = []
    follower = threading.Thread(target=lambda: lines.extend(spread.output(task, follow=True)))
    follower.start()
    cluster.nodes[1].kill()
    assert refused.wait(60)
    cluster.nodes[1].start()
    wait_until(cluster.is_whole)
    one.ack(taken.token)
    follower.join(60)
    assert lines[-1]["what"] == "done"
